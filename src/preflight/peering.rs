//! Whether the cluster's address space overlaps that of a network that its own one is peered with.
//! <https://learn.microsoft.com/azure/virtual-network/virtual-network-manage-peering#requirements-and-constraints>

use ipnet::Ipv4Net;
use serde_json::Value;

use crate::spec::ClusterSpec;
use report::Finding;

/// `network` is the cluster's own virtual network as Azure has it.
pub(super) fn judge(spec: &ClusterSpec, network: &Value) -> Vec<Finding> {
    let ours = spec.address_space.range();
    let overlaps = |theirs: &Ipv4Net| ours.contains(theirs) || theirs.contains(&ours);
    let peerings = network.pointer("/properties/virtualNetworkPeerings").and_then(Value::as_array);
    let mut findings = Vec::new();
    for peering in peerings.into_iter().flatten() {
        let prefixes = peering.pointer("/properties/remoteAddressSpace/addressPrefixes").and_then(Value::as_array);
        let prefixes = prefixes.into_iter().flatten().filter_map(|prefix| prefix.as_str()?.parse().ok());
        for theirs in prefixes.filter(overlaps) {
            let name = peering["name"].as_str().unwrap_or_default();
            findings.push(Finding::refusal(
                "address space",
                format!("`{ours}` overlaps `{theirs}` of the network behind peering `{name}`"),
                "choose another --address-space, or remove the peering",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use serde_json::json;

    #[test]
    fn overlaps_with_peered_networks() {
        let peered = |prefixes: &[&str]| {
            json!({"properties": {"virtualNetworkPeerings": [
                {"name": "office", "properties": {"remoteAddressSpace": {"addressPrefixes": prefixes}}},
            ]}})
        };
        for (network, expected) in [
            (json!({}), vec![]),
            (peered(&["10.0.0.0/16", "fd00::/48"]), vec![]),
            (
                peered(&["10.0.0.0/16", "10.32.4.0/24", "10.0.0.0/8"]),
                vec![
                    "address space: `10.32.0.0/16` overlaps `10.32.4.0/24` of the network behind peering `office`",
                    "address space: `10.32.0.0/16` overlaps `10.0.0.0/8` of the network behind peering `office`",
                ],
            ),
        ] {
            let found: Vec<String> = judge(&spec(&[]), &network).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected);
        }
    }
}
