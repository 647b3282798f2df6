//! One change of a cluster at a time: a lock in etcd that ends with the connection that holds it.

use std::time::Duration;

use russh::ChannelMsg;

use super::{Cluster, Node};
use crate::ssh::SshError;
use report::{Failure, Reporter};

/// Holds the lock, or waits for it, as long as standard input is open: a program that is killed lets go of it at once,
/// one whose network is gone when etcd's lease ends. A command that `etcdctl lock` runs itself has no standard input.
const COMMAND: &str = "exec 3<&0; etcdctl lock --ttl 30 platform-change & lock=$!; \
                       (cat <&3 >/dev/null; kill $lock) & wait $lock";
/// What is printed once the lock is held: its key.
const HELD: &str = "platform-change/";
/// Someone else's change is waited for so long.
const DEADLINE: Duration = Duration::from_secs(10 * 60);
/// When waiting is worth a word.
const NOTE_AFTER: Duration = Duration::from_secs(5);

/// The lock; dropping it lets go.
pub struct ClusterLock {
    _channel: russh::Channel<russh::client::Msg>,
}

impl ClusterLock {
    /// Takes the lock through the first node that answers, waiting for its holder.
    pub async fn take(cluster: &Cluster, reporter: &Reporter) -> Result<Self, Failure> {
        let node = cluster.first_reachable().await.map_err(|errors| cluster.unreachable(errors))?;
        match Self::take_on(node, reporter).await {
            Ok(Ok(lock)) => Ok(lock),
            Ok(Err(reason)) => Err(Failure::Unhealthy {
                reasons: vec![format!("taking the cluster's lock in etcd on node `{}`: {reason}", node.name())],
                hint: "platformctl doctor".into(),
            }),
            Err(error) => Err(cluster.unreachable(vec![(node.name().to_owned(), error)])),
        }
    }

    async fn take_on(node: &Node, reporter: &Reporter) -> Result<Result<Self, String>, SshError> {
        let session = node.session().await?;
        let mut channel = session.open(COMMAND).await?;
        let mut said = String::new();
        let mut noted = false;
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let limit = if noted { deadline } else { tokio::time::Instant::now() + NOTE_AFTER };
            match tokio::time::timeout_at(limit, channel.wait()).await {
                Err(_) if noted => return Ok(Err(format!("someone has held it for {} s", DEADLINE.as_secs()))),
                Err(_) => {
                    reporter.note("▴ waiting for the cluster's lock: another platformctl may be changing it");
                    noted = true;
                }
                Ok(Some(ChannelMsg::Data { data })) => {
                    said.push_str(&String::from_utf8_lossy(&data));
                    if said.contains(HELD) {
                        return Ok(Ok(Self { _channel: channel }));
                    }
                }
                Ok(Some(ChannelMsg::ExtendedData { data, .. })) => said.push_str(&String::from_utf8_lossy(&data)),
                Ok(None) => return Ok(Err(said.trim().lines().last().unwrap_or("no reason given").to_owned())),
                Ok(Some(_)) => {}
            }
        }
    }
}
