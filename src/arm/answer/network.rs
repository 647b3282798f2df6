//! Networks, addresses and load balancers.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::absent_as_none;

/// A virtual network.
/// <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct VirtualNetwork {
    /// `westeurope`, or `West Europe`.
    pub location: String,
    pub properties: VirtualNetworkProperties,
}

/// What it has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VirtualNetworkProperties {
    pub address_space: AddressSpace,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub subnets: Vec<Subnet>,
    #[serde(default, rename = "virtualNetworkPeerings", deserialize_with = "absent_as_none")]
    pub peerings: Vec<Peering>,
}

/// Ranges of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddressSpace {
    #[serde(default, deserialize_with = "absent_as_none")]
    address_prefixes: Vec<IpNet>,
}

/// A part of a network, in which machines can be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Subnet {
    pub name: String,
    pub properties: SubnetProperties,
}

/// Its ranges, in one of two ways, and the services that it is left to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubnetProperties {
    address_prefix: Option<IpNet>,
    #[serde(default, deserialize_with = "absent_as_none")]
    address_prefixes: Vec<IpNet>,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub delegations: Vec<Delegation>,
}

/// <https://learn.microsoft.com/azure/virtual-network/subnet-delegation-overview>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Delegation {
    pub properties: DelegationProperties,
}

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DelegationProperties {
    /// `Microsoft.Web/serverFarms`.
    pub service_name: String,
}

/// A connection to another network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Peering {
    pub name: String,
    pub properties: PeeringProperties,
}

/// What is reached through it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeeringProperties {
    /// None as long as the other side has not agreed.
    #[serde(default, deserialize_with = "absent_as_none")]
    pub remote_address_space: AddressSpace,
}

/// An address that the Internet reaches.
/// <https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PublicIpAddress {
    pub properties: PublicIpAddressProperties,
}

/// The address and its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublicIpAddressProperties {
    #[serde(deserialize_with = "reachable")]
    pub ip_address: Ipv4Addr,
    pub dns_settings: Option<DnsSettings>,
}

/// An address that something can be reached by.
fn reachable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ipv4Addr, D::Error> {
    let address = Ipv4Addr::deserialize(deserializer)?;
    match address.is_unspecified() || address.is_broadcast() || address.is_multicast() {
        true => Err(D::Error::custom(format!("`{address}` is no machine's address"))),
        false => Ok(address),
    }
}

/// The name; none without a label.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct DnsSettings {
    pub fqdn: Option<String>,
}

/// The machines behind a load balancer.
/// <https://learn.microsoft.com/rest/api/load-balancer/load-balancer-backend-address-pools/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct BackendAddressPool {
    pub properties: BackendAddressPoolProperties,
}

/// Its members.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackendAddressPoolProperties {
    #[serde(default, deserialize_with = "absent_as_none")]
    pub load_balancer_backend_addresses: Vec<BackendAddress>,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct BackendAddress {
    pub properties: BackendAddressProperties,
}

/// By which interface, and the ports that lead to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackendAddressProperties {
    /// None of a member that was added by its address.
    #[serde(rename = "networkInterfaceIPConfiguration")]
    pub network_interface_ip_configuration: Option<Reference>,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub inbound_nat_rules_port_mapping: Vec<PortMapping>,
}

/// Another resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Reference {
    pub id: String,
}

/// A public port and the machine's own that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortMapping {
    pub frontend_port: u16,
    pub backend_port: u16,
}

/// What `queryInboundNatRulePortMapping` answers of one machine.
/// <https://learn.microsoft.com/rest/api/load-balancer/load-balancers/list-inbound-nat-rule-port-mappings>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortMappings {
    #[serde(default, deserialize_with = "absent_as_none")]
    pub inbound_nat_rule_port_mappings: Vec<PortMapping>,
}

impl AddressSpace {
    /// Those of IPv4.
    pub(crate) fn ipv4(&self) -> impl Iterator<Item = Ipv4Net> {
        ipv4(&self.address_prefixes)
    }
}

impl SubnetProperties {
    /// The ranges of IPv4.
    pub(crate) fn ipv4(&self) -> impl Iterator<Item = Ipv4Net> {
        ipv4(&self.address_prefix).chain(ipv4(&self.address_prefixes))
    }
}

fn ipv4<'a>(ranges: impl IntoIterator<Item = &'a IpNet>) -> impl Iterator<Item = Ipv4Net> {
    ranges.into_iter().filter_map(|range| match range {
        IpNet::V4(range) => Some(*range),
        IpNet::V6(_) => None,
    })
}
