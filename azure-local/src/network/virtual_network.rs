//! Virtual networks with their subnets: checks ranges, and tells which addresses a NIC may have.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::arm::document::{child, children_mut, list, text};
use crate::arm::error::ArmError;
use crate::arm::id::{child_part, key};
use crate::arm::kind::Kind;
use crate::draft::Draft;
use crate::network::peering;
use crate::state::resource::Resource;

/// Subnets that belong to a service of Azure's, and what the refusal of anything else calls it.
/// Source: <https://learn.microsoft.com/azure/virtual-network/virtual-network-for-azure-services>
const SERVICE_SUBNETS: [(&str, &str); 5] = [
    ("GatewaySubnet", "Virtual Network Gateway"),
    ("AzureFirewallSubnet", "Azure Firewall"),
    ("AzureFirewallManagementSubnet", "Azure Firewall"),
    ("AzureBastionSubnet", "Azure Bastion"),
    ("RouteServerSubnet", "Route Server"),
];
/// The longest prefix of a subnet: Azure keeps five addresses for itself.
const LONGEST_PREFIX: u8 = 29;
/// Network address, gateway, and two for DNS; the fifth is the broadcast address.
const RESERVED_AT_START: u32 = 4;

/// Completes the draft of a virtual network.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    draft.default("/properties", "subnets", json!([]));
    for subnet in children_mut(&mut draft.document, "subnets") {
        if let Some(properties) = subnet["properties"].as_object_mut() {
            properties.remove("ipConfigurations");
            properties.entry("privateEndpointNetworkPolicies").or_insert(json!("Disabled"));
            properties.entry("privateLinkServiceNetworkPolicies").or_insert(json!("Enabled"));
        }
    }
    let spaces = address_space(draft)?;
    peering::complete(draft, &spaces)?;
    let mut ranges: Vec<(String, Ipv4Net)> = Vec::new();
    let mut groups = Vec::new();
    for subnet in list(&draft.document, "/properties/subnets") {
        let name = text(subnet, "/name").unwrap_or_default().to_owned();
        let id = text(subnet, "/id").unwrap_or_default();
        let range = subnet_prefix(subnet)
            .map(|prefix| range(prefix, id))
            .transpose()?
            .filter(|range| range.prefix_len() <= LONGEST_PREFIX)
            .filter(|range| spaces.iter().any(|space| space.contains(range)))
            .ok_or_else(|| {
                ArmError::bad(
                    "NetcfgInvalidSubnet",
                    format!("Subnet '{name}' is not valid in virtual network '{}'.", draft.id.name),
                )
            })?;
        if let Some((other, _)) = ranges.iter().find(|(_, taken)| taken.contains(&range) || range.contains(taken)) {
            return Err(ArmError::bad(
                "NetcfgSubnetRangesOverlap",
                format!(
                    "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet '{other}' in virtual network '{}'.",
                    draft.id.name
                ),
            ));
        }
        ranges.push((name, range));
        groups.extend(text(subnet, "/properties/networkSecurityGroup/id").map(str::to_owned));
    }
    let gateway =
        |subnet: &&Value| text(subnet, "/name").is_some_and(|name| name.eq_ignore_ascii_case("GatewaySubnet"));
    if let Some(group) = list(&draft.document, "/properties/subnets")
        .iter()
        .find(gateway)
        .and_then(|subnet| text(subnet, "/properties/networkSecurityGroup/id"))
    {
        return Err(ArmError::bad(
            "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet",
            format!(
                "The operation failed because the network security group {} can not be associated to the GatewaySubnet.",
                group.rsplit('/').next().unwrap_or_default()
            ),
        ));
    }
    for group in groups {
        draft.refer(&group, Kind::NetworkSecurityGroup, None)?;
    }
    check_subnets_in_use(draft, &ranges)
}

fn address_space(draft: &Draft<'_>) -> Result<Vec<Ipv4Net>, ArmError> {
    let prefixes = list(&draft.document, "/properties/addressSpace/addressPrefixes");
    if prefixes.is_empty() {
        return Err(ArmError::required("addressSpace.addressPrefixes"));
    }
    let id = draft.id.text();
    prefixes.iter().map(|prefix| range(prefix.as_str().unwrap_or_default(), &id)).collect()
}

/// The range that an address prefix of the resource `id` names; its host bits must be 0.
fn range(prefix: &str, id: &str) -> Result<Ipv4Net, ArmError> {
    let range: Ipv4Net = prefix.parse().map_err(|_| {
        ArmError::bad(
            "InvalidAddressPrefixFormat",
            format!(
                "Address prefix {prefix} of resource {id} is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24."
            ),
        )
    })?;
    if range.trunc() == range {
        return Ok(range);
    }
    Err(ArmError::bad(
        "InvalidCIDRNotation",
        format!(
            "The address prefix {prefix} in resource {id} has an invalid CIDR notation. For the given prefix length, the address prefix should be {}.",
            range.trunc()
        ),
    ))
}

