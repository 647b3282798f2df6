//! <https://learn.microsoft.com/rest/api/load-balancer/load-balancers/create-or-update>

use azure_mgmt_network::package_2024_03::models::{
    BackendAddressPool, FrontendIpConfiguration, FrontendIpConfigurationPropertiesFormat, InboundNatRule,
    InboundNatRulePropertiesFormat, LoadBalancer, LoadBalancerPropertiesFormat, LoadBalancerSku, LoadBalancingRule,
    LoadBalancingRulePropertiesFormat, OutboundRule, OutboundRulePropertiesFormat, Probe, ProbePropertiesFormat,
    PublicIpAddress, Resource, TransportProtocol, load_balancer_sku, outbound_rule_properties_format,
    probe_properties_format,
};
use serde_json::Value;

use super::{document, network_resource, reference};
use crate::plan::ResourceNames;
use crate::spec::{OpenPort, PortProbe, Protocol, SettledSpec};

const FRONTEND: &str = "public";
/// Azure's shortest.
const PROBE_INTERVAL_SECONDS: i32 = 5;
/// Consecutive answers that take a node out or in.
const PROBE_THRESHOLD: i32 = 2;
/// Long enough for an idle terminal; NAT rules allow 4 to 30.
const SSH_IDLE_TIMEOUT_MINUTES: i32 = 30;
const OUTBOUND_IDLE_TIMEOUT_MINUTES: i64 = 4;
/// Source ports that one frontend address offers.
/// <https://learn.microsoft.com/azure/load-balancer/outbound-rules>
const FRONTEND_SOURCE_PORTS: u32 = 64_000;
/// More is of no use to one machine.
const MACHINE_SOURCE_PORTS: u32 = 8_192;

/// The load balancer with everything below it: one write.
pub(crate) fn load_balancer(spec: &SettledSpec, names: &ResourceNames) -> Value {
    let address = PublicIpAddress {
        resource: Resource { id: Some(names.public_ip_address().path().to_owned()), ..Resource::default() },
        ..PublicIpAddress::default()
    };
    let pool = reference(&names.backend_address_pool());
    let properties = LoadBalancerPropertiesFormat {
        frontend_ip_configurations: vec![FrontendIpConfiguration {
            name: Some(FRONTEND.into()),
            properties: Some(FrontendIpConfigurationPropertiesFormat {
                public_ip_address: Some(address),
                ..FrontendIpConfigurationPropertiesFormat::default()
            }),
            ..FrontendIpConfiguration::default()
        }],
        backend_address_pools: vec![BackendAddressPool {
            name: Some(names.backend_address_pool().name().to_owned()),
            ..BackendAddressPool::default()
        }],
        probes: spec.open_ports.iter().map(probe).collect(),
        load_balancing_rules: spec.open_ports.iter().map(|port| rule(port, names)).collect(),
        inbound_nat_rules: vec![InboundNatRule {
            name: Some("ssh".into()),
            properties: Some(InboundNatRulePropertiesFormat {
                frontend_ip_configuration: Some(frontend(names)),
                backend_address_pool: Some(pool.clone()),
                protocol: Some(TransportProtocol::Tcp),
                frontend_port_range_start: Some(spec.first_ssh_port.into()),
                frontend_port_range_end: Some(spec.last_ssh_port().into()),
                backend_port: Some(22),
                idle_timeout_in_minutes: Some(SSH_IDLE_TIMEOUT_MINUTES),
                enable_tcp_reset: Some(true),
                ..InboundNatRulePropertiesFormat::default()
            }),
            ..InboundNatRule::default()
        }],
        outbound_rules: vec![OutboundRule {
            name: Some("internet".into()),
            properties: Some(OutboundRulePropertiesFormat {
                allocated_outbound_ports: Some(allocated_outbound_ports(spec.node_count)),
                enable_tcp_reset: Some(true),
                idle_timeout_in_minutes: Some(OUTBOUND_IDLE_TIMEOUT_MINUTES),
                ..OutboundRulePropertiesFormat::new(
                    vec![frontend(names)],
                    pool,
                    outbound_rule_properties_format::Protocol::All,
                )
            }),
            ..OutboundRule::default()
        }],
        ..LoadBalancerPropertiesFormat::default()
    };
    let mut document = document(&LoadBalancer {
        resource: network_resource(spec),
        sku: Some(LoadBalancerSku { name: Some(load_balancer_sku::Name::Standard), tier: None }),
        properties: Some(properties),
        ..LoadBalancer::default()
    });
    // The models leave empty lists out; here an empty list says that there shall be none.
    if let Some(properties) = document["properties"].as_object_mut() {
        for list in ["probes", "loadBalancingRules"] {
            properties.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        }
    }
    document
}

fn frontend(names: &ResourceNames) -> azure_mgmt_network::package_2024_03::models::SubResource {
    reference(&names.load_balancer().child(&format!("frontendIPConfigurations/{FRONTEND}")))
}

fn probe(port: &OpenPort) -> Probe {
    let (protocol, request_path) = match &port.probe {
        PortProbe::Tcp => (probe_properties_format::Protocol::Tcp, None),
        PortProbe::Http(path) => (probe_properties_format::Protocol::Http, Some(path.clone())),
    };
    Probe {
        name: Some(port.name.clone()),
        properties: Some(ProbePropertiesFormat {
            request_path,
            interval_in_seconds: Some(PROBE_INTERVAL_SECONDS),
            probe_threshold: Some(PROBE_THRESHOLD),
            ..ProbePropertiesFormat::new(protocol, port.probed().into())
        }),
        ..Probe::default()
    }
}

fn rule(port: &OpenPort, names: &ResourceNames) -> LoadBalancingRule {
    LoadBalancingRule {
        name: Some(port.name.clone()),
        properties: Some(LoadBalancingRulePropertiesFormat {
            frontend_ip_configuration: Some(frontend(names)),
            backend_address_pool: Some(reference(&names.backend_address_pool())),
            probe: Some(reference(&names.load_balancer().child(&format!("probes/{}", port.name)))),
            backend_port: Some(port.port.into()),
            idle_timeout_in_minutes: Some(port.idle_timeout_minutes),
            enable_tcp_reset: (port.protocol == Protocol::Tcp).then_some(true),
            // The outbound rule is the only way out, so that its ports are not shared.
            disable_outbound_snat: Some(true),
            ..LoadBalancingRulePropertiesFormat::new(transport(port.protocol), port.port.into())
        }),
        ..LoadBalancingRule::default()
    }
}

fn transport(protocol: Protocol) -> TransportProtocol {
    match protocol {
        Protocol::Tcp => TransportProtocol::Tcp,
        Protocol::Udp => TransportProtocol::Udp,
    }
}

/// Each machine's share of the frontend's source ports, a multiple of 8 as Azure asks. A power of two nodes shares one
/// figure, so that a small growth of the cluster does not change it.
fn allocated_outbound_ports(node_count: u32) -> i32 {
    let share = FRONTEND_SOURCE_PORTS / node_count.next_power_of_two();
    (share.min(MACHINE_SOURCE_PORTS) / 8 * 8) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_ports_fit_the_frontend() {
        for (nodes, ports) in [(1, 8192), (3, 8192), (8, 8000), (9, 4000), (62, 1000), (200, 248)] {
            assert_eq!(allocated_outbound_ports(nodes), ports, "{nodes} nodes");
            assert!(nodes * ports as u32 <= FRONTEND_SOURCE_PORTS);
        }
    }
}
