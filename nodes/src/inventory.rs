//! The inventory: what exists and how to reach it, for people's tools and for `platformctl`.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A cluster as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    pub name: String,
    /// `azure` or `local`.
    pub cloud: String,
    pub subscription: String,
    pub resource_group: String,
    pub location: String,
    /// The load balancer's address.
    pub public_address: Ipv4Addr,
    /// `<name>.<location>.cloudapp.azure.com`.
    pub fqdn: Option<String>,
    pub ssh: InventorySsh,
    pub nodes: Vec<InventoryNode>,
    pub ports: Vec<InventoryPort>,
    pub dns_records: Vec<DnsRecord>,
    /// The local emulator has no machines behind it (`--vms none`): nothing runs or answers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_machines: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// How to sign in to nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventorySsh {
    pub user: String,
    /// The private key's file; none when the key lies where only the user knows (an agent).
    pub identity: Option<PathBuf>,
    /// For `ssh -F`.
    pub config: PathBuf,
    pub known_hosts: PathBuf,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryNode {
    pub name: String,
    pub private_address: Ipv4Addr,
    pub etcd_member: bool,
    pub data_disk: bool,
    /// Where its SSH server is reached from outside.
    pub ssh: SocketEndpoint,
    /// `ssh-ed25519 AAAA…`.
    pub host_key: String,
}

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketEndpoint {
    pub host: String,
    pub port: u16,
}

/// A port that is balanced over all nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InventoryPort {
    pub name: String,
    /// The port on the nodes and in the load balancer's rule.
    pub port: u16,
    /// Where it is reached; another port than the rule's only when this machine refused that one to the local emulator.
    pub endpoint: SocketEndpoint,
}

/// A record for the user's DNS zone; the name is relative to the platform's domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DnsRecord {
    pub name: String,
    #[serde(rename = "type")]
    pub record_type: String,
    pub value: String,
}
