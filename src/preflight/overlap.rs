//! Whether addresses of the network are ones that the nodes' containers use among themselves, and so never reach.

use ipnet::Ipv4Net;
use platform::swarm::choose_address_pool;
use report::Finding;
use serde_json::Value;

use crate::spec::ClusterSpec;

/// What Docker gives its first bridge, and the next one that a swarm makes.
/// <https://docs.docker.com/engine/network/drivers/bridge/>
const DOCKER_BRIDGES: [&str; 2] = ["172.17.0.0/16", "172.18.0.0/16"];

/// Of a network that is the cluster's own.
pub(super) fn judge_own(spec: &ClusterSpec) -> Vec<Finding> {
    if spec.existing_network.is_some() {
        return Vec::new();
    }
    let remedy = "choose another --address-space while there is no cluster yet";
    judge(&[spec.address_space.range()], &[spec.address_space.subnet()], remedy)
}

/// Of a network that somebody else made; `network` is its document.
pub(super) fn judge_existing(spec: &ClusterSpec, network: &Value) -> Vec<Finding> {
    let Some(existing) = &spec.existing_network else { return Vec::new() };
    let prefixes = network.pointer("/properties/addressSpace/addressPrefixes").and_then(Value::as_array);
    let spaces: Vec<Ipv4Net> =
        prefixes.into_iter().flatten().filter_map(|prefix| prefix.as_str()?.parse().ok()).collect();
    // A subnet that is not there is told elsewhere.
    let subnets: Vec<Ipv4Net> =
        existing.subnets.iter().filter_map(|name| super::network::range(network, name).ok()).collect();
    judge(&spaces, &subnets, "containers that call machines there need another network")
}

fn judge(spaces: &[Ipv4Net], subnets: &[Ipv4Net], remedy: &str) -> Vec<Finding> {
    let overlapping = |range: &Ipv4Net| spaces.iter().find(|space| overlap(**space, *range));
    let mut findings = Vec::new();
    for bridge in DOCKER_BRIDGES.iter().filter_map(|bridge| bridge.parse().ok()) {
        if let Some(space) = overlapping(&bridge) {
            let message = format!(
                "`{space}` of the network overlaps `{bridge}` of Docker's bridges: containers reach no machine there"
            );
            findings.push(Finding::warning("address space", message, remedy));
        }
    }
    // Each node has a route into its own subnet.
    let subnets = subnets.iter().map(ToString::to_string).collect::<Vec<_>>();
    match choose_address_pool(&subnets.join("\n")) {
        None => {
            let message = format!(
                "the nodes' subnets ({}) leave no range for the platform's overlay networks: `platformctl install` \
                 would refuse",
                subnets.join(", ")
            );
            findings.push(Finding::warning("address space", message, remedy));
        }
        Some(pool) => {
            if let Some(space) = overlapping(&pool) {
                let message = format!(
                    "`{space}` of the network overlaps `{pool}`, which the platform's overlay networks are cut from: \
                     containers reach no machine there"
                );
                findings.push(Finding::warning("address space", message, remedy));
            }
        }
    }
    findings
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use crate::config::parameter::{ADDRESS_SPACE, SUBNET_NAMES, VIRTUAL_NETWORK_NAME};
    use serde_json::json;

    fn messages(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn what_containers_would_not_reach_is_mentioned() {
        for (space, parts) in [
            ("10.32.0.0/16", vec![]),
            ("192.168.0.0/24", vec![]),
            ("172.17.4.0/24", vec!["`172.17.4.0/24` of the network overlaps `172.17.0.0/16` of Docker's bridges"]),
            ("172.16.0.0/12", vec!["`172.17.0.0/16` of Docker's", "`172.18.0.0/16` of Docker's"]),
            // The nodes' subnet is the first part of it, and another pool is taken.
            ("10.200.0.0/20", vec![]),
            ("10.0.0.0/8", vec!["`10.0.0.0/8` of the network overlaps `10.200.0.0/14`, which the platform's"]),
        ] {
            let found = messages(judge_own(&spec(&[(&ADDRESS_SPACE, space)])));
            assert_eq!(found.len(), parts.len(), "{space}: {found:?}");
            for (found, part) in found.iter().zip(parts) {
                assert!(found.contains(part), "{found}");
            }
        }
    }

    #[test]
    fn networks_of_others_are_held_against_it_too() {
        let spec = spec(&[(&VIRTUAL_NETWORK_NAME, "shared/hub"), (&SUBNET_NAMES, "a,b")]);
        let network = |space: &str, a: &str, b: &str| {
            json!({"properties": {
                "addressSpace": {"addressPrefixes": [space, "fd00::/48"]},
                "subnets": [
                    {"name": "a", "properties": {"addressPrefix": a}},
                    {"name": "B", "properties": {"addressPrefixes": [b]}},
                ],
            }})
        };
        for (network, part) in [
            (network("10.50.0.0/16", "10.50.0.0/24", "10.50.1.0/24"), None),
            (network("172.17.0.0/16", "172.17.0.0/24", "172.17.1.0/24"), Some("Docker's bridges")),
            (network("10.0.0.0/8", "10.200.0.0/24", "10.1.0.0/24"), Some("overlaps `10.100.0.0/14`")),
        ] {
            let found = messages(judge_existing(&spec, &network));
            assert_eq!(found.len(), usize::from(part.is_some()), "{found:?}");
            assert!(part.is_none_or(|part| found[0].contains(part)), "{found:?}");
        }
        let all = judge(
            &["10.0.0.0/8".parse().unwrap()],
            &["10.0.0.0/8", "100.64.0.0/10"].map(|one| one.parse().unwrap()),
            "",
        );
        assert!(messages(all)[0].contains("leave no range for the platform's overlay networks"));
    }
}
