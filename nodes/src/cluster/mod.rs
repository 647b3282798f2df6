//! A cluster's nodes as `platformctl` works with them: an inventory turned into connections that are made when they are
//! needed and made again when they are lost.

mod carrier;
mod connections;
mod docker;
mod http;
mod lock;
mod node;
mod subset;

pub use carrier::{ByteStream, Bytes, Carrier, Endpoint};
pub use connections::{Gateway, MOST_HANDSHAKES, Route, Timeouts};
pub use docker::DockerError;
pub use http::status_of;
pub use lock::{ClusterLock, Fence, Holder, LOCK_KEY, SCRIPT as LOCK_SCRIPT, Taken};
pub use node::Node;

use std::net::Ipv4Addr;
use std::sync::Arc;

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use serde::{Deserialize, Serialize};

use crate::inventory::{Inventory, InventoryNode, InventoryPort};
use crate::natural_order;
use crate::ssh::{Identity, SshError};
use connections::Connections;
use report::{Failure, NodeError};

/// How much earlier a node is tried than the next one, when any will do.
const HEAD_START: Duration = Duration::from_secs(3);

/// What a cluster consists of, as the inventory says it. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterFacts {
    pub name: String,
    pub nodes: Vec<InventoryNode>,
    /// The load balancer's address.
    pub public_address: Ipv4Addr,
    /// The load balancer's ports.
    pub ports: Vec<InventoryPort>,
}

impl From<Inventory> for ClusterFacts {
    fn from(inventory: Inventory) -> Self {
        Self {
            name: inventory.name,
            nodes: inventory.nodes,
            public_address: inventory.public_address,
            ports: inventory.ports,
        }
    }
}

/// The nodes of one cluster.
#[derive(Clone)]
pub struct Cluster {
    facts: Arc<ClusterFacts>,
    nodes: Arc<Vec<Node>>,
}

impl Cluster {
    /// A cluster from what the inventory says of it; nothing is connected yet.
    pub fn new(facts: ClusterFacts, identity: Identity, route: Route, timeouts: Timeouts) -> Self {
        let connections = Connections::new(facts.nodes.clone(), identity, route, timeouts);
        Self::over(facts, Arc::new(connections), timeouts.command)
    }

    /// The same whose nodes are asked over `carrier`, `command_timeout` for one command or request.
    pub fn over(facts: ClusterFacts, carrier: Arc<dyn Carrier>, command_timeout: Duration) -> Self {
        let nodes = facts.nodes.iter().cloned().enumerate();
        let nodes = nodes.map(|(index, node)| Node::new(node, index, carrier.clone(), command_timeout)).collect();
        Self { facts: Arc::new(facts), nodes: Arc::new(nodes) }
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// What it consists of.
    pub fn facts(&self) -> &ClusterFacts {
        &self.facts
    }

    /// All nodes in the inventory's order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes' names in natural order, by which instances without a number of their own are counted.
    pub fn ordered_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.nodes.iter().map(Node::name).collect();
        names.sort_by(|one, other| natural_order(one, other));
        names
    }

    /// The node with this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name() == name)
    }

    /// Nodes that are members of etcd and so managers of the swarm.
    pub fn members(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_etcd_member())
    }

    /// Connects to every node at once: those that answer, and why the others do not.
    pub async fn connect(&self) -> (Vec<Node>, Vec<(String, SshError)>) {
        let results = join_all(self.nodes.iter().map(Node::reach)).await;
        let mut reachable = Vec::new();
        let mut errors = Vec::new();
        for (node, result) in self.nodes.iter().zip(results) {
            match result {
                Ok(()) => reachable.push(node.clone()),
                Err(error) => errors.push((node.name().to_owned(), error)),
            }
        }
        (reachable, errors)
    }

    /// The first node that answers. They are tried in order, each a little after the one before, so that a node that is
    /// gone costs no more than that.
    pub async fn first_reachable(&self) -> Result<&Node, Vec<(String, SshError)>> {
        let mut tries: FuturesUnordered<_> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| async move {
                tokio::time::sleep(HEAD_START * u32::try_from(index).unwrap_or(u32::MAX)).await;
                (node, node.reach().await)
            })
            .collect();
        let mut errors = Vec::new();
        while let Some((node, result)) = tries.next().await {
            match result {
                Ok(()) => return Ok(node),
                Err(error) => errors.push((node.name().to_owned(), error)),
            }
        }
        errors.sort_by(|one, other| one.0.cmp(&other.0));
        Err(errors)
    }

    /// Connects to every node, or says which do not answer.
    pub async fn connect_all(&self) -> Result<(), Failure> {
        let (_, errors) = self.connect().await;
        if errors.is_empty() { Ok(()) } else { Err(self.unreachable(errors)) }
    }

    /// The failure for nodes that do not answer.
    pub fn unreachable(&self, errors: Vec<(String, SshError)>) -> Failure {
        let hint = if errors.iter().any(|(_, error)| matches!(error, SshError::HostKey { .. })) {
            "a changed host key means another machine, or one that was made anew: `azure-coreos-cluster NAME` writes the \
             inventory anew when it was you"
                .to_owned()
        } else if errors
            .iter()
            .any(|(_, error)| matches!(error, SshError::Authentication { .. } | SshError::Identity(_)))
        {
            "--identity FILE names another key; without one the SSH agent is asked (SSH_AUTH_SOCK)".to_owned()
        } else {
            format!("azure-coreos-cluster status {}", self.name())
        };
        let told = |(node, error): (String, SshError)| NodeError { node, cause: error.to_string() };
        Failure::Host { errors: errors.into_iter().map(told).collect(), unhealthy: Vec::new(), hint }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Cluster({})", self.name())
    }
}
