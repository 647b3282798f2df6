//! Inbound NAT rules V2: the platform hands each member of a rule's pool one port of the rule's range, the lowest
//! free one in the order of joining, and the member keeps it until it leaves.
//! Source: Azure's "Inbound NAT rules", <https://learn.microsoft.com/azure/load-balancer/inbound-nat-rules>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::arm::document::{list, text};
use crate::arm::error::ArmError;
use crate::arm::id::{key, resource_part};
use crate::arm::kind::Kind;
use crate::draft::Draft;
use crate::network::pool;
use crate::state::State;
use crate::state::resource::{NatPort, Resource};

/// A rule as the platform sees it.
struct Rule {
    /// Lower-case id.
    id: String,
    /// Lower-case id.
    pool: String,
    first: u16,
    last: u16,
}

fn rules(balancer: &Value) -> Vec<Rule> {
    list(balancer, "/properties/inboundNatRules")
        .iter()
        .filter_map(|rule| {
            let port = |pointer: &str| rule.pointer(pointer)?.as_u64()?.try_into().ok();
            Some(Rule {
                id: key(text(rule, "/id")?),
                pool: key(text(rule, "/properties/backendAddressPool/id")?),
                first: port("/properties/frontendPortRangeStart")?,
                last: port("/properties/frontendPortRangeEnd")?,
            })
        })
        .collect()
}

/// The ports of the NIC in `draft`: those it has and may keep, and new ones for pools it joins.
pub(crate) fn assign(draft: &Draft<'_>) -> Result<Vec<NatPort>, ArmError> {
    let balancers: BTreeSet<&str> = draft
        .references
        .iter()
        .map(|reference| resource_part(reference))
        .filter(|reference| reference.contains("/microsoft.network/loadbalancers/"))
        .collect();
    let kept = draft.existing.map_or(&[][..], |existing| &existing.nat_ports);
    let own = draft.id.key();
    let mut ports = Vec::new();
    for balancer in balancers.into_iter().filter_map(|balancer| draft.state.get(balancer)) {
        for rule in rules(&balancer.document) {
            let mut taken = taken_ports(draft.state, &rule.id, Some(&own));
            for configuration in list(&draft.document, "/properties/ipConfigurations") {
                if pool::joins(configuration, &rule.pool) {
                    let member = key(text(configuration, "/id").unwrap_or_default());
                    ports.push(port_for(&rule, &member, kept, &mut taken)?);
                }
            }
        }
    }
    Ok(ports)
}

/// What the members' ports become when a load balancer's rules become those of `document`: each NIC's key and ports.
pub(crate) fn reassign(
    state: &State,
    balancer_key: &str,
    document: &Value,
) -> Result<Vec<(String, Vec<NatPort>)>, ArmError> {
    let rules = rules(document);
    let of_balancer = |port: &NatPort| resource_part(&port.rule) == balancer_key;
    let mut members: Vec<&Resource> =
        state.referrers(balancer_key).filter(|resource| resource.is(Kind::NetworkInterface)).collect();
    members.sort_by_key(|nic| {
        list(&nic.document, "/properties/ipConfigurations").first().and_then(pool::configuration_address)
    });
    let mut ports: Vec<Vec<NatPort>> =
        members.iter().map(|nic| nic.nat_ports.iter().filter(|port| !of_balancer(port)).cloned().collect()).collect();
    for rule in rules {
        let mut taken = BTreeSet::new();
        for nic in &members {
            taken.extend(nic.nat_ports.iter().filter(|port| port.rule == rule.id).map(|port| port.frontend_port));
        }
        for (nic, ports) in members.iter().zip(&mut ports) {
            for configuration in list(&nic.document, "/properties/ipConfigurations") {
                if pool::joins(configuration, &rule.pool) {
                    let member = key(text(configuration, "/id").unwrap_or_default());
                    ports.push(port_for(&rule, &member, &nic.nat_ports, &mut taken)?);
                }
            }
        }
    }
    Ok(members.iter().map(|nic| nic.id.key()).zip(ports).collect())
}

/// The port that `member` has and that still lies in the range, or the lowest free one.
fn port_for(rule: &Rule, member: &str, kept: &[NatPort], taken: &mut BTreeSet<u16>) -> Result<NatPort, ArmError> {
    let range = rule.first..=rule.last;
    let kept = kept
        .iter()
        .find(|port| port.rule == rule.id && port.ip_configuration == member && range.contains(&port.frontend_port))
        .map(|port| port.frontend_port);
    let frontend_port = kept.or_else(|| range.clone().find(|port| !taken.contains(port))).ok_or_else(|| {
        ArmError::bad(
            "InboundNatRuleFrontendPortRangeTooSmall",
            format!("The frontend port range {}-{} of inbound NAT rule {} is too small for the members of its backend pool.", rule.first, rule.last, rule.id),
        )
    })?;
    taken.insert(frontend_port);
    Ok(NatPort { rule: rule.id.clone(), ip_configuration: member.to_owned(), frontend_port })
}

fn taken_ports(state: &State, rule: &str, except_nic: Option<&str>) -> BTreeSet<u16> {
    state
        .of_kind(Kind::NetworkInterface)
        .filter(|nic| !nic.nat_ports.is_empty() && Some(nic.id.key().as_str()) != except_nic)
        .flat_map(|nic| &nic.nat_ports)
        .filter(|port| port.rule == rule)
        .map(|port| port.frontend_port)
        .collect()
}

/// The ports of one member, as `queryInboundNatRulePortMapping` and the pool's GET list them.
pub(crate) fn mappings(balancer: &Resource, nic: &Resource, ip_configuration: &str) -> Vec<Value> {
    let member = key(ip_configuration);
    nic.nat_ports
        .iter()
        .filter(|port| port.ip_configuration == member)
        .filter_map(|port| {
            let rule = list(&balancer.document, "/properties/inboundNatRules")
                .iter()
                .find(|rule| text(rule, "/id").is_some_and(|id| id.eq_ignore_ascii_case(&port.rule)))?;
            Some(json!({
                "inboundNatRuleName": rule["name"],
                "protocol": rule["properties"]["protocol"],
                "frontendPort": port.frontend_port,
                "backendPort": rule["properties"]["backendPort"],
            }))
        })
        .collect()
}

/// The result of `queryInboundNatRulePortMapping` for the member that `body` names by IP configuration or address.
pub(crate) fn query(state: &State, balancer: &Resource, pool_key: &str, body: &Value) -> Result<Value, ArmError> {
    let configuration = text(body, "/ipConfiguration/id");
    let address = text(body, "/ipAddress");
    if configuration.is_some() == address.is_some() {
        return Err(ArmError::bad(
            "InvalidRequestFormat",
            "Exactly one of 'ipConfiguration' and 'ipAddress' must be specified.",
        ));
    }
    let (nic, member) = pool::members(state, pool_key)
        .find(|(_, entry)| match (configuration, address) {
            (Some(id), _) => text(entry, "/id").is_some_and(|own| own.eq_ignore_ascii_case(id)),
            (_, Some(address)) => text(entry, "/properties/privateIPAddress") == Some(address),
            _ => false,
        })
        .ok_or_else(|| {
            ArmError::bad(
                "BackendAddressNotFoundInPool",
                format!(
                    "{} is not a member of backend address pool {pool_key}.",
                    configuration.or(address).unwrap_or_default()
                ),
            )
        })?;
    let mappings = mappings(balancer, nic, text(member, "/id").unwrap_or_default());
    Ok(json!({ "inboundNatRulePortMappings": mappings }))
}
