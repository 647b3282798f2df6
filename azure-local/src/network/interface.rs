//! Network interfaces: checks addresses and memberships, and hands out addresses and NAT ports.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::arm::document::{child, choice, list, text};
use crate::arm::error::ArmError;
use crate::arm::id::{key, resource_part};
use crate::arm::kind::Kind;
use crate::draft::Draft;
use crate::latency::stable_hash;
use crate::network::load_balancer_rules::check_outbound_ports;
use crate::network::pool::{configuration_address, joins, members};
use crate::network::{nat, virtual_network};
use crate::state::State;
use crate::state::resource::{Provisioning, Resource};

/// More NICs than this that join one load balancer at the same time are refused with a retryable error.
const CONCURRENT_JOINS: usize = 9;

/// Completes the draft of a network interface.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        properties.remove("virtualMachine");
        properties.remove("macAddress");
    }
    let configurations = list(&draft.document, "/properties/ipConfigurations").to_vec();
    if configurations.is_empty() {
        return Err(ArmError::bad(
            "NetworkInterfaceMustHaveIpConfiguration",
            format!("Network interface {} must have at least one IP configuration.", draft.id.text()),
        ));
    }
    let primaries =
        configurations.iter().filter(|entry| entry.pointer("/properties/primary") == Some(&json!(true))).count();
    if primaries > 1 || (configurations.len() > 1 && primaries == 0) {
        return Err(ArmError::bad(
            "NetworkInterfaceMustHaveOnePrimaryIpConfiguration",
            "Exactly one IP configuration must be primary.",
        )
        .target("ipConfigurations"));
    }
    let mut completed = Vec::with_capacity(configurations.len());
    for mut configuration in configurations {
        if primaries == 0 {
            configuration["properties"]["primary"] = json!(true);
        }
        complete_configuration(draft, &mut configuration, &completed)?;
        completed.push(configuration);
    }
    let networks: Vec<&str> = draft
        .references
        .iter()
        .filter(|reference| reference.contains("/virtualnetworks/"))
        .map(|reference| resource_part(reference))
        .collect();
    if networks.iter().any(|network| *network != networks[0]) {
        return Err(ArmError::bad(
            "AllSubnetsMustBeInSameVirtualNetwork",
            "All IP configurations of a network interface must be in one virtual network.",
        ));
    }
    if let Some(group) = text(&draft.document, "/properties/networkSecurityGroup/id").map(str::to_owned) {
        draft.refer(&group, Kind::NetworkSecurityGroup, None)?;
    }
    for flag in ["enableAcceleratedNetworking", "enableIPForwarding"] {
        draft.default("/properties", flag, json!(false));
    }
    draft.document["properties"]["ipConfigurations"] = json!(completed);
    draft.document["properties"]["macAddress"] = json!(mac_address(draft));
    draft.nat_ports = nat::assign(draft)?;
    Ok(())
}

fn complete_configuration(draft: &mut Draft<'_>, configuration: &mut Value, before: &[Value]) -> Result<(), ArmError> {
    let subnet =
        text(configuration, "/properties/subnet/id").map(str::to_owned).ok_or_else(|| ArmError::required("subnet"))?;
    let network = draft.refer(&subnet, Kind::VirtualNetwork, Some("subnets"))?;
    virtual_network::check_takes_interfaces(network, &subnet, &draft.id.text())?;
    choice(configuration, "/properties/privateIPAddressVersion", &["IPv4"], Some("IPv4"))?;
    let method =
        choice(configuration, "/properties/privateIPAllocationMethod", &["Static", "Dynamic"], Some("Dynamic"))?;
    let address = address(draft, configuration, before, network, &subnet, method)?;
    configuration["properties"]["privateIPAddress"] = json!(address.to_string());
    configuration["properties"]["privateIPAllocationMethod"] = json!(method);
    configuration["properties"]["privateIPAddressVersion"] = json!("IPv4");

    for pool in list(configuration, "/properties/loadBalancerBackendAddressPools") {
        let pool =
            text(pool, "/id").ok_or_else(|| ArmError::required("id").target("loadBalancerBackendAddressPools"))?;
        let balancer = draft.refer(pool, Kind::LoadBalancer, Some("backendAddressPools"))?;
        check_join(draft, balancer)?;
        let own = draft.id.key();
        let pool_key = key(pool);
        let others = members(draft.state, &pool_key).filter(|(nic, _)| nic.id.key() != own).count();
        let here = before.iter().filter(|entry| joins(entry, &pool_key)).count();
        check_outbound_ports(&balancer.document, &pool_key, others + here + 1)?;
    }
    if !list(configuration, "/properties/loadBalancerInboundNatRules").is_empty() {
        return Err(ArmError::bad(
            "InboundNatRuleV1NotSupported",
            "Inbound NAT rules that target one network interface (version 1) retire in September 2027 and are not offered here. Use a rule with a backend pool and a frontend port range.",
        )
        .target("loadBalancerInboundNatRules"));
    }
    if let Some(public) = text(configuration, "/properties/publicIPAddress/id").map(str::to_owned) {
        let public = draft.refer(&public, Kind::PublicIpAddress, None)?;
        check_public_address(draft, public)?;
    }
    Ok(())
}

/// Refuses a public address that something else uses.
pub(crate) fn check_public_address(draft: &Draft<'_>, public: &Resource) -> Result<(), ArmError> {
    let owner = draft.id.key();
    let public_key = public.id.key();
    match draft.state.referrers(&public_key).find(|user| user.id.key() != owner) {
        None => Ok(()),
        Some(user) => Err(ArmError::bad(
            "PublicIPAddressInUse",
            format!(
                "Resource {} is referencing public IP address {} that is already allocated to resource {}.",
                draft.id.text(),
                public.id.text(),
                user.id.text()
            ),
        )),
    }
}

