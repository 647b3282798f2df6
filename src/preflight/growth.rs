//! How far a cluster can grow with the ports that it is made with: its first SSH port never changes.

use report::Finding;

use crate::spec::{ClusterSpec, LAST_FRONT_PORT, Protocol};

/// A warning where something stands in the way of the SSH ports before the cluster is as large as it can be.
pub(super) fn judge(spec: &ClusterSpec) -> Option<Finding> {
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
    use crate::config::parameter::{NUM_NODES, OPEN, Parameter, SCALE_SET, SSH};

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
            let found = judge(&spec(flags)).map(|finding| finding.message);
            assert_eq!(found.is_some(), expected.is_some(), "{flags:?}: {found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{flags:?}");
        }
    }
}
