//! Public IP addresses as the host sees them: loopback addresses whose ports lead into virtual machines.
//!
//! The control plane turns load balancers, security groups and public addresses into a list of [`Listener`]s;
//! the proxy makes the sockets match that list.

pub mod apply;
pub(crate) mod plan;
pub mod proxy;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One open TCP port of one public address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The public address, within 127.0.0.0/8.
    pub address: Ipv4Addr,
    /// The port clients connect to.
    pub port: u16,
    /// The rule's ARM id, for logs and for `local status`.
    pub rule: String,
    /// Both directions silent for longer than this ends the connection.
    pub idle_timeout: Duration,
    /// Whether the idle end is a reset (`enableTcpReset`) rather than silence.
    pub reset_when_idle: bool,
    /// Where connections go.
    pub target: Target,
}

/// Where a listener's connections go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// One machine (an inbound NAT rule): no probe asked.
    Machine { machine: String, port: u16 },
    /// Any healthy machine of a pool (a load-balancing rule).
    Pool { machines: Vec<String>, port: u16, probe: Option<Probe> },
}

impl Target {
    /// The machines that it leads to, by id.
    pub fn machines(&self) -> Vec<String> {
        match self {
            Self::Machine { machine, .. } => vec![machine.clone()],
            Self::Pool { machines, .. } => machines.clone(),
        }
    }
}

/// A health probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is asked.
    pub check: Check,
    /// The guest's port.
    pub port: u16,
    /// Time between two probes of one machine.
    pub interval: Duration,
    /// Consecutive equal answers that change a machine's state, at least 1.
    pub threshold: u32,
}

/// What a probe asks of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    /// A connection is accepted and not closed at once.
    Tcp,
    /// `GET path` answers 200.
    Http { path: String },
}

/// A listener's socket as it was really bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundListener {
    /// The public address and port that ARM knows.
    pub public: SocketAddr,
    /// Where it really listens: another port when the system refused this one; nowhere without machines.
    pub bound: Option<SocketAddr>,
    /// The rule's ARM id.
    pub rule: String,
    /// Machines that the rule leads to.
    pub machines: Vec<String>,
    /// Machines of the pool that answer their probe now; for a NAT rule the one machine.
    pub healthy_machines: Vec<String>,
}
