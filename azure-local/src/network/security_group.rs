//! Network security groups: checks their rules, and tells which ports they open to the Internet.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::arm::document::{choice, list, number, text};
use crate::arm::error::ArmError;
use crate::draft::Draft;

/// Completes the draft of a network security group.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    draft.default("/properties", "securityRules", json!([]));
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        for computed in ["defaultSecurityRules", "subnets", "networkInterfaces"] {
            properties.remove(computed);
        }
    }
    let mut taken: Vec<(&str, u64, String)> = Vec::new();
    for rule in list(&draft.document, "/properties/securityRules") {
        let name = text(rule, "/name").unwrap_or_default();
        let direction = choice(rule, "/properties/direction", &["Inbound", "Outbound"], None)?;
        choice(rule, "/properties/access", &["Allow", "Deny"], None)?;
        choice(rule, "/properties/protocol", &["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"], None)?;
        let priority = rule
            .pointer("/properties/priority")
            .and_then(Value::as_u64)
            .ok_or_else(|| ArmError::required("priority"))?;
        if !(100..=4096).contains(&priority) {
            return Err(ArmError::bad(
                "SecurityRuleInvalidPriority",
                format!(
                    "Security rule {name} has invalid Priority. Value provided: {priority} Allowed range 100-4096."
                ),
            ));
        }
        if let Some((_, _, other)) = taken.iter().find(|(way, number, _)| *way == direction && *number == priority) {
            return Err(ArmError::bad(
                "SecurityRuleConflict",
                format!(
                    "Security rule {name} conflicts with rule {other}. Rules cannot have the same Priority and Direction."
                ),
            ));
        }
        taken.push((direction, priority, name.to_owned()));
        for side in ["source", "destination"] {
            check_either(rule, name, &format!("{side}AddressPrefix"), "es", |_| true)?;
            check_addresses(rule, side)?;
            check_either(rule, name, &format!("{side}PortRange"), "s", |range| port_range(range).is_some())?;
        }
    }
    Ok(())
}

/// Requires `<property>` or `<property><plural>`, not both, with acceptable values.
fn check_either(
    rule: &Value,
    name: &str,
    property: &str,
    plural: &str,
    acceptable: impl Fn(&str) -> bool,
) -> Result<(), ArmError> {
    let several = format!("{property}{plural}");
    let values = values(rule, property, &several);
    let both = rule["properties"].get(property).is_some() && !list(rule, &format!("/properties/{several}")).is_empty();
    if both {
        return Err(ArmError::bad(
            "SecurityRuleParameterContainsConflictingValues",
            format!("Security rule {name} cannot have both {property} and {several}."),
        ));
    }
    // Application security groups stand in for addresses; the emulator has none.
    if values.is_empty() {
        return Err(ArmError::bad(
            "SecurityRuleParameterRequired",
            format!("Security rule {name} must specify {property} or {several}."),
        )
        .target(property));
    }
    match values.iter().find(|value| !acceptable(value)) {
        Some(bad) => Err(ArmError::bad(
            "SecurityRuleInvalidPortRange",
            format!(
                "Security rule has invalid Port range. Value provided: {bad}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535."
            ),
        )),
        None => Ok(()),
    }
}

/// A single address prefix may be a range, an address, `*` or a service tag; several are ranges that do not overlap.
/// Source: <https://github.com/hashicorp/terraform-provider-azurerm/issues/5617> and, of overlaps,
/// <https://github.com/kubernetes-sigs/cloud-provider-azure/issues/6775>
fn check_addresses(rule: &Value, side: &str) -> Result<(), ArmError> {
    let id = text(rule, "/id").unwrap_or_default();
    let parameter = match side {
        "source" => "SourceAddressPrefix",
        _ => "DestinationAddressPrefix",
    };
    let invalid = |value: &str| {
        let message = format!("Security rule {id} has invalid Address prefix. Value provided: {value}");
        Err(ArmError::bad("SecurityRuleInvalidAddressPrefix", message))
    };
    if let Some(one) = text(rule, &format!("/properties/{side}AddressPrefix")) {
        return if is_word(one) || address_range(one).is_some() { Ok(()) } else { invalid(one) };
    }
    let mut ranges: Vec<IpNet> = Vec::new();
    for value in list(rule, &format!("/properties/{side}AddressPrefixes")).iter().filter_map(Value::as_str) {
        if is_word(value) {
            return Err(ArmError::bad(
                "SecurityRuleParameterContainsUnsupportedValue",
                format!(
                    "Security rule parameter {parameter} for rule with Id {id} cannot specify existing VIRTUALNETWORK, INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: {value}."
                ),
            ));
        }
        let Some(range) = address_range(value) else { return invalid(value) };
        if let Some(other) = ranges.iter().find(|other| other.contains(&range) || range.contains(*other)) {
            return Err(ArmError::bad(
                "OverlappingSubnetsNotPermittedInSecurityRule",
                format!(
                    "Security rule parameter {parameter} for rule with Id {id} cannot specify overlapping subnets. Subnets used: {other}, {range}."
                ),
            ));
        }
        ranges.push(range);
    }
    Ok(())
}

