//! One change of a cluster at a time: a key in etcd that ends with whoever holds it. A shell on a node keeps it for us;
//! it renews the lease only when we say so, and lets go when we say so or are gone.
//!
//! `cli/platform` takes it around every change. Every write compares the key's revision ([`ClusterLock::fence`]), so that
//! who has lost the lock without knowing it writes nothing.

mod holder;
mod keeper;

pub use holder::Holder;
pub use keeper::SCRIPT;

use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep};

use super::{ByteStream, Cluster, Endpoint, Node};
use crate::ssh::SshError;
use keeper::{Keeper, KeeperError, Look};
use report::mark::DEGRADED;
use report::{Failure, Reporter};

/// The key that is held. Names that start with a dot are no targets of settings.
pub const LOCK_KEY: &str = "/platform/.lock";
/// Someone else's change is waited for so long.
const DEADLINE: Duration = Duration::from_secs(10 * 60);
/// Between two looks whether the holder is gone.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// People want to know that somebody is still waiting.
const SAID_AGAIN: Duration = Duration::from_secs(60);
/// etcd lets a lease live for 180 s, since machines under load are slow to answer.
const PACE: Pace = Pace { renewal_interval: Duration::from_secs(5), most_silence: Duration::from_secs(150) };
/// A node that is asked to let go does so within this, or its lease ends by itself.
const RELEASE_DEADLINE: Duration = Duration::from_secs(15);

/// The lock. Who is done lets go by [`ClusterLock::release`]; dropped, it ends when the node hears nothing any more.
pub struct ClusterLock {
    fence: Fence,
    lost: watch::Receiver<Option<String>>,
    release: mpsc::Sender<()>,
    renewing: tokio::task::JoinHandle<()>,
}

/// What a write compares: the lock is the one that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// etcd's revision at which the key was made.
    pub revision: i64,
}

/// How a lease is renewed.
#[derive(Clone, Copy)]
struct Pace {
    /// Between two renewals.
    renewal_interval: Duration,
    /// A lease that was not renewed for so long may have ended.
    most_silence: Duration,
}

/// What came of taking the lock.
pub enum Taken {
    Held(ClusterLock),
    /// Nobody wants it any more.
    GivenUp,
}

impl ClusterLock {
    /// Takes the lock through the first node that answers, waiting for its holder, who is told to people; gives up when
    /// `give_up` ends.
    pub async fn take(
        cluster: &Cluster,
        holder: &Holder,
        reporter: &Reporter,
        mut give_up: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Taken, Failure> {
        let opening = async {
            let node = cluster.first_reachable().await.map_err(|errors| cluster.unreachable(errors))?;
            let stream =
                open(node).await.map_err(|error| cluster.unreachable(vec![(node.name().to_owned(), error)]))?;
            Ok::<_, Failure>((node, Keeper::new(stream)))
        };
        let (node, mut keeper) = tokio::select! {
            opened = opening => opened?,
            () = give_up.as_mut() => return Ok(Taken::GivenUp),
        };
        let taken = tokio::select! {
            taken = wait(&mut keeper, holder, Instant::now() + DEADLINE, reporter) => taken,
            () = give_up => {
                keeper.leave(RELEASE_DEADLINE).await;
                return Ok(Taken::GivenUp);
            }
        };
        match taken {
            Ok(fence) => Ok(Taken::Held(Self::held(fence, node.name(), keeper))),
            Err(reason) => Err(Failure::Unhealthy {
                reasons: vec![format!("taking the cluster's lock in etcd on node `{}`: {reason}", node.name())],
                hint: "platformctl doctor".into(),
            }),
        }
    }

    fn held(fence: Fence, node: &str, keeper: Keeper<ByteStream>) -> Self {
        let (lose, lost) = watch::channel(None);
        let (release, released) = mpsc::channel(1);
        let renewing = tokio::spawn(renew(keeper, node.to_owned(), PACE, lose, released));
        Self { fence, lost, release, renewing }
    }

    /// What every write must compare.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Ends when the lock is lost, with the reason.
    pub async fn lost(&self) -> Failure {
        let mut lost = self.lost.clone();
        let reason = match lost.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "what renews it has ended".to_owned(),
        };
        Failure::Unhealthy {
            reasons: vec![format!("the cluster's lock was lost, so nothing more was changed: {reason}")],
            hint: "run the same command again; it goes on where this one stopped".into(),
        }
    }

    /// Lets go, now.
    pub async fn release(self) {
        let _ = self.release.send(()).await;
        let _ = tokio::time::timeout(RELEASE_DEADLINE, self.renewing).await;
    }
}

async fn open(node: &Node) -> Result<ByteStream, SshError> {
    // The account's shell may be any; the script is for bash, which every image has.
    let script = format!("exec bash -c '{SCRIPT}'");
    node.open(Endpoint::Command(&script)).await
}

