//! A load balancer's three kinds of rules: balancing, inbound NAT (V2) and outbound.

use serde_json::{Value, json};

use crate::arm::document::{child, children_mut, choice, list, number, text};
use crate::arm::error::ArmError;
use crate::arm::id::{child_part, key, resource_part};
use crate::draft::Draft;

/// SNAT ports of one frontend address.
const PORTS_PER_FRONTEND: u64 = 64_000;

const FRONTEND: &str = "/properties/frontendIPConfiguration/id";
const POOL: &str = "/properties/backendAddressPool/id";

/// A frontend's ports that a rule occupies.
struct Occupied {
    rule: String,
    frontend: String,
    protocol: &'static str,
    first: u64,
    last: u64,
}

/// Checks all rules and fills in their defaults.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    let mut occupied = Vec::new();
    for rule in list(&draft.document, "/properties/loadBalancingRules") {
        occupied.push(check_balancing_rule(draft, rule)?);
    }
    for rule in list(&draft.document, "/properties/inboundNatRules") {
        occupied.push(check_nat_rule(draft, rule)?);
    }
    for (index, rule) in occupied.iter().enumerate() {
        let clash = occupied[..index].iter().find(|other| {
            other.frontend == rule.frontend
                && (other.protocol == rule.protocol || other.protocol == "All" || rule.protocol == "All")
                && other.first <= rule.last
                && rule.first <= other.last
        });
        if let Some(other) = clash {
            return Err(ArmError::bad(
                "RulesUseSameFrontendPortProtocolAndIPConfig",
                format!(
                    "Load balancer rules {} and {} belong to the same frontend and use the same frontend port and protocol.",
                    other.rule, rule.rule
                ),
            ));
        }
    }
    for rule in list(&draft.document, "/properties/outboundRules") {
        check_outbound_rule(draft, rule)?;
    }
    for collection in ["loadBalancingRules", "inboundNatRules", "outboundRules"] {
        for rule in children_mut(&mut draft.document, collection) {
            if let Some(properties) = rule["properties"].as_object_mut() {
                properties.entry("idleTimeoutInMinutes").or_insert(json!(4));
                properties.entry("enableTcpReset").or_insert(json!(false));
                if collection == "loadBalancingRules" {
                    properties.entry("disableOutboundSnat").or_insert(json!(false));
                    properties.entry("loadDistribution").or_insert(json!("Default"));
                }
                if collection != "outboundRules" {
                    properties.entry("enableFloatingIP").or_insert(json!(false));
                }
            }
        }
    }
    Ok(())
}

/// The id of a rule's backend pool, as the client wrote it.
pub(crate) fn pool(rule: &Value) -> Option<&str> {
    text(rule, POOL).or_else(|| text(list(rule, "/properties/backendAddressPools").first()?, "/id"))
}

fn name(rule: &Value) -> String {
    text(rule, "/name").unwrap_or_default().to_owned()
}

fn frontend(draft: &Draft<'_>, rule: &Value) -> Result<String, ArmError> {
    own_child(draft, rule, FRONTEND, "frontendIPConfigurations")?
        .and_then(|frontend| text(frontend, "/name"))
        .map(str::to_ascii_lowercase)
        .ok_or_else(|| ArmError::required("frontendIPConfiguration"))
}

fn check_balancing_rule(draft: &Draft<'_>, rule: &Value) -> Result<Occupied, ArmError> {
    let frontend = frontend(draft, rule)?;
    let several = list(rule, "/properties/backendAddressPools");
    if several.len() > 1 {
        return Err(ArmError::bad(
            "LoadBalancingRuleBackendAddressPoolsCountExceeded",
            "Only gateway load balancers may have more than one backend pool in a rule.",
        ));
    }
    let pool = own_child(draft, rule, POOL, "backendAddressPools")?;
    if let Some(entry) = several.first() {
        own_child(draft, entry, "/id", "backendAddressPools")?;
    } else if pool.is_none() {
        return Err(ArmError::required("backendAddressPool"));
    }
    own_child(draft, rule, "/properties/probe/id", "probes")?;
    let protocol = choice(rule, "/properties/protocol", &["Tcp", "Udp", "All"], None)?;
    let least = u64::from(protocol != "All");
    let port = number(rule, "/properties/frontendPort", least..=65534, None)?;
    number(rule, "/properties/backendPort", least..=65535, None)?;
    number(rule, "/properties/idleTimeoutInMinutes", 4..=100, Some(4))?;
    choice(rule, "/properties/loadDistribution", &["Default", "SourceIP", "SourceIPProtocol"], Some("Default"))?;
    let (first, last) = if protocol == "All" { (0, 65535) } else { (port, port) };
    Ok(Occupied { rule: name(rule), frontend, protocol, first, last })
}

