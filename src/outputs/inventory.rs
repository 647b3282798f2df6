//! From a settled spec, its keys and what Azure says of addresses to the inventory.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use nodes::inventory::{DnsRecord, Inventory, InventoryNode, InventoryPort, InventorySsh, SocketEndpoint};

use crate::pki::Material;
use crate::spec::{Node, SettledSpec};

/// How the cluster is reached, as it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The load balancer's.
    pub public_address: Ipv4Addr,
    pub fqdn: Option<String>,
    /// Public SSH port of every node, by node name.
    pub ssh_ports: BTreeMap<String, u16>,
    /// Where a public port is really reached, when that is elsewhere than at the public address.
    pub substitutes: BTreeMap<u16, SocketEndpoint>,
    /// The local emulator runs without machines: nothing answers anywhere.
    pub without_machines: bool,
}

/// The inventory; `cloud` is `azure` or `local`.
pub fn inventory(
    spec: &SettledSpec,
    material: &Material,
    cloud: &str,
    subscription: &str,
    ssh: InventorySsh,
    reached: &Reached,
) -> Inventory {
    let at_public_address = |port| SocketEndpoint { host: reached.public_address.to_string(), port };
    let endpoint = |port: u16| reached.substitutes.get(&port).cloned().unwrap_or_else(|| at_public_address(port));
    let node = |node: Node| InventoryNode {
        ssh: endpoint(reached.ssh_ports[&node.name]),
        host_key: material.node(&node.name).ssh_host_key.public.trim().to_owned(),
        private_address: node.address,
        etcd_member: node.etcd_member,
        data_disk: spec.data_disk_gib.is_some(),
        name: node.name,
    };
    let port = |port: &crate::spec::OpenPort| InventoryPort {
        name: port.name.clone(),
        port: port.port,
        endpoint: endpoint(port.port),
    };
    let record = |name: &str| DnsRecord {
        name: name.into(),
        record_type: "A".into(),
        value: reached.public_address.to_string(),
    };
    Inventory {
        name: spec.name.to_string(),
        cloud: cloud.into(),
        subscription: subscription.into(),
        resource_group: spec.resource_group.to_string(),
        location: spec.location.to_string(),
        public_address: reached.public_address,
        fqdn: reached.fqdn.clone(),
        ssh,
        nodes: spec.nodes().into_iter().map(node).collect(),
        ports: spec.open_ports.iter().map(port).collect(),
        dns_records: if spec.open_ports.is_empty() { Vec::new() } else { vec![record("@"), record("*")] },
        without_machines: reached.without_machines,
    }
}
