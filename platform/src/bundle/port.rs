//! Ports that a platform wants on the load balancer, and ports of the nodes that it must leave alone.

use super::Bundle;
use crate::compose::Service;

/// Ports of the nodes themselves, over TCP and UDP alike: a service that publishes one takes it from its owner on every
/// node, and whoever reaches Docker, Swarm or etcd owns the cluster.
/// <https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts>
const CLUSTER_PORTS: [(u16, &str); 8] = [
    (22, "SSH"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2377, "Docker Swarm"),
    (2379, "etcd"),
    (2380, "etcd"),
    (4789, "Docker Swarm"),
    (7946, "Docker Swarm"),
];

/// A TCP port, open to the world and balanced over all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundlePort {
    /// Name of the rule: `web`.
    pub name: String,
    /// Same port outside and on the nodes.
    pub port: u16,
    /// How the load balancer tells a node that serves the port.
    pub probe: PortProbe,
    /// After this many silent minutes a connection ends; 4 to 30.
    pub idle_timeout_minutes: i32,
    /// Carries TLS: `--nohttps` leaves it closed.
    pub tls: bool,
}

/// How a node's readiness for a port is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortProbe {
    /// The port accepts connections.
    Tcp,
    /// `GET` of this path answers 200.
    Http(String),
}

/// What a port of the nodes is for that neither a bundle opens nor a service publishes.
pub(super) fn owner_on_nodes(port: u16) -> Option<&'static str> {
    CLUSTER_PORTS.iter().find(|(reserved, _)| *reserved == port).map(|(_, owner)| *owner)
}

/// Why a service must not publish what it publishes, one line a port.
pub(super) fn refused(service: &Service) -> Vec<String> {
    let mut refused = Vec::new();
    for port in service.ports.iter().filter_map(|port| port.published) {
        if let Some(owner) = owner_on_nodes(port) {
            refused.push(format!("publishes port {port}, which is {owner}'s on every node; choose another one"));
        }
    }
    refused.dedup();
    refused
}

/// Where the original builder takes `git push`. No component of the default bundle answers there.
const BUILDER: u16 = 2222;
/// A push that builds is silent for long.
const BUILDER_IDLE_MINUTES: i32 = 20;

/// What `--deis` opens: the ports of the default bundle, and the one that its clients push to.
pub fn deis_ports() -> Vec<BundlePort> {
    let mut ports = Bundle::default_platform().map(|bundle| bundle.ports).unwrap_or_default();
    if !ports.iter().any(|port| port.port == BUILDER) {
        ports.push(BundlePort {
            name: "builder".into(),
            port: BUILDER,
            probe: PortProbe::Tcp,
            idle_timeout_minutes: BUILDER_IDLE_MINUTES,
            tls: false,
        });
    }
    ports
}