fn check_nat_rule(draft: &Draft<'_>, rule: &Value) -> Result<Occupied, ArmError> {
    let frontend = frontend(draft, rule)?;
    if own_child(draft, rule, POOL, "backendAddressPools")?.is_none() {
        return Err(ArmError::bad(
            "InboundNatRuleV1NotSupported",
            format!(
                "Inbound NAT rule {} has no backendAddressPool. Rules that target one network interface (version 1) retire in September 2027 and are not offered here.",
                name(rule)
            ),
        ));
    }
    if rule.pointer("/properties/frontendPort").and_then(Value::as_u64).is_some_and(|port| port != 0) {
        return Err(ArmError::bad(
            "InboundNatRuleWithBackendPoolCannotHaveFrontendPort",
            format!("Inbound NAT rule {} references a backend address pool and must use frontendPortRangeStart and frontendPortRangeEnd instead of frontendPort.", name(rule)),
        )
        .target("frontendPort"));
    }
    let protocol = choice(rule, "/properties/protocol", &["Tcp", "Udp", "All"], None)?;
    let first = number(rule, "/properties/frontendPortRangeStart", 1..=65534, None)?;
    let last = number(rule, "/properties/frontendPortRangeEnd", first..=65534, None)?;
    number(rule, "/properties/backendPort", 1..=65535, None)?;
    number(rule, "/properties/idleTimeoutInMinutes", 4..=30, Some(4))?;
    Ok(Occupied { rule: name(rule), frontend, protocol, first, last })
}

fn check_outbound_rule(draft: &Draft<'_>, rule: &Value) -> Result<(), ArmError> {
    let frontends = list(rule, "/properties/frontendIPConfigurations");
    if frontends.is_empty() {
        return Err(ArmError::required("frontendIPConfigurations"));
    }
    for frontend in frontends {
        own_child(draft, frontend, "/id", "frontendIPConfigurations")?;
    }
    own_child(draft, rule, POOL, "backendAddressPools")?.ok_or_else(|| ArmError::required("backendAddressPool"))?;
    choice(rule, "/properties/protocol", &["Tcp", "Udp", "All"], None)?;
    number(rule, "/properties/idleTimeoutInMinutes", 4..=100, Some(4))?;
    let ports = number(rule, "/properties/allocatedOutboundPorts", 0..=PORTS_PER_FRONTEND, Some(0))?;
    if ports % 8 != 0 {
        return Err(ArmError::bad(
            "InvalidAllocatedOutboundPorts",
            format!("allocatedOutboundPorts of outbound rule {} must be a multiple of 8.", name(rule)),
        ));
    }
    let sharing = list(&draft.document, "/properties/loadBalancingRules").iter().find(|balancing| {
        let id = text(balancing, FRONTEND).unwrap_or_default();
        frontends.iter().any(|frontend| text(frontend, "/id").is_some_and(|other| other.eq_ignore_ascii_case(id)))
            && balancing.pointer("/properties/disableOutboundSnat") != Some(&json!(true))
    });
    if let Some(balancing) = sharing {
        return Err(ArmError::bad(
            "LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedByOutboundRule",
            format!(
                "Load balancing rule {} must have disableOutboundSnat set to true since its frontend IP configuration is referenced by outbound rule {}.",
                name(balancing),
                name(rule)
            ),
        ));
    }
    Ok(())
}

/// Refuses another member of a pool whose outbound rule cannot give it its SNAT ports.
pub(crate) fn check_outbound_ports(balancer: &Value, pool_key: &str, members: usize) -> Result<(), ArmError> {
    for rule in list(balancer, "/properties/outboundRules") {
        let is_of_pool = text(rule, POOL).is_some_and(|pool| pool.eq_ignore_ascii_case(pool_key));
        let ports = rule.pointer("/properties/allocatedOutboundPorts").and_then(Value::as_u64).unwrap_or(0);
        let available = PORTS_PER_FRONTEND * list(rule, "/properties/frontendIPConfigurations").len() as u64;
        if is_of_pool && ports * members as u64 > available {
            return Err(ArmError::bad(
                "AllocatedOutboundPortsForOutboundRuleExceedsTotalNumberOfAllowablePortsPerRule",
                format!(
                    "Outbound rule {} allocates {ports} ports to each of {members} members, more than the {available} ports of its frontends.",
                    name(rule)
                ),
            ));
        }
    }
    Ok(())
}

/// The sub-resource that `entry` refers to at `pointer`, which must be in this load balancer's own document.
fn own_child<'d>(
    draft: &'d Draft<'_>,
    entry: &Value,
    pointer: &str,
    collection: &str,
) -> Result<Option<&'d Value>, ArmError> {
    let Some(reference) = text(entry, pointer) else {
        return Ok(None);
    };
    let wanted = key(reference);
    let found = match child_part(&wanted) {
        Some((found, name)) if resource_part(&wanted) == draft.id.key() && found.eq_ignore_ascii_case(collection) => {
            child(&draft.document, collection, name)
        }
        _ => None,
    };
    found.map(Some).ok_or_else(|| {
        ArmError::bad(
            "InvalidResourceReference",
            format!("Resource {reference} referenced by resource {} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", text(entry, "/id").unwrap_or_default()),
        )
    })
}