/// Gives the subnets of a body that are new no way out, unless it says otherwise; `existing` is the network as it is.
pub(crate) fn make_new_subnets_private(existing: Option<&Value>, body: &mut Value) {
    for subnet in children_mut(body, "subnets") {
        let name = text(subnet, "/name").unwrap_or_default();
        if existing.and_then(|network| child(network, "subnets", name)).is_none() {
            make_private(subnet);
        }
    }
}

/// Gives a subnet no way out, unless it says otherwise.
pub(crate) fn make_private(subnet: &mut Value) {
    if let Some(properties) = subnet.get_mut("properties").and_then(Value::as_object_mut) {
        properties.entry("defaultOutboundAccess").or_insert(json!(false));
    }
}

/// A subnet that something uses can neither vanish nor change its range.
fn check_subnets_in_use(draft: &Draft<'_>, ranges: &[(String, Ipv4Net)]) -> Result<(), ArmError> {
    let Some(existing) = draft.existing else {
        return Ok(());
    };
    for subnet in list(&existing.document, "/properties/subnets") {
        let name = text(subnet, "/name").unwrap_or_default();
        let id = text(subnet, "/id").unwrap_or_default();
        let subnet_key = key(id);
        let network_key = existing.id.key();
        let Some(user) = draft.state.referrers(&network_key).find(|user| user.refers_to(&subnet_key)) else {
            continue;
        };
        match ranges.iter().find(|(kept, _)| kept.eq_ignore_ascii_case(name)) {
            None => return Err(in_use(id, name, &user.id.text())),
            Some((_, range)) if Some(*range) != subnet_range(subnet) => {
                return Err(ArmError::bad(
                    "InUsePrefixCannotBeDeleted",
                    format!("IpPrefix on Subnet {name} has active allocations and cannot be deleted."),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Refuses an interface in a subnet that a service of Azure's has for itself, by its name or by a delegation.
/// Source: <https://github.com/Azure/ato-toolkit/issues/26>, <https://github.com/MicrosoftDocs/azure-docs/issues/18010>,
/// <https://learn.microsoft.com/azure/virtual-network/manage-subnet-delegation>
pub(crate) fn check_takes_interfaces(network: &Resource, reference: &str, interface: &str) -> Result<(), ArmError> {
    let name = subnet_name(reference);
    if let Some((known, service)) = SERVICE_SUBNETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        let message = format!("Subnet with name '{known}' can be used only for the {service} resource.");
        return Err(ArmError::bad(known, message));
    }
    let Some(subnet) = child(&network.document, "subnets", name) else { return Ok(()) };
    let delegations: Vec<String> = list(subnet, "/properties/delegations")
        .iter()
        .map(|delegation| format!("{reference}/delegations/{}", text(delegation, "/name").unwrap_or_default()))
        .collect();
    if delegations.is_empty() {
        return Ok(());
    }
    Err(ArmError::bad(
        "SubnetIsDelegatedAndCannotBeUsed",
        format!(
            "Resource {interface} cannot be created in or updated to use the subnet {reference} since it has delegation(s) [{}] to external services.",
            delegations.join(", ")
        ),
    ))
}

/// The refusal to remove a subnet that a NIC uses.
pub(crate) fn in_use(id: &str, name: &str, user: &str) -> ArmError {
    ArmError::bad(
        "InUseSubnetCannotBeDeleted",
        format!("Subnet {name} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet."),
    )
    .target(id)
}

fn subnet_prefix(subnet: &Value) -> Option<&str> {
    text(subnet, "/properties/addressPrefix").or_else(|| list(subnet, "/properties/addressPrefixes").first()?.as_str())
}

/// The range of a subnet's document.
pub(crate) fn subnet_range(subnet: &Value) -> Option<Ipv4Net> {
    subnet_prefix(subnet)?.parse().ok()
}

/// The name of the subnet in a reference to it.
pub(crate) fn subnet_name(reference: &str) -> &str {
    child_part(reference).map_or("", |(_, name)| name)
}

/// Whether Azure keeps this address of the range for itself.
pub(crate) fn is_reserved(range: Ipv4Net, address: Ipv4Addr) -> bool {
    u32::from(address) - u32::from(range.network()) < RESERVED_AT_START || address == range.broadcast()
}

/// The lowest address of the range that is neither reserved nor in `taken`.
pub(crate) fn free_address(range: Ipv4Net, taken: &[Ipv4Addr]) -> Option<Ipv4Addr> {
    range.hosts().find(|address| !is_reserved(range, *address) && !taken.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_keeps_five_addresses() {
        let range: Ipv4Net = "10.0.0.0/29".parse().expect("a range");
        let free: Vec<u8> = (0..8).filter(|last| !is_reserved(range, Ipv4Addr::new(10, 0, 0, *last))).collect();
        assert_eq!(free, [4, 5, 6]);
        assert_eq!(free_address(range, &[Ipv4Addr::new(10, 0, 0, 4)]), Some(Ipv4Addr::new(10, 0, 0, 5)));
        let all: Vec<Ipv4Addr> = range.hosts().collect();
        assert_eq!(free_address(range, &all), None);
    }
}
