//! Whether a cluster's machines do what they are for. Asked over SSH, because Azure calls a machine ready before its
//! configuration has acted.
//!
//! `cli` calls it after `execute`; every wait has a deadline, and every failure a reason.

mod check;

pub use check::Check;

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::spec::Dialect;
use nodes::clock;
use nodes::inventory::{Inventory, InventoryNode};
use nodes::ssh::{Identity, Session, SshError};
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

/// Waits until every node is ready; the failure names every node and check that is not.
///
/// Machines that are told by cloud-config show a host key of their own until that has acted.
pub async fn wait_until_ready(
    inventory: &Inventory,
    identity: &Identity,
    dialect: Dialect,
    reporter: &Reporter,
) -> Result<(), Failure> {
    reporter.event(Event::ReadinessStarted { nodes: inventory.nodes.len() });
    let results =
        join_all(inventory.nodes.iter().map(|node| ready(inventory, node, identity, dialect, reporter))).await;
    let mut unreachable = Vec::new();
    let mut reasons = Vec::new();
    let mut sessions = Vec::new();
    for (node, result) in inventory.nodes.iter().zip(results) {
        match result {
            Ok((session, failed)) => {
                reasons.extend(failed.into_iter().map(|reason| format!("node `{}`: {reason}", node.name)));
                sessions.push((node.name.as_str(), session));
            }
            Err(error) => unreachable.push(NodeError { node: node.name.clone(), cause: error.to_string() }),
        }
    }
    if unreachable.is_empty() && reasons.is_empty() {
        reasons.extend(clocks_agree(&sessions, reporter).await.err());
    }
    join_all(sessions.into_iter().map(|(_, session)| session.close())).await;
    let config = inventory.ssh.config.display();
    let hint = if unreachable.is_empty() {
        format!("ssh -F {config} NODE journalctl --boot --priority warning")
    } else {
        format!("azure-coreos-cluster status {} shows what Azure knows of the machines", inventory.name)
    };
    match (unreachable.is_empty(), reasons.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(Failure::Host { errors: unreachable, unhealthy: reasons, hint }),
        (true, false) => Err(Failure::Unhealthy { reasons, hint }),
    }
}

/// A session to the node and the reasons for which it is not ready.
async fn ready(
    inventory: &Inventory,
    node: &InventoryNode,
    identity: &Identity,
    dialect: Dialect,
    reporter: &Reporter,
) -> Result<(Session, Vec<String>), SshError> {
    let session = match connect(node, identity, dialect).await {
        Ok(session) => session,
        Err(error) => {
            reporter.event(Event::CheckFailed { node: node.name.clone(), check: "ssh", reason: error.to_string() });
            return Err(error);
        }
    };
    reporter.event(Event::CheckPassed {
        node: node.name.clone(),
        check: "ssh",
        detail: "answers with its own host key".into(),
    });
    let mut failed = Vec::new();
    for check in Check::for_node(inventory, node) {
        match pass(&session, node, &check, reporter).await {
            Ok(detail) => reporter.event(Event::CheckPassed { node: node.name.clone(), check: check.name(), detail }),
            Err(reason) => {
                let event = Event::CheckFailed { node: node.name.clone(), check: check.name(), reason: reason.clone() };
                reporter.event(event);
                failed.push(format!("{}: {reason}", check.name()));
            }
        }
    }
    Ok((session, failed))
}

async fn connect(node: &InventoryNode, identity: &Identity, dialect: Dialect) -> Result<Session, SshError> {
    let deadline = Instant::now() + SSH_DEADLINE;
    loop {
        match Session::connect(&node.ssh, &node.host_key, identity).await {
            Ok(session) => return Ok(session),
            Err(SshError::HostKey { .. })
                if dialect == Dialect::CloudConfig && Instant::now() + RETRY_INTERVAL <= deadline =>
            {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(error) if !error.is_transient() || Instant::now() + RETRY_INTERVAL > deadline => return Err(error),
            Err(_) => tokio::time::sleep(RETRY_INTERVAL).await,
        }
    }
}

async fn pass(session: &Session, node: &InventoryNode, check: &Check, reporter: &Reporter) -> Result<String, String> {
    let deadline = Instant::now() + CHECK_DEADLINE;
    let mut next_note = Instant::now() + NOTE_INTERVAL;
    loop {
        let result = match session.run(&check.command(), None, CHECK_DEADLINE).await {
            Ok(output) => check.judge(&output),
            Err(error) => return Err(error.to_string()),
        };
        if let (Err(reason), true) = (&result, Instant::now() >= next_note) {
            reporter.note(format!("▴ {} {}: still waiting: {reason}", node.name, check.name()));
            next_note = Instant::now() + NOTE_INTERVAL;
        }
        match result {
            Err(_) if Instant::now() + RETRY_INTERVAL <= deadline => tokio::time::sleep(RETRY_INTERVAL).await,
            other => return other,
        }
    }
}

async fn clocks_agree(sessions: &[(&str, Session)], reporter: &Reporter) -> Result<(), String> {
    let deadline = Instant::now() + CLOCK_DEADLINE;
    loop {
        let offsets = join_all(sessions.iter().map(|(_, session)| clock::offset(session))).await;
        let mut known = Vec::new();
        for ((name, _), offset) in sessions.iter().zip(offsets) {
            known.push((*name, offset.map_err(|error| format!("node `{name}`: clock: {error}"))?));
        }
        let skew = clock::skew(&known);
        if skew.milliseconds <= MOST_CLOCK_SKEW.as_millis() as f64 {
            let detail = format!("differ by {:.0} ms at most", skew.milliseconds);
            reporter.event(Event::CheckPassed { node: "all nodes".into(), check: "clocks", detail });
            return Ok(());
        }
        if Instant::now() + RETRY_INTERVAL > deadline {
            let reason = format!(
                "the clocks of `{}` and `{}` differ by {:.0} ms; {} ms is the most that etcd and its users take well",
                skew.earliest,
                skew.latest,
                skew.milliseconds,
                MOST_CLOCK_SKEW.as_millis()
            );
            reporter.event(Event::CheckFailed { node: "all nodes".into(), check: "clocks", reason: reason.clone() });
            return Err(reason);
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}
