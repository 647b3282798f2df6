//! Whether a cluster's machines do what they are for. Asked over SSH, because Azure calls a machine ready before its
//! configuration has acted.
//!
//! `cli` calls it after `execute`; every wait has a deadline, and every failure a reason.

mod check;
mod quorum;
mod restart;

pub(crate) use check::{BootId, Check, Passed};
pub(crate) use quorum::{check as check_quorum_without, etcd_health};
pub(crate) use restart::boot_id;

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

use crate::spec::Dialect;
use nodes::clock;
use nodes::cluster::{Cluster, MOST_HANDSHAKES, Node, Route, Timeouts};
use nodes::inventory::Inventory;
use nodes::ssh::{Identity, SshError};
use report::mark::DEGRADED;
use report::{Event, Failure, NodeError, Reporter};

/// From here on a machine that does not answer on SSH counts as unreachable.
const SSH_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// Services may still be starting, and pulling their images, when SSH answers.
const CHECK_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// A check that does not pass says so this often.
const NOTE_INTERVAL: Duration = Duration::from_secs(30);
/// Between two tries.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);
/// Largest difference between two nodes' clocks.
const MOST_CLOCK_SKEW: Duration = Duration::from_millis(500);
/// Clocks converge within a few polls of their source.
const CLOCK_DEADLINE: Duration = Duration::from_secs(3 * 60);

/// Of a node that is asked once: one that is well answers in milliseconds, and etcd's own question gives up after 5 s.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// Whom to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Awaited<'a> {
    AllNodes,
    /// The node with this name, after its restart; `before` is the boot that it was in, where it said so.
    Restarted {
        node: &'a str,
        before: Option<BootId>,
    },
}

/// What is true of a node whose connection was made.
struct Looked {
    /// What does not work, though the node is ready.
    degraded: Option<String>,
    /// Why it is not ready.
    reasons: Vec<String>,
}

/// Waits until every node that is `awaited` is ready; the failure names every node and check that is not.
///
/// Machines that are told by cloud-config show a host key of their own until that has acted.
pub(crate) async fn wait_until_ready(
    inventory: &Inventory,
    awaited: Awaited<'_>,
    identity: &Identity,
    dialect: Dialect,
    reporter: &Reporter,
) -> Result<(), Failure> {
    // A node that does not answer yet is asked again at once: that is what this waits for.
    let timeouts = Timeouts { silence: Duration::ZERO, ..Timeouts::default() };
    let cluster = Cluster::new(inventory.clone().into(), identity.clone(), Route::Direct, timeouts);
    let is_awaited = |node: &&Node| match &awaited {
        Awaited::AllNodes => true,
        Awaited::Restarted { node: name, .. } => node.name() == *name,
    };
    let restart = match &awaited {
        Awaited::Restarted { before: Some(before), .. } => Some(Check::AnotherBoot { before: before.clone() }),
        _ => None,
    };
    let nodes: Vec<&Node> = cluster.nodes().iter().filter(is_awaited).collect();
    reporter.event(Event::ReadinessStarted { nodes: nodes.len() });
    let places = Semaphore::new(MOST_HANDSHAKES);
    let looking = nodes.iter().map(|node| {
        let checks = restart.iter().cloned().chain(Check::for_node(inventory, node.facts())).collect();
        ready(inventory, node, checks, dialect, &places, reporter)
    });
    let results = join_all(looking).await;
    let mut unreachable = Vec::new();
    let mut reasons = Vec::new();
    let mut degraded = Vec::new();
    for (node, result) in nodes.iter().zip(results) {
        match result {
            Ok(looked) => {
                reasons.extend(looked.reasons.into_iter().map(|reason| format!("node `{}`: {reason}", node.name())));
                degraded.extend(looked.degraded.map(|detail| format!("{} ({detail})", node.name())));
            }
            Err(error) => unreachable.push(NodeError { node: node.name().to_owned(), cause: error.to_string() }),
        }
    }
    if unreachable.is_empty() && reasons.is_empty() && awaited == Awaited::AllNodes {
        reasons.extend(clocks_agree(cluster.nodes(), reporter).await.err());
    }
    join_all(nodes.iter().map(|node| node.disconnect())).await;
    let config = inventory.ssh.config.display();
    if let Some(summary) = summary_of(&degraded, nodes.len(), &config.to_string()) {
        reporter.note(summary);
    }
    let hint = if unreachable.is_empty() {
        format!("ssh -F {config} NODE journalctl --boot --priority warning")
    } else {
        format!("azure-coreos-cluster status {} --console shows what Azure knows of the machines", inventory.name)
    };
    match (unreachable.is_empty(), reasons.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(Failure::Host { errors: unreachable, unhealthy: reasons, hint }),
        (true, false) => Err(Failure::Unhealthy { reasons, hint }),
    }
}

