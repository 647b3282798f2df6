//! <https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses/create-or-update>

use azure_mgmt_network::package_2024_03::models::{
    IpAllocationMethod, PublicIpAddress, PublicIpAddressDnsSettings, PublicIpAddressPropertiesFormat,
    PublicIpAddressSku, public_ip_address_sku,
};
use serde_json::Value;

use super::{document, network_resource};
use crate::spec::{Node, SettledSpec};

/// A region has three zones or none.
/// <https://learn.microsoft.com/azure/reliability/availability-zones-overview>
const ALL_ZONES: [&str; 3] = ["1", "2", "3"];

/// The cluster's one public address; `<name>.<location>.cloudapp.azure.com` resolves to it.
pub(crate) fn public_ip_address(spec: &SettledSpec) -> Value {
    // An address is in one zone or in all of them: Azure makes one that is asked for in two zones in three.
    let zones = match spec.availability.zones() {
        [] => Vec::new(),
        [only] => vec![only.to_string()],
        _ => ALL_ZONES.map(str::to_owned).to_vec(),
    };
    address(spec, spec.name.as_str(), zones)
}

/// A node's own public address; its DNS label is the machine's name.
pub(crate) fn node_public_ip_address(spec: &SettledSpec, node: &Node) -> Value {
    address(spec, &node.name, spec.availability.zone(node.index).iter().map(ToString::to_string).collect())
}

fn address(spec: &SettledSpec, label: &str, zones: Vec<String>) -> Value {
    document(&PublicIpAddress {
        resource: network_resource(spec),
        zones,
        // Without a SKU the API still means Basic, which Azure no longer makes.
        sku: Some(PublicIpAddressSku { name: Some(public_ip_address_sku::Name::Standard), tier: None }),
        properties: Some(Box::new(PublicIpAddressPropertiesFormat {
            public_ip_allocation_method: Some(IpAllocationMethod::Static),
            dns_settings: Some(PublicIpAddressDnsSettings {
                domain_name_label: Some(label.to_owned()),
                ..PublicIpAddressDnsSettings::default()
            }),
            ..PublicIpAddressPropertiesFormat::default()
        })),
        ..PublicIpAddress::default()
    })
}
