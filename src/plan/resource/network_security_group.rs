//! <https://learn.microsoft.com/rest/api/virtualnetwork/network-security-groups/create-or-update>

use azure_mgmt_network::package_2024_03::models::security_rule_properties_format::Protocol as SecurityProtocol;
use azure_mgmt_network::package_2024_03::models::{
    NetworkSecurityGroup, NetworkSecurityGroupPropertiesFormat, SecurityRule, SecurityRuleAccess,
    SecurityRuleDirection, SecurityRulePropertiesFormat,
};
use serde_json::Value;

use super::{document, network_resource};
use crate::spec::{Protocol, SettledSpec};

/// Azure's lowest number, and so the first rule.
const FIRST_PRIORITY: i32 = 100;
/// Room for rules of the user between ours.
const PRIORITY_STEP: i32 = 10;

/// Lets in SSH, the open ports and the load balancer's probes. What is not named stays closed: Azure's default rules
/// allow the virtual network itself and deny the rest.
pub(crate) fn network_security_group(spec: &SettledSpec) -> Value {
    let everybody = || vec!["*".to_owned()];
    let mut rules = vec![(
        "ssh".to_owned(),
        spec.ssh_sources.iter().map(ToString::to_string).collect(),
        SecurityProtocol::Tcp,
        "22".to_owned(),
    )];
    for port in &spec.open_ports {
        let protocol = match port.protocol {
            Protocol::Tcp => SecurityProtocol::Tcp,
            Protocol::Udp => SecurityProtocol::Udp,
        };
        rules.push((port.name.clone(), everybody(), protocol, port.port.to_string()));
    }
    rules.push(("probes".to_owned(), vec!["AzureLoadBalancer".to_owned()], SecurityProtocol::U2a, "*".to_owned()));
    let security_rules = rules
        .into_iter()
        .zip((FIRST_PRIORITY..).step_by(PRIORITY_STEP as usize))
        .map(|((name, sources, protocol, destination_port), priority)| {
            // One source has a property of its own, several another.
            let (source, sources) = match <[String; 1]>::try_from(sources) {
                Ok([one]) => (Some(one), Vec::new()),
                Err(several) => (None, several),
            };
            SecurityRule {
                name: Some(name),
                properties: Some(SecurityRulePropertiesFormat {
                    source_port_range: Some("*".into()),
                    source_address_prefix: source,
                    source_address_prefixes: sources,
                    destination_address_prefix: Some("*".into()),
                    destination_port_range: Some(destination_port),
                    ..SecurityRulePropertiesFormat::new(
                        protocol,
                        SecurityRuleAccess::Allow,
                        priority,
                        SecurityRuleDirection::Inbound,
                    )
                }),
                ..SecurityRule::default()
            }
        })
        .collect();
    document(&NetworkSecurityGroup {
        resource: network_resource(spec),
        properties: Some(NetworkSecurityGroupPropertiesFormat {
            security_rules,
            ..NetworkSecurityGroupPropertiesFormat::default()
        }),
        ..NetworkSecurityGroup::default()
    })
}
