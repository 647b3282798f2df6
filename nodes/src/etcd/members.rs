//! etcd's members: who they are, and how one comes and goes. One change at a time: etcd agrees to each before the next.
//! <https://etcd.io/docs/v3.5/op-guide/runtime-configuration/>

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{ETCDCTL, Store, StoreError, parse, quoted};

/// etcd's refusal as long as a member has not been heard of for some seconds without a break, as one that has just come.
/// <https://github.com/etcd-io/etcd/blob/v3.5.16/server/etcdserver/server.go> (`HealthInterval`)
const UNHEALTHY: &str = "unhealthy cluster";
/// For that to be over.
const PATIENCE: Duration = Duration::from_secs(60);
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// etcd as those of its members tell that are asked.
#[derive(Clone, Debug)]
pub struct Members {
    store: Store,
    endpoints: String,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    id: u64,
    /// None until it has started for the first time.
    pub name: Option<String>,
    /// `https://10.32.0.4:2380`.
    pub peer_urls: Vec<String>,
    /// Whether it only follows: it has no vote until it is promoted.
    pub is_learner: bool,
}

impl Members {
    /// Asks members at these addresses, by a node of the store's cluster.
    pub fn new(store: Store, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self { store, endpoints: endpoints(addresses) }
    }

    /// All of them.
    pub async fn list(&self) -> Result<Vec<Member>, StoreError> {
        let doing = "listing etcd's members";
        let (node, text) = self.ask(doing, "member list").await?;
        let list: List = parse(&node, doing, &text)?;
        Ok(list.members.into_iter().map(Member::from).collect())
    }

    /// Makes room for a member at this address, who has no vote yet; one that is there already stays as it is. Says whether
    /// there was none.
    pub async fn add_learner(&self, name: &str, address: Ipv4Addr) -> Result<bool, StoreError> {
        let url = peer_url(address);
        let is_there = |members: &[Member]| members.iter().any(|member| member.peer_urls.contains(&url));
        let command = format!("member add {} --learner --peer-urls={url}", quoted(name));
        self.change("adding a member to etcd", &command, is_there).await
    }

    /// Gives a learner its vote, once it has what the others have; an error until then.
    pub async fn promote(&self, member: &Member) -> Result<(), StoreError> {
        let votes = |members: &[Member]| members.iter().any(|other| other.id == member.id && !other.is_learner);
        self.change("promoting a member of etcd", &format!("member promote {:x}", member.id), votes).await.map(drop)
    }

    /// Takes a member out; etcd refuses when too few of the others are up.
    pub async fn remove(&self, member: &Member) -> Result<(), StoreError> {
        let is_gone = |members: &[Member]| members.iter().all(|other| other.id != member.id);
        self.change("removing a member of etcd", &format!("member remove {:x}", member.id), is_gone).await.map(drop)
    }

    /// Says whether it had to be asked for. An answer may be lost, and the command repeated: what etcd refuses is no error when
    /// it is so already.
    async fn change(
        &self,
        doing: &'static str,
        command: &str,
        is_so: impl Fn(&[Member]) -> bool,
    ) -> Result<bool, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        let mut was_asked = false;
        loop {
            if is_so(&self.list().await?) {
                return Ok(was_asked);
            }
            was_asked = true;
            match self.ask(doing, command).await {
                Ok(_) => return Ok(true),
                Err(StoreError::Refused { said, .. }) if said.contains(UNHEALTHY) && Instant::now() < deadline => {
                    sleep(RETRY_INTERVAL).await;
                }
                Err(error @ StoreError::Refused { .. }) if !is_so(&self.list().await?) => return Err(error),
                Err(StoreError::Refused { .. }) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&self, doing: &'static str, command: &str) -> Result<(String, String), StoreError> {
        self.store.ask(doing, &format!("ETCDCTL_ENDPOINTS={} {ETCDCTL} {command}", self.endpoints), None).await
    }
}

impl Member {
    /// Whether it is the member at this address.
    pub fn is_at(&self, address: Ipv4Addr) -> bool {
        self.peer_urls.contains(&peer_url(address))
    }

    /// Whether it has started, and counts for a quorum.
    pub fn has_vote(&self) -> bool {
        self.name.is_some() && !self.is_learner
    }
}

/// Where members at these addresses answer clients, as `ETCDCTL_ENDPOINTS` has it.
pub fn endpoints(addresses: impl IntoIterator<Item = Ipv4Addr>) -> String {
    let urls: Vec<String> = addresses.into_iter().map(|address| format!("https://{address}:2379")).collect();
    urls.join(",")
}

fn peer_url(address: Ipv4Addr) -> String {
    format!("https://{address}:2380")
}

/// `member list`; Go leaves a field out that is false or empty.
/// <https://github.com/etcd-io/etcd/blob/v3.5.16/api/etcdserverpb/rpc.proto>
#[derive(Deserialize)]
struct List {
    members: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "ID")]
    id: u64,
    #[serde(default)]
    name: String,
    #[serde(rename = "peerURLs")]
    peer_urls: Vec<String>,
    #[serde(default, rename = "isLearner")]
    is_learner: bool,
}

impl From<Listed> for Member {
    fn from(listed: Listed) -> Self {
        let name = Some(listed.name).filter(|name| !name.is_empty());
        Self { id: listed.id, name, peer_urls: listed.peer_urls, is_learner: listed.is_learner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        // As etcdctl 3.5.16 prints it.
        let text = r#"{"header":{"cluster_id":5,"member_id":3,"raft_term":2},"members":[
            {"ID":13803658152347727308,"name":"n0","peerURLs":["https://10.0.0.4:2380"],"clientURLs":["https://10.0.0.4:2379"]},
            {"ID":7,"peerURLs":["https://10.0.0.5:2380"],"isLearner":true}]}"#;
        let list: List = parse("n0", "listing", text).unwrap();
        let members: Vec<Member> = list.members.into_iter().map(Member::from).collect();
        assert_eq!(members[0].name.as_deref(), Some("n0"));
        assert!(members[0].is_at([10, 0, 0, 4].into()) && !members[0].is_at([10, 0, 0, 40].into()));
        assert_eq!((members[1].id, members[1].name.as_deref(), members[1].is_learner), (7, None, true));
        for wrong in ["{}", r#"{"members":[{"ID":1}]}"#, r#"{"members":[{"peerURLs":[]}]}"#, "<html>"] {
            assert!(parse::<List>("n0", "listing", wrong).is_err(), "{wrong}");
        }
    }
}