/// Which nodes are ready though something on them does not work; none when all is well.
fn summary_of(degraded: &[String], nodes: usize, config: &str) -> Option<String> {
    (!degraded.is_empty()).then(|| {
        format!(
            "{DEGRADED} {} of {nodes} nodes are degraded: {}; ssh -F {config} NODE systemctl status UNIT says why",
            degraded.len(),
            degraded.join(", ")
        )
    })
}

/// Waits for the node's SSH, then for everything else; `places` are those of the nodes that are connected to at a time.
async fn ready(
    inventory: &Inventory,
    node: &Node,
    checks: Vec<Check>,
    dialect: Dialect,
    places: &Semaphore,
    reporter: &Reporter,
) -> Result<Looked, SshError> {
    let name = || node.name().to_owned();
    let _place = match connect(node, dialect, places).await {
        Ok(place) => place,
        Err(error) => {
            reporter.event(Event::CheckFailed { node: name(), check: "ssh", reason: error.to_string() });
            return Err(error);
        }
    };
    let detail = "answers with its own host key".to_owned();
    reporter.event(Event::CheckPassed { node: name(), check: "ssh", detail });
    let mut looked = Looked { degraded: None, reasons: Vec::new() };
    for check in checks {
        match pass(node, &check, reporter).await {
            Ok(Passed::Well(detail)) => {
                reporter.event(Event::CheckPassed { node: name(), check: check.name(), detail });
            }
            Ok(Passed::Degraded(detail)) => {
                looked.degraded = Some(detail.clone());
                reporter.event(Event::CheckDegraded { node: name(), check: check.name(), detail });
            }
            Err(reason) => {
                looked.reasons.push(format!("{}: {reason}", check.name()));
                reporter.event(Event::CheckFailed { node: name(), check: check.name(), reason });
            }
        }
    }
    // Others wait for the place.
    if inventory.nodes.len() > MOST_HANDSHAKES {
        node.disconnect().await;
    }
    Ok(looked)
}

/// Waits until the node, which may be booting, is reached over SSH.
pub(crate) async fn wait_for_ssh(node: &Node, dialect: Dialect) -> Result<(), SshError> {
    connect(node, dialect, &Semaphore::new(1)).await.map(drop)
}

/// A place, with the node's connection made.
async fn connect<'p>(
    node: &Node,
    dialect: Dialect,
    places: &'p Semaphore,
) -> Result<Option<SemaphorePermit<'p>>, SshError> {
    let mut deadline = None;
    loop {
        // It is never closed.
        let place = places.acquire().await.ok();
        // Waiting for a place is not the node's silence.
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + SSH_DEADLINE);
        let may_wait = Instant::now() + RETRY_INTERVAL <= deadline;
        match node.session().await {
            Ok(_) => return Ok(place),
            Err(SshError::HostKey { .. }) if dialect == Dialect::CloudConfig && may_wait => {}
            Err(error) if !error.is_transient() || !may_wait => return Err(error),
            Err(_) => {}
        }
        drop(place);
        sleep(RETRY_INTERVAL).await;
    }
}

