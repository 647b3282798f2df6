//! Resources become listeners: which port of which public address leads to which machine. Called after every change
//! that can matter.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;

use crate::arm::document::{child, list, text};
use crate::arm::id::{child_part, key, resource_part};
use crate::arm::kind::Kind;
use crate::frontend::{Check, Listener, Probe, Target};
use crate::network::public_address::address;
use crate::network::security_group::{admits_internet, allowed_ports};
use crate::network::{interface, load_balancer_rules};
use crate::state::State;
use crate::state::resource::{Provisioning, Resource};

const SECONDS_PER_MINUTE: u64 = 60;
const DEFAULT_IDLE_MINUTES: u64 = 4;

/// Every port that is open now, in a stable order.
pub fn listeners(state: &State) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for balancer in state
        .of_kind(Kind::LoadBalancer)
        .filter(|balancer| is_in_service(balancer))
    {
        for rule in list(&balancer.document, "/properties/loadBalancingRules") {
            listeners.extend(balancing(state, balancer, rule));
        }
        for rule in list(&balancer.document, "/properties/inboundNatRules") {
            listeners.extend(nat(state, balancer, rule));
        }
    }
    for nic in state.of_kind(Kind::NetworkInterface) {
        listeners.extend(direct(state, nic));
    }
    listeners
}

/// A first creation opens nothing before it has ended; afterwards the stored document counts.
fn is_in_service(resource: &Resource) -> bool {
    !matches!(
        resource.provisioning,
        Provisioning::Creating | Provisioning::Deleting
    )
}

fn port(rule: &Value, property: &str) -> Option<u16> {
    rule["properties"].get(property)?.as_u64()?.try_into().ok()
}

fn frontend_address(state: &State, balancer: &Resource, rule: &Value) -> Option<Ipv4Addr> {
    let reference = key(text(rule, "/properties/frontendIPConfiguration/id")?);
    let frontend = child(
        &balancer.document,
        "frontendIPConfigurations",
        child_part(&reference)?.1,
    )?;
    address(state.get(&key(text(frontend, "/properties/publicIPAddress/id")?))?)
}

fn is_tcp(rule: &Value) -> bool {
    matches!(text(rule, "/properties/protocol"), Some(protocol) if !protocol.eq_ignore_ascii_case("Udp"))
}

fn listener(rule: &Value, address: Ipv4Addr, port: u16, target: Target) -> Listener {
    let minutes = rule["properties"]["idleTimeoutInMinutes"]
        .as_u64()
        .unwrap_or(DEFAULT_IDLE_MINUTES);
    Listener {
        address,
        port,
        rule: text(rule, "/id").unwrap_or_default().to_owned(),
        idle_timeout: Duration::from_secs(minutes * SECONDS_PER_MINUTE),
        reset_when_idle: rule["properties"]["enableTcpReset"] == true,
        target,
    }
}

/// The machine behind a NIC, if the security groups of NIC and subnet let the Internet reach its `port`.
fn open_machine(state: &State, nic: &Resource, configuration: &Value, port: u16) -> Option<String> {
    let machine = nic.managed_by.clone()?;
    let groups = security_groups(state, nic, configuration);
    // Standard public addresses are closed to inbound flows unless a security group opens them.
    (!groups.is_empty()
        && groups
            .iter()
            .all(|group| admits_internet(&group.document, port)))
    .then_some(machine)
}

fn security_groups<'a>(
    state: &'a State,
    nic: &Resource,
    configuration: &Value,
) -> Vec<&'a Resource> {
    let of_subnet = || {
        let subnet = key(text(configuration, "/properties/subnet/id")?);
        let network = state.get(resource_part(&subnet))?;
        let subnet = child(&network.document, "subnets", child_part(&subnet)?.1)?;
        text(subnet, "/properties/networkSecurityGroup/id")
    };
    let references = [of_subnet(), nic.text("/properties/networkSecurityGroup/id")];
    references
        .into_iter()
        .flatten()
        .filter_map(|id| state.get(&key(id)))
        .collect()
}

fn balancing(state: &State, balancer: &Resource, rule: &Value) -> Option<Listener> {
    let backend_port = port(rule, "backendPort").filter(|port| *port != 0 && is_tcp(rule))?;
    let pool = key(load_balancer_rules::pool(rule)?);
    let mut machines: Vec<String> = interface::members(state, &pool)
        .filter_map(|(nic, configuration)| open_machine(state, nic, configuration, backend_port))
        .collect();
    machines.dedup();
    if machines.is_empty() {
        return None;
    }
    let probe = text(rule, "/properties/probe/id").and_then(|reference| probe(balancer, reference));
    let target = Target::Pool {
        machines,
        port: backend_port,
        probe,
    };
    Some(listener(
        rule,
        frontend_address(state, balancer, rule)?,
        port(rule, "frontendPort")?,
        target,
    ))
}

fn probe(balancer: &Resource, reference: &str) -> Option<Probe> {
    let probe = child(&balancer.document, "probes", child_part(reference)?.1)?;
    let number = |property: &str| probe["properties"][property].as_u64();
    let check = match text(probe, "/properties/requestPath") {
        Some(path) => Check::Http {
            path: if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("/{path}")
            },
        },
        None => Check::Tcp,
    };
    Some(Probe {
        check,
        port: port(probe, "port")?,
        interval: Duration::from_secs(number("intervalInSeconds")?),
        threshold: number("probeThreshold")?.try_into().ok()?,
    })
}

fn nat(state: &State, balancer: &Resource, rule: &Value) -> Vec<Listener> {
    let open = || {
        let backend_port = port(rule, "backendPort").filter(|_| is_tcp(rule))?;
        let address = frontend_address(state, balancer, rule)?;
        let rule_key = key(text(rule, "/id")?);
        let pool = key(load_balancer_rules::pool(rule)?);
        let members = interface::members(state, &pool).filter_map(|(nic, configuration)| {
            let member = key(text(configuration, "/id")?);
            let assigned = nic
                .nat_ports
                .iter()
                .find(|port| port.rule == rule_key && port.ip_configuration == member)?;
            let machine = open_machine(state, nic, configuration, backend_port)?;
            Some(listener(
                rule,
                address,
                assigned.frontend_port,
                Target::Machine {
                    machine,
                    port: backend_port,
                },
            ))
        });
        Some(members.collect())
    };
    open().unwrap_or_default()
}

/// The ports of a NIC that has a public address of its own.
fn direct(state: &State, nic: &Resource) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for configuration in list(&nic.document, "/properties/ipConfigurations") {
        let public = text(configuration, "/properties/publicIPAddress/id")
            .and_then(|id| state.get(&key(id)));
        let Some((public, address)) = public.and_then(|public| Some((public, address(public)?)))
        else {
            continue;
        };
        let mut ports: Vec<u16> = security_groups(state, nic, configuration)
            .iter()
            .flat_map(|group| allowed_ports(&group.document))
            .collect();
        ports.sort_unstable();
        ports.dedup();
        for port in ports {
            if let Some(machine) = open_machine(state, nic, configuration, port) {
                let mut listener = listener(
                    &public.document,
                    address,
                    port,
                    Target::Machine { machine, port },
                );
                listener.rule = public.id.text();
                listeners.push(listener);
            }
        }
    }
    listeners
}
