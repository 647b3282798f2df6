//! Resources become listeners: which port of which public address leads to which machine. Called after every change
//! that can matter.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;

use crate::arm::document::{child, list, text};
use crate::arm::id::{child_part, key, resource_part};
use crate::arm::kind::Kind;
use crate::frontend::{Check, Listener, Probe, Target};
use crate::network::load_balancer_rules;
use crate::network::public_address::address;
use crate::network::security_group::{admits_internet, allowed_ports};
use crate::state::State;
use crate::state::resource::{NatPort, Provisioning, Resource};

const SECONDS_PER_MINUTE: u64 = 60;
const DEFAULT_IDLE_MINUTES: u64 = 4;

/// One pass over the resources; what many members ask again and again is looked up once.
struct Planner<'a> {
    state: &'a State,
    /// NICs and their IP configurations by pool, keyed by the pool's id in lower case.
    members: HashMap<String, Vec<(&'a Resource, &'a Value)>>,
    /// Whether a security group admits the Internet to a port, keyed by the group's id in lower case.
    admitted: HashMap<(String, u16), bool>,
}

/// Every port that is open now, in a stable order.
pub(crate) fn listeners(state: &State) -> Vec<Listener> {
    let mut members: HashMap<String, Vec<_>> = HashMap::new();
    // A NIC without a machine behind it opens nothing.
    for nic in state.of_kind(Kind::NetworkInterface).filter(|nic| nic.managed_by.is_some()) {
        for configuration in list(&nic.document, "/properties/ipConfigurations") {
            for pool in list(configuration, "/properties/loadBalancerBackendAddressPools") {
                let pool = key(text(pool, "/id").unwrap_or_default());
                members.entry(pool).or_default().push((nic, configuration));
            }
        }
    }
    let mut planner = Planner { state, members, admitted: HashMap::new() };
    let mut listeners = Vec::new();
    for balancer in state.of_kind(Kind::LoadBalancer).filter(|balancer| is_in_service(balancer)) {
        for rule in list(&balancer.document, "/properties/loadBalancingRules") {
            listeners.extend(planner.balancing(balancer, rule));
        }
        for rule in list(&balancer.document, "/properties/inboundNatRules") {
            listeners.extend(planner.nat(balancer, rule));
        }
    }
    for nic in state.of_kind(Kind::NetworkInterface).filter(|nic| nic.managed_by.is_some()) {
        listeners.extend(planner.direct(nic));
    }
    listeners
}

/// A first creation opens nothing before it has ended; afterwards the stored document counts.
fn is_in_service(resource: &Resource) -> bool {
    !matches!(resource.provisioning, Provisioning::Creating | Provisioning::Deleting)
}

fn port(rule: &Value, property: &str) -> Option<u16> {
    rule["properties"].get(property)?.as_u64()?.try_into().ok()
}

fn frontend_address(state: &State, balancer: &Resource, rule: &Value) -> Option<Ipv4Addr> {
    let reference = key(text(rule, "/properties/frontendIPConfiguration/id")?);
    let frontend = child(&balancer.document, "frontendIPConfigurations", child_part(&reference)?.1)?;
    address(state.get(&key(text(frontend, "/properties/publicIPAddress/id")?))?)
}

fn is_tcp(rule: &Value) -> bool {
    matches!(text(rule, "/properties/protocol"), Some(protocol) if !protocol.eq_ignore_ascii_case("Udp"))
}

fn listener(rule: &Value, address: Ipv4Addr, port: u16, target: Target) -> Listener {
    let minutes = rule["properties"]["idleTimeoutInMinutes"].as_u64().unwrap_or(DEFAULT_IDLE_MINUTES);
    Listener {
        address,
        port,
        rule: text(rule, "/id").unwrap_or_default().to_owned(),
        idle_timeout: Duration::from_secs(minutes * SECONDS_PER_MINUTE),
        reset_when_idle: rule["properties"]["enableTcpReset"] == true,
        target,
    }
}

fn security_groups<'a>(state: &'a State, nic: &Resource, configuration: &Value) -> Vec<&'a Resource> {
    let of_subnet = || {
        let subnet = key(text(configuration, "/properties/subnet/id")?);
        let network = state.get(resource_part(&subnet))?;
        let subnet = child(&network.document, "subnets", child_part(&subnet)?.1)?;
        text(subnet, "/properties/networkSecurityGroup/id")
    };
    let references = [of_subnet(), nic.text("/properties/networkSecurityGroup/id")];
    references.into_iter().flatten().filter_map(|id| state.get(&key(id))).collect()
}

