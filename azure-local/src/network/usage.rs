//! `Microsoft.Network/locations/{location}/usages`, and the refusal of one resource too many.

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::quota::{Usage, count, limit};
use crate::state::State;

/// What is counted.
struct Row {
    name: &'static str,
    title: &'static str,
    kind: Kind,
    default_limit: u64,
    /// The refusal's code, and what it calls the resources.
    code: &'static str,
    noun: &'static str,
}

const fn row(
    name: &'static str,
    title: &'static str,
    kind: Kind,
    default_limit: u64,
    (code, noun): (&'static str, &'static str),
) -> Row {
    Row { name, title, kind, default_limit, code, noun }
}

/// Every public address here is a static Standard one, and every load balancer a Standard one.
const ROWS: &[Row] = &[
    row(
        "VirtualNetworks",
        "Virtual Networks",
        Kind::VirtualNetwork,
        1_000,
        ("VnetCountLimitReached", "virtual networks"),
    ),
    row(
        "NetworkInterfaces",
        "Network Interfaces",
        Kind::NetworkInterface,
        65_536,
        ("NetworkInterfaceCountLimitReached", "network interfaces"),
    ),
    row(
        "NetworkSecurityGroups",
        "Network Security Groups",
        Kind::NetworkSecurityGroup,
        5_000,
        ("NetworkSecurityGroupCountLimitReached", "network security groups"),
    ),
    row(
        "LoadBalancers",
        "Load Balancers",
        Kind::LoadBalancer,
        1_000,
        ("LoadBalancerCountLimitReached", "load balancers"),
    ),
    row(
        "StandardSkuLoadBalancers",
        "Standard Sku Load Balancers",
        Kind::LoadBalancer,
        1_000,
        ("LoadBalancerCountLimitReached", "load balancers"),
    ),
    row(
        "PublicIPAddresses",
        "Public IP Addresses",
        Kind::PublicIpAddress,
        10_000,
        ("PublicIPCountLimitReached", "public IP addresses"),
    ),
    row(
        "StaticPublicIPAddresses",
        "Static Public IP Addresses",
        Kind::PublicIpAddress,
        10_000,
        ("StaticPublicIPCountLimitReached", "public IP addresses with static allocation method"),
    ),
    row(
        "IPv4StandardSkuPublicIpAddresses",
        "Public IPv4 Addresses - Standard",
        Kind::PublicIpAddress,
        10_000,
        ("IPv4StandardSkuPublicIpCountLimitReached", "IPv4 Standard SKU public IP addresses"),
    ),
];

/// Whether a usage of this name is listed here.
pub(crate) fn is_known(name: &str) -> bool {
    ROWS.iter().any(|row| row.name.eq_ignore_ascii_case(name))
}

/// Refuses one more resource of this kind.
pub(crate) fn check_count(state: &State, id: &ResourceId, location: &str) -> Result<(), ArmError> {
    let used = count(state, &id.subscription, location, id.kind);
    for row in ROWS.iter().filter(|row| row.kind == id.kind) {
        let limit = limit(state, location, row.name, row.default_limit);
        if used >= limit {
            let message = format!("Cannot create more than {limit} {} for this subscription in this region.", row.noun);
            return Err(ArmError::bad(row.code, message));
        }
    }
    Ok(())
}

/// The list.
pub(crate) fn document(state: &State, subscription: &str, location: &str) -> Value {
    let usages = ROWS.iter().map(|row| {
        let usage = Usage {
            name: row.name,
            title: row.title.to_owned(),
            used: count(state, subscription, location, row.kind),
            limit: limit(state, location, row.name, row.default_limit),
        };
        let mut document = usage.document();
        document["id"] = json!(format!(
            "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/usages/{}",
            row.name
        ));
        document
    });
    json!({ "value": usages.collect::<Vec<_>>() })
}
