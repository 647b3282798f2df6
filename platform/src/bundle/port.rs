//! Ports that a platform wants on the load balancer, and ports of the nodes that it must leave alone.

use super::Bundle;
use crate::compose::Service;

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

/// Why a service must not publish what it publishes, one line a port.
pub(super) fn refused(service: &Service) -> Vec<String> {
    let mut refused = Vec::new();
    for port in service.ports.iter().filter_map(|port| port.published) {
        if let Some(owner) = nodes::ports::owner(port) {
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