/// Asks until the answer is good; a connection that breaks meanwhile is made again.
async fn pass(node: &Node, check: &Check, reporter: &Reporter) -> Result<Passed, String> {
    let deadline = Instant::now() + CHECK_DEADLINE;
    let mut next_note = Instant::now() + NOTE_INTERVAL;
    loop {
        let result = match node.run(&check.command(), None, CHECK_DEADLINE).await {
            Ok(output) => check.judge(&output),
            Err(error) if error.is_transient() => Err(error.to_string()),
            Err(error) => return Err(error.to_string()),
        };
        if let (Err(reason), true) = (&result, Instant::now() >= next_note) {
            reporter.note(format!("{DEGRADED} {} {}: still waiting: {reason}", node.name(), check.name()));
            next_note = Instant::now() + NOTE_INTERVAL;
        }
        match result {
            Err(_) if Instant::now() + RETRY_INTERVAL <= deadline => sleep(RETRY_INTERVAL).await,
            other => return other,
        }
    }
}

async fn clocks_agree(nodes: &[Node], reporter: &Reporter) -> Result<(), String> {
    let deadline = Instant::now() + CLOCK_DEADLINE;
    loop {
        let offsets: Vec<_> = stream::iter(nodes.iter().map(|node| offset(node, nodes.len() > MOST_HANDSHAKES)))
            .buffered(MOST_HANDSHAKES)
            .collect()
            .await;
        let is_last = Instant::now() + RETRY_INTERVAL > deadline;
        let reason = match skew_of(nodes, offsets) {
            Ok(skew) if skew.milliseconds <= MOST_CLOCK_SKEW.as_millis() as f64 => {
                let detail = format!("differ by {:.0} ms at most", skew.milliseconds);
                reporter.event(Event::CheckPassed { node: "all nodes".into(), check: "clocks", detail });
                return Ok(());
            }
            Ok(skew) => format!(
                "the clocks of `{}` and `{}` differ by {:.0} ms; {} ms is the most that etcd and its users take well",
                skew.earliest,
                skew.latest,
                skew.milliseconds,
                MOST_CLOCK_SKEW.as_millis()
            ),
            // The connection is made again for the next question.
            Err((name, error)) if error.is_transient() => format!("node `{name}`: clock: {error}"),
            Err((name, error)) => return Err(format!("node `{name}`: clock: {error}")),
        };
        if is_last {
            reporter.event(Event::CheckFailed { node: "all nodes".into(), check: "clocks", reason: reason.clone() });
            return Err(reason);
        }
        sleep(RETRY_INTERVAL).await;
    }
}

async fn offset(node: &Node, alone: bool) -> Result<clock::Offset, SshError> {
    let offset = clock::offset(node).await;
    if alone {
        node.disconnect().await;
    }
    offset
}

/// The largest difference, or the first node that does not say its time.
fn skew_of(nodes: &[Node], offsets: Vec<Result<clock::Offset, SshError>>) -> Result<clock::Skew<'_>, (&str, SshError)> {
    let named = nodes.iter().map(Node::name).zip(offsets);
    let known: Vec<(&str, clock::Offset)> = named
        .map(|(name, offset)| offset.map(|offset| (name, offset)).map_err(|error| (name, error)))
        .collect::<Result<_, _>>()?;
    Ok(clock::skew(&known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degraded_node_is_named_in_the_summary() {
        let degraded = ["b (degraded; failed units: foo.service)".to_owned()];
        assert_eq!(
            summary_of(&degraded, 3, "dir/ssh_config").unwrap(),
            "▴ 1 of 3 nodes are degraded: b (degraded; failed units: foo.service); \
             ssh -F dir/ssh_config NODE systemctl status UNIT says why"
        );
        assert_eq!(summary_of(&[], 3, "dir/ssh_config"), None);
    }
}
