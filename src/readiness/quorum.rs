//! Whether etcd can do without one of its members for a while. Asked once, of the others: who is about to take a member away
//! does not wait for what may never come.
//!
//! <https://etcd.io/docs/v3.5/faq/#what-is-failure-tolerance>

use futures::future::join_all;

use super::{Check, LONGEST_ANSWER};
use nodes::cluster::{Cluster, Node, Route, Timeouts};
use nodes::inventory::Inventory;
use nodes::ssh::Identity;

/// An error with every member that does not do its part, when etcd would have no quorum without the node `leaving`.
pub(crate) async fn check(inventory: &Inventory, leaving: &str, identity: &Identity) -> Result<(), Vec<String>> {
    let members = inventory.nodes.iter().filter(|node| node.etcd_member).count();
    let is_member = inventory.nodes.iter().any(|node| node.etcd_member && node.name == leaving);
    // Alone, or as a pair, etcd has no quorum without a member, whatever is done.
    if !is_member || members < 3 {
        return Ok(());
    }
    let cluster = Cluster::new(inventory.clone().into(), identity.clone(), Route::Direct, Timeouts::default());
    let others: Vec<&Node> = cluster.members().filter(|node| node.name() != leaving).collect();
    let reasons: Vec<String> =
        join_all(others.iter().map(|node| reason(inventory, node))).await.into_iter().flatten().collect();
    join_all(others.iter().map(|node| node.disconnect())).await;
    if has_quorum(members, others.len() - reasons.len()) { Ok(()) } else { Err(reasons) }
}

/// Whether the member on this node agrees with most of the others, or why not.
pub(crate) async fn etcd_health(node: &Node) -> Result<(), String> {
    let command = format!(
        "set -a; . /etc/environment; ETCDCTL_ENDPOINTS=https://{}:2379 etcdctl endpoint health",
        node.private_address()
    );
    let output = node.run(&command, None, LONGEST_ANSWER).await.map_err(|error| error.to_string())?;
    output.success().map(drop)
}

/// Whether so many of etcd's members that are well can decide.
fn has_quorum(members: usize, well: usize) -> bool {
    well > members / 2
}

/// Why a member does not do its part; none when it does.
async fn reason(inventory: &Inventory, node: &Node) -> Option<String> {
    let check =
        Check::for_node(inventory, node.facts()).into_iter().find(|check| matches!(check, Check::Etcd { .. }))?;
    let judged = match node.run(&check.command(), None, LONGEST_ANSWER).await {
        Ok(output) => check.judge(&output),
        Err(error) => Err(error.to_string()),
    };
    judged.err().map(|reason| format!("node `{}`: {}: {reason}", node.name(), check.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half() {
        for (members, well, quorum) in
            [(3, 2, true), (3, 1, false), (5, 3, true), (5, 2, false), (7, 6, true), (7, 3, false), (4, 2, false)]
        {
            assert_eq!(has_quorum(members, well), quorum, "{well} of {members}");
        }
    }
}