fn probe(balancer: &Resource, reference: &str) -> Option<Probe> {
    let probe = child(&balancer.document, "probes", child_part(reference)?.1)?;
    let number = |property: &str| probe["properties"][property].as_u64();
    let check = match text(probe, "/properties/requestPath") {
        Some(path) => Check::Http { path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") } },
        None => Check::Tcp,
    };
    Some(Probe {
        check,
        port: port(probe, "port")?,
        interval: Duration::from_secs(number("intervalInSeconds")?),
        threshold: number("probeThreshold")?.try_into().ok()?,
    })
}

impl Planner<'_> {
    /// The machine behind a NIC, if the security groups of NIC and subnet let the Internet reach its `port`.
    fn open_machine(&mut self, nic: &Resource, configuration: &Value, port: u16) -> Option<String> {
        let machine = nic.managed_by.clone()?;
        let groups = security_groups(self.state, nic, configuration);
        let mut admits = |group: &Resource| {
            let entry = self.admitted.entry((group.id.key(), port));
            *entry.or_insert_with(|| admits_internet(&group.document, port))
        };
        // Standard public addresses are closed to inbound flows unless a security group opens them.
        (!groups.is_empty() && groups.into_iter().all(&mut admits)).then_some(machine)
    }

    fn balancing(&mut self, balancer: &Resource, rule: &Value) -> Option<Listener> {
        let backend_port = port(rule, "backendPort").filter(|port| *port != 0 && is_tcp(rule))?;
        let address = frontend_address(self.state, balancer, rule)?;
        let members = self.members.get(&key(load_balancer_rules::pool(rule)?))?.clone();
        let mut machines: Vec<String> = members
            .into_iter()
            .filter_map(|(nic, configuration)| self.open_machine(nic, configuration, backend_port))
            .collect();
        machines.dedup();
        if machines.is_empty() {
            return None;
        }
        let probe = text(rule, "/properties/probe/id").and_then(|reference| probe(balancer, reference));
        let target = Target::Pool { machines, port: backend_port, probe };
        Some(listener(rule, address, port(rule, "frontendPort")?, target))
    }

    fn nat(&mut self, balancer: &Resource, rule: &Value) -> Vec<Listener> {
        let parts = || {
            let backend_port = port(rule, "backendPort").filter(|_| is_tcp(rule))?;
            let members = self.members.get(&key(load_balancer_rules::pool(rule)?))?.clone();
            Some((backend_port, frontend_address(self.state, balancer, rule)?, key(text(rule, "/id")?), members))
        };
        let Some((backend_port, address, rule_key, members)) = parts() else {
            return Vec::new();
        };
        let listener_of = |(nic, configuration): (&Resource, &Value)| {
            let member = key(text(configuration, "/id")?);
            let is_its = |port: &&NatPort| port.rule == rule_key && port.ip_configuration == member;
            let assigned = nic.nat_ports.iter().find(is_its)?;
            let machine = self.open_machine(nic, configuration, backend_port)?;
            let target = Target::Machine { machine, port: backend_port };
            Some(listener(rule, address, assigned.frontend_port, target))
        };
        members.into_iter().filter_map(listener_of).collect()
    }

    /// The ports of a NIC that has a public address of its own.
    fn direct(&mut self, nic: &Resource) -> Vec<Listener> {
        let mut listeners = Vec::new();
        for configuration in list(&nic.document, "/properties/ipConfigurations") {
            let public = text(configuration, "/properties/publicIPAddress/id").and_then(|id| self.state.get(&key(id)));
            let Some((public, address)) = public.and_then(|public| Some((public, address(public)?))) else {
                continue;
            };
            let groups = security_groups(self.state, nic, configuration);
            let ports: BTreeSet<u16> = groups.iter().flat_map(|group| allowed_ports(&group.document)).collect();
            for port in ports {
                if let Some(machine) = self.open_machine(nic, configuration, port) {
                    let target = Target::Machine { machine, port };
                    let mut listener = listener(&public.document, address, port, target);
                    listener.rule = public.id.text();
                    listeners.push(listener);
                }
            }
        }
        listeners
    }
}
