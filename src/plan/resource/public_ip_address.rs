//! <https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses/create-or-update>

use azure_mgmt_network::package_2024_03::models::{
    IpAllocationMethod, PublicIpAddress, PublicIpAddressDnsSettings, PublicIpAddressPropertiesFormat,
    PublicIpAddressSku, public_ip_address_sku,
};
use serde_json::Value;

use super::{document, network_resource};
use crate::spec::ClusterSpec;

/// The cluster's one public address; `<name>.<location>.cloudapp.azure.com` resolves to it.
pub fn public_ip_address(spec: &ClusterSpec) -> Value {
    document(&PublicIpAddress {
        resource: network_resource(spec),
        // Without a SKU the API still means Basic, which Azure no longer makes.
        sku: Some(PublicIpAddressSku { name: Some(public_ip_address_sku::Name::Standard), tier: None }),
        properties: Some(Box::new(PublicIpAddressPropertiesFormat {
            public_ip_allocation_method: Some(IpAllocationMethod::Static),
            dns_settings: Some(PublicIpAddressDnsSettings {
                domain_name_label: Some(spec.name.to_string()),
                ..PublicIpAddressDnsSettings::default()
            }),
            ..PublicIpAddressPropertiesFormat::default()
        })),
        ..PublicIpAddress::default()
    })
}