/// Whether a prefix stands for a set of addresses that Azure knows: `*`, or a service tag such as `Storage.WestEurope`.
fn is_word(prefix: &str) -> bool {
    let is_tag = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    let known = ["*", "VirtualNetwork", "Internet", "AzureLoadBalancer"];
    known.iter().any(|word| word.eq_ignore_ascii_case(prefix)) || is_tag(prefix)
}

/// An address or a range, with the bits behind its prefix 0.
fn address_range(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse::<IpNet>()).ok()?;
    (range.trunc() == range).then_some(range)
}

fn values<'a>(rule: &'a Value, property: &str, several: &str) -> Vec<&'a str> {
    let one = text(rule, &format!("/properties/{property}")).into_iter();
    one.chain(list(rule, &format!("/properties/{several}")).iter().filter_map(Value::as_str)).collect()
}

/// First and last port of `22`, `80-90` or `*`.
fn port_range(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some((0, u16::MAX));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Whether a TCP connection from the Internet to a machine's `port` passes: rules by priority, then the default rule
/// that denies everything (`DenyAllInBound`). A source that is an address range counts as the Internet, because every
/// client of the emulator comes from this host.
pub(crate) fn admits_internet(group: &Value, port: u16) -> bool {
    let mut rules: Vec<&Value> = list(group, "/properties/securityRules")
        .iter()
        .filter(|rule| text(rule, "/properties/direction").is_some_and(|way| way.eq_ignore_ascii_case("Inbound")))
        .collect();
    rules.sort_by_key(|rule| number(rule, "/properties/priority", 100..=4096, None).unwrap_or(u64::MAX));
    for rule in rules {
        let protocol = text(rule, "/properties/protocol").unwrap_or_default();
        let sources = values(rule, "sourceAddressPrefix", "sourceAddressPrefixes");
        let ports = values(rule, "destinationPortRange", "destinationPortRanges");
        let matches = (protocol == "*" || protocol.eq_ignore_ascii_case("Tcp"))
            && sources.iter().any(|source| is_internet(source))
            && ports.iter().filter_map(|range| port_range(range)).any(|(first, last)| (first..=last).contains(&port));
        if matches {
            return text(rule, "/properties/access").is_some_and(|access| access.eq_ignore_ascii_case("Allow"));
        }
    }
    false
}

/// The single ports, and those of short ranges, that inbound rules allow: what an address on a NIC of its own opens.
pub(crate) fn allowed_ports(group: &Value) -> Vec<u16> {
    const LONGEST_RANGE: u16 = 64;
    let mut ports: Vec<u16> = list(group, "/properties/securityRules")
        .iter()
        .flat_map(|rule| values(rule, "destinationPortRange", "destinationPortRanges"))
        .filter_map(port_range)
        .filter(|(first, last)| last - first < LONGEST_RANGE)
        .flat_map(|(first, last)| first..=last)
        .filter(|port| *port != 0 && admits_internet(group, *port))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn is_internet(source: &str) -> bool {
    source == "*"
        || source.eq_ignore_ascii_case("Internet")
        || source.contains('/')
        || source.parse::<std::net::IpAddr>().is_ok()
}

/// The rules that every group has and that cannot be removed.
pub(crate) fn default_rules(id: &str) -> Value {
    let rules = [
        ("AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
        ("AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
        ("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
        ("AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
        ("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
        ("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
    ];
    rules
        .into_iter()
        .map(|(name, priority, direction, access, source, destination)| {
            json!({
                "id": format!("{id}/defaultSecurityRules/{name}"),
                "name": name,
                "properties": {
                    "provisioningState": "Succeeded", "protocol": "*", "priority": priority, "direction": direction,
                    "access": access, "sourcePortRange": "*", "destinationPortRange": "*",
                    "sourceAddressPrefix": source, "destinationAddressPrefix": destination,
                },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(priority: u16, access: &str, source: &str, port: &str) -> Value {
        json!({ "name": format!("r{priority}"), "properties": {
            "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp",
            "sourceAddressPrefix": source, "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": port,
        }})
    }

    #[test]
    fn rules_are_evaluated_by_priority_and_end_in_a_denial() {
        let allow_all = rule(300, "Allow", "*", "*");
        let table = [
            (vec![], 22, false),
            (vec![rule(100, "Allow", "*", "22")], 22, true),
            (vec![rule(100, "Allow", "*", "22")], 23, false),
            (vec![rule(100, "Allow", "Internet", "20-30")], 23, true),
            (vec![allow_all.clone(), rule(200, "Deny", "*", "23")], 23, false),
            (vec![allow_all.clone(), rule(400, "Deny", "*", "23")], 23, true),
            (vec![rule(100, "Allow", "AzureLoadBalancer", "*")], 80, false),
            (vec![rule(100, "Allow", "203.0.113.0/24", "22")], 22, true),
        ];
        for (rules, port, open) in table {
            let group = json!({ "properties": { "securityRules": rules } });
            assert_eq!(admits_internet(&group, port), open, "{group} {port}");
        }
    }

    #[test]
    fn lists_of_addresses_are_ranges_that_do_not_overlap() {
        let one = |prefix: &str| json!({ "sourceAddressPrefix": prefix });
        let several = |prefixes: &[&str]| json!({ "sourceAddressPrefixes": prefixes });
        let (unsupported, overlapping) =
            ("SecurityRuleParameterContainsUnsupportedValue", "OverlappingSubnetsNotPermittedInSecurityRule");
        let invalid = "SecurityRuleInvalidAddressPrefix";
        for (properties, code) in [
            (one("*"), None),
            (one("Internet"), None),
            (one("Storage.WestEurope"), None),
            (one("10.0.0.0/8"), None),
            (one("10.0.0.1"), None),
            (one("any"), Some(invalid)),
            (one("10.0.0.1/8"), Some(invalid)),
            (one("192.168.0.0/34"), Some(invalid)),
            (several(&["10.0.0.0/8", "192.168.0.1", "fd00::/8"]), None),
            (several(&["*", "10.0.0.0/8"]), Some(unsupported)),
            (several(&["10.0.0.0/8", "VirtualNetwork"]), Some(unsupported)),
            (several(&["*"]), Some(unsupported)),
            (several(&["10.0.0.0/8", "10.1.0.0/16"]), Some(overlapping)),
            (several(&["10.0.0.1", "10.0.0.1/32"]), Some(overlapping)),
            (several(&["10.0.0.0/8", "office"]), Some(invalid)),
        ] {
            let found = check_addresses(&json!({ "id": "r", "properties": properties }), "source");
            assert_eq!(found.err().map(|error| error.failure.code), code.map(str::to_owned), "{properties}");
        }
    }

    #[test]
    fn only_ports_that_stay_open_are_listed() {
        let rules =
            json!([rule(100, "Deny", "*", "81"), rule(200, "Allow", "*", "80-82"), rule(300, "Allow", "*", "*")]);
        assert_eq!(allowed_ports(&json!({ "properties": { "securityRules": rules } })), [80, 82]);
    }

    #[test]
    fn port_ranges() {
        for (text, range) in [
            ("22", Some((22, 22))),
            ("80-90", Some((80, 90))),
            ("*", Some((0, 65535))),
            ("90-80", None),
            ("x", None),
            ("70000", None),
        ] {
            assert_eq!(port_range(text), range, "{text}");
        }
    }
}
