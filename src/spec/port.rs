//! Ports that the load balancer spreads over all nodes.

use serde::{Deserialize, Serialize};

/// A TCP port that is open to the world and balanced over all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPort {
    /// Name of the rule: `web`, `https`, `builder`.
    pub name: String,
    /// Same port outside and on the nodes.
    pub port: u16,
    /// How the load balancer tells a node that serves the port.
    pub probe: PortProbe,
    /// After this many silent minutes a connection ends; 4 to 30.
    pub idle_timeout_minutes: i32,
}

/// How a node's readiness for a port is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortProbe {
    /// The port accepts connections.
    Tcp,
    /// `GET` of this path answers 200.
    Http(String),
}

impl OpenPort {
    /// The ports of the platform: applications, applications over TLS unless `without_https`, and the builder, whose
    /// `git push` may stay silent for long.
    pub fn of_platform(without_https: bool) -> Vec<Self> {
        let port = |name: &str, port, probe, idle_timeout_minutes| Self {
            name: name.into(),
            port,
            probe,
            idle_timeout_minutes,
        };
        let mut ports = vec![port("web", 80, PortProbe::Http("/health-check".into()), 4)];
        if !without_https {
            ports.push(port("https", 443, PortProbe::Tcp, 4));
        }
        ports.push(port("builder", 2222, PortProbe::Tcp, 20));
        ports
    }
}
