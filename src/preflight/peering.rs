//! Whether the cluster's address space overlaps that of a network that its own one is peered with.
//! <https://learn.microsoft.com/azure/virtual-network/virtual-network-manage-peering#requirements-and-constraints>

use ipnet::Ipv4Net;

use crate::arm::VirtualNetwork;
use crate::spec::ClusterSpec;
use report::Finding;

/// `network` is the cluster's own virtual network as Azure has it.
pub(super) fn judge(spec: &ClusterSpec, network: &VirtualNetwork) -> Vec<Finding> {
    let ours = spec.address_space.range();
    let overlaps = |theirs: &Ipv4Net| ours.contains(theirs) || theirs.contains(&ours);
    let mut findings = Vec::new();
    for peering in &network.properties.peerings {
        for theirs in peering.properties.remote_address_space.ipv4().filter(overlaps) {
            let name = &peering.name;
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
        let network = |peerings| -> VirtualNetwork {
            let properties = json!({"addressSpace": {"addressPrefixes": []}, "virtualNetworkPeerings": peerings});
            serde_json::from_value(json!({"location": "westeurope", "properties": properties})).unwrap()
        };
        let peered = |prefixes: &[&str]| {
            network(json!([{"name": "office", "properties": {"remoteAddressSpace": {"addressPrefixes": prefixes}}}]))
        };
        for (network, expected) in [
            (network(json!(null)), vec![]),
            (network(json!([{"name": "begun", "properties": {}}])), vec![]),
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
