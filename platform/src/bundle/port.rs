//! Ports that a platform wants on the load balancer.

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
