//! Ports that a platform wants on the load balancer.

use super::Bundle;
use crate::spec::{OpenPort, PortProbe, Protocol};

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

impl Bundle {
    /// What the load balancer is to open for the platform; with `without_https` nothing that carries TLS.
    pub fn open_ports(&self, without_https: bool) -> Vec<OpenPort> {
        let ports = self.ports.iter().filter(|port| !(port.tls && without_https));
        ports
            .map(|port| OpenPort {
                name: port.name.clone(),
                port: port.port,
                protocol: Protocol::Tcp,
                probe: port.probe.clone(),
                probe_port: None,
                idle_timeout_minutes: port.idle_timeout_minutes,
                tls: port.tls,
                extra: false,
            })
            .collect()
    }
}
