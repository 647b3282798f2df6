//! How far a cluster can grow with what it is made with: its first SSH port and its addresses never change.

use ipnet::Ipv4Net;
use report::Finding;

use super::network;
use crate::arm::VirtualNetwork;
use crate::spec::{ClusterSpec, LAST_FRONT_PORT, Protocol, usable_addresses};

/// Warnings where ports or addresses of its own network end before the cluster is as large as it can be.
pub(super) fn judge(spec: &ClusterSpec) -> Vec<Finding> {
    judge_ports(spec).into_iter().chain(judge_address_space(spec)).collect()
}

fn judge_address_space(spec: &ClusterSpec) -> Option<Finding> {
    let room = spec.address_space.nodes();
    if spec.existing_network.is_some() || room >= spec.availability.most_machines() {
        return None;
    }
    let message = format!("`{}` has room for {room} nodes, and --address-space is fixed for good", spec.address_space);
    Some(Finding::warning("addresses", message, "a cluster that is to grow further takes a larger --address-space"))
}

/// The same of a network that somebody else made: nodes take its subnets in turn.
pub(super) fn judge_existing(spec: &ClusterSpec, network: &VirtualNetwork) -> Option<Finding> {
    let existing = spec.existing_network.as_ref()?;
    // A subnet that is not there is told elsewhere.
    let ranges: Vec<Ipv4Net> =
        existing.subnets.iter().map(|name| network::range(network, name).ok()).collect::<Option<_>>()?;
    let count = ranges.len() as u64;
    let end = |(index, range): (usize, &Ipv4Net)| u64::from(usable_addresses(*range)) * count + index as u64;
    let (room, at) = ranges.iter().enumerate().map(|place| (end(place), place.0)).min()?;
    if room >= u64::from(spec.availability.most_machines()) {
        return None;
    }
    let (name, range) = (&existing.subnets[at], ranges[at]);
    let message = format!(
        "subnet `{name}` ({range}) has {} addresses: there is room for {room} nodes at most, and --subnet-names is fixed \
         for good",
        usable_addresses(range)
    );
    Some(Finding::warning("addresses", message, "a cluster that is to grow further takes larger subnets"))
}

/// A warning where something stands in the way of the SSH ports before the cluster is as large as it can be.
fn judge_ports(spec: &ClusterSpec) -> Option<Finding> {
    let first = spec.first_ssh_port;
    let last = spec.last_ssh_port();
    let over_tcp = spec.open_ports.iter().filter(|port| port.protocol == Protocol::Tcp && port.port > last);
    let in_the_way = over_tcp.min_by_key(|port| port.port);
    let room = match in_the_way {
        Some(port) => u32::from(port.port - first),
        None => u32::from(LAST_FRONT_PORT - first) + 1,
    };
    if room >= spec.availability.most_machines() {
        return None;
    }
    let next = room + 1;
    let reason = match in_the_way {
        Some(port) => format!("a node more would need {}, which is the port of `{}`", port.port, port.name),
        None => format!("ports end at {LAST_FRONT_PORT}, so there is none for node {next}"),
    };
    let message = format!("from port {first} there is room for {room} nodes: {reason}, and --ssh is fixed for good");
    let remedy = match in_the_way {
        Some(port) => format!("a cluster that is to grow further takes another --ssh, or leaves {} closed", port.port),
        None => "a cluster that is to grow further takes a lower --ssh".into(),
    };
    Some(Finding::warning("SSH ports", message, remedy))
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use crate::config::parameter::{
        ADDRESS_SPACE, NUM_NODES, OPEN, Parameter, SCALE_SET, SSH, SUBNET_NAMES, VIRTUAL_NETWORK_NAME,
    };
    use serde_json::json;

    #[test]
    fn what_stands_in_the_way_is_named() {
        type Case<'c> = (&'c [(&'c Parameter, &'c str)], Option<&'c str>);
        let cases: [Case; 9] = [
            (&[(&OPEN, "80,443")], None),
            (
                &[(&OPEN, "80,443"), (&SSH, "440")],
                Some(
                    "from port 440 there is room for 3 nodes: a node more would need 443, which is the port of \
                     `tcp-443`, and --ssh is fixed for good",
                ),
            ),
            (&[(&SSH, "22001"), (&OPEN, "22004")], Some("room for 3 nodes: a node more would need 22004")),
            (&[(&SSH, "22001"), (&OPEN, "22100,22050")], Some("room for 49 nodes: a node more would need 22050")),
            (&[(&SSH, "22001"), (&OPEN, "22004/udp:80")], None),
            (&[(&OPEN, "22201")], None),
            (&[(&OPEN, "22201"), (&SCALE_SET, "true")], Some("room for 200 nodes: a node more would need 22201")),
            (&[(&SSH, "65500")], Some("room for 35 nodes: ports end at 65534, so there is none for node 36")),
            (&[(&SSH, "65500"), (&NUM_NODES, "35")], Some("room for 35 nodes")),
        ];
        for (flags, expected) in cases {
            let found = judge_ports(&spec(flags)).map(|finding| finding.message);
            assert_eq!(found.is_some(), expected.is_some(), "{flags:?}: {found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{flags:?}");
        }
    }

    #[test]
    fn addresses_that_end_are_told() {
        for (space, room) in [("10.0.0.0/29", Some(3)), ("10.0.0.0/25", Some(123)), ("10.0.0.0/24", None)] {
            let found = judge(&spec(&[(&ADDRESS_SPACE, space)]));
            assert_eq!(found.len(), usize::from(room.is_some()), "{space}: {found:?}");
            if let Some(room) = room {
                let message = format!("`{space}` has room for {room} nodes, and --address-space is fixed for good");
                assert_eq!(found[0].message, message);
            }
        }
        for (a, b, room) in [
            ("10.0.0.0/29", None, Some("subnet `a` (10.0.0.0/29) has 3 addresses: there is room for 3 nodes at most")),
            ("10.0.0.0/24", None, None),
            (
                "10.0.0.0/24",
                Some("10.0.1.0/29"),
                Some("subnet `b` (10.0.1.0/29) has 3 addresses: there is room for 7 "),
            ),
            ("10.0.0.0/25", Some("10.0.1.0/25"), None),
            (
                "10.0.0.0/29",
                Some("10.0.1.0/29"),
                Some("subnet `a` (10.0.0.0/29) has 3 addresses: there is room for 6 "),
            ),
        ] {
            let names = if b.is_some() { "a,b" } else { "a" };
            let subnets: Vec<_> = [("a", Some(a)), ("b", b)]
                .iter()
                .filter_map(|(name, range)| Some(json!({"name": name, "properties": {"addressPrefix": (*range)?}})))
                .collect();
            let network = json!({"location": "westeurope", "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets,
            }});
            let spec = spec(&[(&VIRTUAL_NETWORK_NAME, "shared/hub"), (&SUBNET_NAMES, names)]);
            let found = judge_existing(&spec, &serde_json::from_value(network).unwrap()).map(|found| found.message);
            assert_eq!(found.is_some(), room.is_some(), "{a} {b:?}: {found:?}");
            assert!(found.is_none_or(|found| found.starts_with(room.unwrap())), "{a} {b:?}");
        }
    }
}
