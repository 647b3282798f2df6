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

impl Reached {
    /// Where a public port is reached.
    fn endpoint(&self, port: u16) -> SocketEndpoint {
        let at_public_address = || SocketEndpoint { host: self.public_address.to_string(), port };
        self.substitutes.get(&port).cloned().unwrap_or_else(at_public_address)
    }
}

/// The same cluster as it is reached now; a node whose port was not read keeps the one that it had.
pub fn reached_anew(mut inventory: Inventory, reached: &Reached) -> Inventory {
    inventory.public_address = reached.public_address;
    inventory.fqdn.clone_from(&reached.fqdn);
    inventory.without_machines = reached.without_machines;
    for node in &mut inventory.nodes {
        if let Some(port) = reached.ssh_ports.get(&node.name) {
            node.ssh = reached.endpoint(*port);
        }
    }
    for port in &mut inventory.ports {
        port.endpoint = reached.endpoint(port.port);
    }
    for record in &mut inventory.dns_records {
        record.value = reached.public_address.to_string();
    }
    inventory
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
    let node = |node: Node| InventoryNode {
        ssh: reached.endpoint(reached.ssh_ports[&node.name]),
        host_key: material.node(&node.name).ssh_host_key.public.trim().to_owned(),
        private_address: node.address,
        etcd_member: node.etcd_member,
        data_disk: spec.data_disk_gib.is_some(),
        name: node.name,
    };
    let port = |port: &crate::spec::OpenPort| InventoryPort {
        name: port.name.clone(),
        port: port.port,
        endpoint: reached.endpoint(port.port),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_changed_is_the_new_one_everywhere() {
        let before: Inventory = serde_json::from_str(include_str!("../../tests/fixtures/inventory.json")).unwrap();
        let last = before.nodes.last().unwrap().clone();
        let ssh_ports = before.nodes.iter().map(|node| (node.name.clone(), node.ssh.port));
        let mut reached = Reached {
            public_address: before.public_address,
            fqdn: before.fqdn.clone(),
            ssh_ports: ssh_ports.collect(),
            substitutes: BTreeMap::new(),
            without_machines: false,
        };
        let same = reached_anew(before.clone(), &reached);
        assert_eq!(reached_anew(same.clone(), &reached), same);

        reached.public_address = Ipv4Addr::new(192, 0, 2, 77);
        let elsewhere = SocketEndpoint { host: "127.0.0.9".into(), port: 4022 };
        reached.substitutes.insert(before.nodes[0].ssh.port, elsewhere.clone());
        let after = reached_anew(before.clone(), &reached);
        assert_eq!((&after.nodes[0].ssh, &after.nodes[1].ssh.host), (&elsewhere, &"192.0.2.77".to_owned()));
        assert!(after.ports.iter().all(|port| port.endpoint.host == "192.0.2.77"));
        assert!(after.dns_records.iter().all(|record| record.value == "192.0.2.77"));
        assert_eq!(after.nodes[1].host_key, same.nodes[1].host_key);

        // Of a node without a rule nothing new is known.
        reached.ssh_ports.remove(&last.name);
        assert_eq!(reached_anew(before, &reached).nodes.last().unwrap().ssh, last.ssh);
    }
}