/// The configuration's address: the static one if it is fit and free, else what it has, else the lowest free one.
fn address(
    draft: &Draft<'_>,
    configuration: &Value,
    before: &[Value],
    network: &Resource,
    subnet: &str,
    method: &str,
) -> Result<Ipv4Addr, ArmError> {
    let name = virtual_network::subnet_name(subnet);
    let range = child(&network.document, "subnets", name)
        .and_then(virtual_network::subnet_range)
        .ok_or_else(|| ArmError::bad("NetcfgInvalidSubnet", format!("Subnet '{name}' has no IPv4 range.")))?;
    let own = draft.id.key();
    let subnet_key = key(subnet);
    let mut taken: Vec<(Ipv4Addr, String)> = taken_addresses(draft.state, &subnet_key, Some(&own)).collect();
    taken.extend(before.iter().filter_map(configuration_address).map(|address| (address, draft.id.text())));

    if method == "Static" {
        let written = text(configuration, "/properties/privateIPAddress").ok_or_else(|| {
            ArmError::bad(
                "StaticPrivateIPAddressRequired",
                "Private IP address is required when privateIPAllocationMethod is Static.",
            )
            .target("privateIPAddress")
        })?;
        let address: Ipv4Addr = written.parse().map_err(|_| {
            ArmError::bad(
                "InvalidPrivateIPAddress",
                format!("Private static IP address {written} is not a valid IPv4 address."),
            )
        })?;
        if !range.contains(&address) {
            return Err(ArmError::bad(
                "PrivateIPAddressNotInSubnet",
                format!("Private static IP address {address} does not belong to the range of subnet prefix {range}."),
            ));
        }
        if virtual_network::is_reserved(range, address) {
            return Err(ArmError::bad(
                "PrivateIPAddressInReservedRange",
                format!("Private static IP address {address} falls within reserved IP range of subnet prefix {range}."),
            ));
        }
        if let Some((_, user)) = taken.iter().find(|(other, _)| *other == address) {
            return Err(ArmError::bad(
                "PrivateIPAddressInUse",
                format!(
                    "IP configuration {} is using the private IP address {address} which is already allocated to resource {user}.",
                    text(configuration, "/id").unwrap_or_default()
                ),
            ));
        }
        return Ok(address);
    }
    let taken: Vec<Ipv4Addr> = taken.into_iter().map(|(address, _)| address).collect();
    let name = text(configuration, "/name").unwrap_or_default();
    let kept = draft
        .existing
        .and_then(|existing| child(&existing.document, "ipConfigurations", name))
        .and_then(configuration_address)
        .filter(|address| range.contains(address) && !taken.contains(address));
    kept.or_else(|| virtual_network::free_address(range, &taken)).ok_or_else(|| {
        ArmError::bad(
            "SubnetIsFull",
            format!("Subnet {name} with address prefix {range} does not have enough capacity for 1 IP addresses."),
        )
    })
}

/// The addresses that NICs have in a subnet, with their ids, without those of the NIC `except`.
pub(crate) fn taken_addresses<'a>(
    state: &'a State,
    subnet_key: &'a str,
    except: Option<&'a str>,
) -> impl Iterator<Item = (Ipv4Addr, String)> + 'a {
    state
        .of_kind(Kind::NetworkInterface)
        .filter(move |nic| nic.refers_to(subnet_key) && Some(nic.id.key().as_str()) != except)
        .flat_map(move |nic| addresses_in(&nic.document, subnet_key).map(|address| (address, nic.id.text())))
}

fn addresses_in<'a>(document: &'a Value, subnet_key: &'a str) -> impl Iterator<Item = Ipv4Addr> + 'a {
    list(document, "/properties/ipConfigurations")
        .iter()
        .filter(move |entry| text(entry, "/properties/subnet/id").is_some_and(|id| id.eq_ignore_ascii_case(subnet_key)))
        .filter_map(configuration_address)
}

/// Azure fails NIC writes at random when many join one load balancer; here the tenth is always refused.
fn check_join(draft: &Draft<'_>, balancer: &Resource) -> Result<(), ArmError> {
    let balancer_key = balancer.id.key();
    let joining = draft
        .state
        .referrers(&balancer_key)
        .filter(|nic| {
            nic.is(Kind::NetworkInterface)
                && matches!(nic.provisioning, Provisioning::Creating | Provisioning::Updating)
        })
        .count();
    if joining < CONCURRENT_JOINS {
        return Ok(());
    }
    Err(ArmError::retryable(
        "AnotherOperationInProgress",
        format!(
            "Another operation on resource {} or a dependent one is in progress: {joining} network interfaces are joining it.",
            balancer.id.text()
        ),
    ))
}

/// The address it has, or one in Microsoft's range that follows from its id and that no other NIC has.
fn mac_address(draft: &Draft<'_>) -> String {
    const MAC: &str = "/properties/macAddress";
    if let Some(kept) = draft.existing.and_then(|existing| existing.text(MAC)) {
        return kept.to_owned();
    }
    let mut hash = stable_hash(&draft.id.key());
    loop {
        let [.., a, b, c] = hash.to_be_bytes();
        let candidate = format!("00-0D-3A-{a:02X}-{b:02X}-{c:02X}");
        if !draft.state.of_kind(Kind::NetworkInterface).any(|other| other.text(MAC) == Some(&candidate)) {
            return candidate;
        }
        hash = hash.wrapping_add(1);
    }
}
