//! Where each node's etcdctl, and the platform, find etcd.

use futures::future::join_all;

use nodes::cluster::{Cluster, Node};
use nodes::etcd::endpoints;
use report::Reporter;
use report::mark::DEGRADED;

/// Writes the members' addresses down on every node that has others. The file keeps its place on the disk: containers have
/// it mounted. A node that cannot be told goes on with those that it knows, and is named.
pub(crate) async fn tell_endpoints(cluster: &Cluster, reporter: &Reporter) {
    let line = format!("ETCDCTL_ENDPOINTS={}", endpoints(cluster.members().map(Node::private_address)));
    let command = format!(
        "grep -qx '{line}' /etc/environment || {{ text=$(sed 's|^ETCDCTL_ENDPOINTS=.*|{line}|' /etc/environment) && \
         printf '%s\\n' \"$text\" | sudo tee /etc/environment > /dev/null; }}"
    );
    for told in join_all(cluster.nodes().iter().map(|node| tell(node, &command))).await {
        if let Err(reason) = told {
            reporter.note(format!("{DEGRADED} {reason}; `/etc/environment` there names etcd's earlier members"));
        }
    }
}

async fn tell(node: &Node, command: &str) -> Result<(), String> {
    let told = node.succeed(command).await.map_err(|error| error.to_string()).and_then(|answer| answer);
    told.map(drop).map_err(|reason| format!("node `{}`: {reason}", node.name()))
}
