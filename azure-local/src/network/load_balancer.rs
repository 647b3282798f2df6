//! Load balancers: checks frontends, pools and probes, and what is already in use. Rules are in
//! [`crate::network::load_balancer_rules`].

use serde_json::json;

use crate::arm::document::{child, children_mut, choice, list, number, text};
use crate::arm::error::ArmError;
use crate::arm::id::{child_part, resource_part};
use crate::arm::kind::Kind;
use crate::draft::Draft;
use crate::network::{interface, load_balancer_rules, nat};

/// What is computed for sub-resources and comes back in a PUT of what a GET gave.
const COMPUTED: &[(&str, &[&str])] = &[
    (
        "frontendIPConfigurations",
        &["loadBalancingRules", "inboundNatRules", "outboundRules", "privateIPAllocationMethod"],
    ),
    (
        "backendAddressPools",
        &[
            "backendIPConfigurations",
            "loadBalancerBackendAddresses",
            "loadBalancingRules",
            "outboundRules",
            "inboundNatRules",
        ],
    ),
    ("probes", &["loadBalancingRules"]),
    ("inboundNatRules", &["backendIPConfiguration"]),
];

/// Completes the draft of a load balancer.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    draft.require_standard_sku(
        "BasicSkuLoadBalancerNotAllowed",
        "Basic SKU load balancers have been retired. Use sku 'Standard'.",
    )?;
    for collection in draft.id.kind.children() {
        draft.default("/properties", collection, json!([]));
    }
    for (collection, computed) in COMPUTED {
        for entry in children_mut(&mut draft.document, collection) {
            if let Some(properties) = entry["properties"].as_object_mut() {
                properties.retain(|member, _| !computed.contains(&member.as_str()));
            }
        }
    }
    check_frontends(draft)?;
    check_probes(draft)?;
    load_balancer_rules::complete(draft)?;
    check_members(draft)
}

fn check_frontends(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    for frontend in list(&draft.document, "/properties/frontendIPConfigurations").to_vec() {
        match (text(&frontend, "/properties/publicIPAddress/id"), text(&frontend, "/properties/subnet/id")) {
            (Some(public), None) => {
                let public = draft.refer(public, Kind::PublicIpAddress, None)?;
                interface::check_public_address(draft, public)?;
                let public_key = public.id.key();
                if draft.references.iter().filter(|reference| **reference == public_key).count() > 1 {
                    return Err(ArmError::bad(
                        "PublicIPAddressInUse",
                        format!(
                            "Public IP address {} is used by two frontends of load balancer {}.",
                            public.id.text(),
                            draft.id.name
                        ),
                    ));
                }
            }
            (None, Some(subnet)) => {
                draft.refer(subnet, Kind::VirtualNetwork, Some("subnets"))?;
            }
            _ => {
                return Err(ArmError::bad(
                    "LoadBalancerFrontendIPConfigMustHaveSubnetOrPublicIP",
                    format!(
                        "Frontend IP configuration {} must reference either a subnet or a public IP address.",
                        frontend["name"]
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn check_probes(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    for probe in children_mut(&mut draft.document, "probes") {
        let protocol = choice(probe, "/properties/protocol", &["Tcp", "Http", "Https"], None)?;
        number(probe, "/properties/port", 1..=65535, None)?;
        let interval = number(probe, "/properties/intervalInSeconds", 5..=u64::from(u32::MAX), Some(15))?;
        let threshold = number(probe, "/properties/probeThreshold", 1..=100, Some(1))?;
        let path = text(probe, "/properties/requestPath");
        if (protocol == "Tcp") == path.is_some() {
            return Err(ArmError::bad(
                "InvalidRequestFormat",
                format!(
                    "Probe {}: requestPath is required for Http and Https probes and not allowed for Tcp probes.",
                    probe["name"]
                ),
            )
            .target("requestPath"));
        }
        probe["properties"]["intervalInSeconds"] = json!(interval);
        probe["properties"]["probeThreshold"] = json!(threshold);
        if let Some(properties) = probe["properties"].as_object_mut() {
            properties.entry("numberOfProbes").or_insert(json!(1));
        }
    }
    Ok(())
}

/// Pools with members cannot vanish, members must not be at work, and their NAT ports must fit.
fn check_members(draft: &Draft<'_>) -> Result<(), ArmError> {
    let own = draft.id.key();
    for member in draft.state.referrers(&own) {
        if !member.provisioning.is_terminal() {
            return Err(ArmError::retryable(
                "ReferencedResourceNotProvisioned",
                format!(
                    "Cannot proceed with operation because resource {} used by resource {} is not in Succeeded state. Resource is in {} state.",
                    member.id.text(),
                    draft.id.text(),
                    member.provisioning.text()
                ),
            ));
        }
        for pool in member.references.iter().filter(|reference| resource_part(reference) == own) {
            let kept =
                child_part(pool).is_some_and(|(collection, name)| child(&draft.document, collection, name).is_some());
            if !kept {
                return Err(ArmError::bad(
                    "InUseBackendAddressPoolCannotBeDeleted",
                    format!("Backend address pool {pool} is in use by {} and cannot be deleted.", member.id.text()),
                ));
            }
        }
    }
    nat::reassign(draft.state, &own, &draft.document).map(|_| ())
}