/// Until the lock is held, or `deadline` is past.
async fn wait(
    keeper: &mut Keeper<impl AsyncRead + AsyncWrite + Unpin>,
    holder: &Holder,
    deadline: Instant,
    reporter: &Reporter,
) -> Result<Fence, KeeperError> {
    let mut told: Option<(String, Instant)> = None;
    loop {
        let other = match keeper.look().await? {
            Look::Free => match keeper.take(holder).await? {
                Some(fence) => return Ok(fence),
                // Who was quicker shows at the next look.
                None => "someone who was quicker".to_owned(),
            },
            Look::Held(other) => other,
        };
        if Instant::now() > deadline {
            return Err(KeeperError::Refused(format!("{other} has held it for more than {} s", DEADLINE.as_secs())));
        }
        let is_news = told.as_ref().is_none_or(|(said, at)| *said != other || at.elapsed() > SAID_AGAIN);
        if is_news {
            reporter.note(format!("{DEGRADED} waiting for the cluster's lock, which {other} holds"));
            told = Some((other, Instant::now()));
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// Renews the lease until it is to be let go or is lost. An etcd that is busy, or elects a leader, refuses for a while: the lease
/// lives on, so it is asked again for as long as that is certain.
async fn renew(
    mut keeper: Keeper<impl AsyncRead + AsyncWrite + Unpin>,
    node: String,
    pace: Pace,
    lose: watch::Sender<Option<String>>,
    mut release: mpsc::Receiver<()>,
) {
    let mut beat = interval(pace.renewal_interval);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    let mut refusal = None;
    loop {
        tokio::select! {
            // Who drops the lock without a word lets go as well.
            _ = release.recv() => return keeper.leave(RELEASE_DEADLINE).await,
            _ = beat.tick() => {}
        }
        let asked = Instant::now();
        let reason = match tokio::time::timeout_at(renewed + pace.most_silence, keeper.renew()).await {
            Ok(Ok(())) => {
                renewed = asked;
                refusal = None;
                continue;
            }
            Ok(Err(error @ KeeperError::Refused(_))) if renewed.elapsed() < pace.most_silence => {
                tracing::debug!(node, %error, "the cluster's lock is not renewed yet");
                refusal = Some(error);
                continue;
            }
            Ok(Err(error)) => format!("renewing it through node `{node}`: {error}"),
            Err(_) => {
                let said = refusal.map_or_else(String::new, |error| format!("; before that it said: {error}"));
                format!("node `{node}` did not answer for {} s{said}", pace.most_silence.as_secs())
            }
        };
        tracing::debug!(node, reason, "the cluster's lock is lost");
        let _ = lose.send(Some(reason));
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};

    #[tokio::test]
    async fn waiting_ends_at_the_deadline_whoever_has_the_lock() {
        let holder = Holder {
            user: "ann".into(),
            host: "here".into(),
            process_id: 7,
            since: "2026-01-02T03:04:05Z".into(),
            command: "platformctl start platform".into(),
        };
        for (answers, expected) in [
            ("ok {\"kvs\":[{\"value\":\"eA==\"}]}\n", "someone has held it for more than 600 s"),
            // Free at each look, and taken at each try.
            (
                "ok {}\nok {\"header\":{\"revision\":9}}\nok \n",
                "someone who was quicker has held it for more than 600 s",
            ),
        ] {
            let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
            theirs.write_all(answers.as_bytes()).await.unwrap();
            // Stays open, as a shell does that waits for the next word.
            let shell = tokio::spawn(async move { theirs.read_to_end(&mut Vec::new()).await });
            let reporter = Reporter::new(None);
            let past = Instant::now() - Duration::from_millis(1);
            let refused = wait(&mut Keeper::new(ours), &holder, past, &reporter).await.unwrap_err();
            assert_eq!(refused.to_string(), expected);
            shell.abort();
        }
    }

    /// The reason for which a lock is lost whose node answers these lines, one a question, and then no more; none when it is
    /// still held when the last line is read.
    async fn renewed_by(pace: Pace, lines: impl IntoIterator<Item = &str>) -> Option<String> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (lose, lost) = watch::channel(None);
        let (_release, released) = mpsc::channel(1);
        let renewing = tokio::spawn(renew(Keeper::new(ours), "node-0".into(), pace, lose, released));
        let mut theirs = BufStream::new(theirs);
        for line in lines {
            let mut asked = String::new();
            theirs.read_line(&mut asked).await.unwrap();
            if asked.is_empty() {
                break;
            }
            assert_eq!(asked, "keep\n");
            // Who has given up meanwhile hears nothing any more.
            let answered = theirs.write_all(format!("{line}\n").as_bytes()).await;
            if answered.and(theirs.flush().await).is_err() {
                break;
            }
        }
        // The next question comes when the last answer was heard.
        let asks_on = theirs.read_line(&mut String::new()).await.unwrap() > 0;
        if !asks_on {
            renewing.await.unwrap();
        }
        lost.borrow().clone()
    }

    #[tokio::test]
    async fn a_busy_etcd_is_asked_again_until_the_lease_may_have_ended() {
        let patient = Pace { renewal_interval: Duration::from_millis(1), ..PACE };
        let (good, busy) = ("ok lease 1 keepalived", "failed Error: etcdserver: request timed out");
        assert_eq!(renewed_by(patient, [good, busy, busy, good]).await, None);
        let ended = "failed Error: etcdserver: requested lease not found";
        let told = "renewing it through node `node-0`: etcdserver: requested lease not found";
        assert_eq!(renewed_by(patient, [good, ended]).await.as_deref(), Some(told));
        let impatient = Pace { most_silence: Duration::from_secs(2), ..patient };
        let lost = renewed_by(impatient, std::iter::repeat(busy)).await.unwrap();
        assert!(lost.contains("etcdserver: request timed out"), "{lost}");
        let strange = renewed_by(patient, ["Welcome to Flatcar!"]).await.unwrap();
        assert!(strange.contains("not what was expected"), "{strange}");
    }
}
