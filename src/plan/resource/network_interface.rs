//! <https://learn.microsoft.com/rest/api/virtualnetwork/network-interfaces/create-or-update>

use azure_mgmt_network::package_2024_03::models::{
    BackendAddressPool, IpAllocationMethod, NetworkInterface, NetworkInterfaceIpConfiguration,
    NetworkInterfaceIpConfigurationPropertiesFormat, NetworkInterfacePropertiesFormat, PublicIpAddress, Resource,
    Subnet,
};
use serde_json::Value;

use super::{document, network_resource, reference, security_group};
use crate::plan::ResourceNames;
use crate::spec::{Node, SettledSpec};

/// A node's interface: static address, member of the load balancer's pool.
pub(crate) fn network_interface(spec: &SettledSpec, names: &ResourceNames, node: &Node) -> Value {
    let public_address = spec.public_ip_per_node.then(|| PublicIpAddress {
        resource: Resource {
            id: Some(names.node_public_ip_address(&node.name).path().to_owned()),
            ..Resource::default()
        },
        ..PublicIpAddress::default()
    });
    let configuration = NetworkInterfaceIpConfiguration {
        name: Some("primary".into()),
        properties: Some(NetworkInterfaceIpConfigurationPropertiesFormat {
            primary: Some(true),
            private_ip_address: Some(node.address.to_string()),
            private_ip_allocation_method: Some(IpAllocationMethod::Static),
            public_ip_address: public_address,
            subnet: Some(Subnet { sub_resource: reference(&names.subnet_of(spec, node)), ..Subnet::default() }),
            load_balancer_backend_address_pools: vec![BackendAddressPool {
                sub_resource: reference(&names.backend_address_pool()),
                ..BackendAddressPool::default()
            }],
            ..NetworkInterfaceIpConfigurationPropertiesFormat::default()
        }),
        ..NetworkInterfaceIpConfiguration::default()
    };
    document(&NetworkInterface {
        resource: network_resource(spec),
        properties: Some(NetworkInterfacePropertiesFormat {
            ip_configurations: vec![configuration],
            enable_accelerated_networking: spec.accelerated_networking.then_some(true),
            network_security_group: spec.existing_network.as_ref().map(|_| security_group(names)),
            ..NetworkInterfacePropertiesFormat::default()
        }),
        ..NetworkInterface::default()
    })
}
