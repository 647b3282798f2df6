//! <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/create-or-update>

use azure_mgmt_network::package_2024_03::models::{
    AddressSpace, Subnet, SubnetPropertiesFormat, VirtualNetwork, VirtualNetworkPropertiesFormat,
};
use serde_json::Value;

use super::{document, network_resource, security_group};
use crate::plan::ResourceNames;
use crate::spec::SettledSpec;

/// The network with its subnet inline: one write, and no race between two subnets.
pub(crate) fn virtual_network(spec: &SettledSpec, names: &ResourceNames) -> Value {
    let subnet = Subnet {
        name: Some(names.subnet().name().to_owned()),
        properties: Some(SubnetPropertiesFormat {
            address_prefix: Some(spec.address_space.subnet().to_string()),
            network_security_group: Some(security_group(names)),
            // The way out is the load balancer's outbound rule; api versions disagree about the default.
            default_outbound_access: Some(false),
            ..SubnetPropertiesFormat::default()
        }),
        ..Subnet::default()
    };
    document(&VirtualNetwork {
        resource: network_resource(spec),
        properties: Some(VirtualNetworkPropertiesFormat {
            address_space: Some(AddressSpace { address_prefixes: vec![spec.address_space.range().to_string()] }),
            subnets: vec![subnet],
            ..VirtualNetworkPropertiesFormat::default()
        }),
        ..VirtualNetwork::default()
    })
}
