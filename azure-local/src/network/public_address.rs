//! Public IP addresses: checks them, and gives each a loopback address and a DNS name.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::arm::document::{choice, list, number, text};
use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::arm::name::{is_dns_label, is_reserved};
use crate::draft::Draft;
use crate::state::State;
use crate::state::resource::Resource;

/// Completes the draft of a public IP address.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    draft.require_standard_sku(
        "IPv4BasicSkuPublicIpCountLimitReached",
        "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.",
    )?;
    choice(&draft.document, "/properties/publicIPAddressVersion", &["IPv4"], Some("IPv4"))?;
    let allocation =
        choice(&draft.document, "/properties/publicIPAllocationMethod", &["Static", "Dynamic"], Some("Dynamic"))?;
    if allocation != "Static" {
        return Err(ArmError::bad(
            "StandardSkuPublicIPAddressesMustBeStatic",
            format!("Standard sku publicIp {} must have AllocationMethod set to Static.", draft.id.text()),
        ));
    }
    location::check_zones(draft.location(), list(&draft.document, "/zones"), draft.id)?;
    // Asked for in two zones, an address is made in all of them.
    if list(&draft.document, "/zones").len() > 1 {
        draft.document["zones"] = json!(["1", "2", "3"]);
    }
    if draft.existing.is_some_and(|existing| existing.document.get("zones") != draft.document.get("zones")) {
        return Err(ArmError::bad(
            "ResourceAvailabilityZonesCannotBeModified",
            format!("Resource {} has an existing availability zone constraint and cannot be changed.", draft.id.text()),
        ));
    }
    let idle = number(&draft.document, "/properties/idleTimeoutInMinutes", 4..=30, Some(4))?;
    draft.default("/properties", "idleTimeoutInMinutes", json!(idle));
    draft.default("/properties", "publicIPAddressVersion", json!("IPv4"));
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        properties.remove("ipConfiguration");
    }
    if let Some(label) = text(&draft.document, "/properties/dnsSettings/domainNameLabel").map(str::to_owned) {
        check_label(draft, &label)?;
        draft.document["properties"]["dnsSettings"]["fqdn"] = json!(full_name(&label, draft.location()));
    }
    let address = match draft.existing.and_then(address) {
        Some(address) => address,
        None => free_address(draft.state)?,
    };
    draft.document["properties"]["ipAddress"] = json!(address.to_string());
    Ok(())
}

fn check_label(draft: &Draft<'_>, label: &str) -> Result<(), ArmError> {
    if !is_dns_label(label) {
        return Err(ArmError::bad(
            "InvalidDomainNameLabel",
            format!(
                "The domain name label {label} is invalid. It must conform to the following regular expression: ^[a-z][a-z0-9-]{{1,61}}[a-z0-9]$."
            ),
        ));
    }
    if is_reserved_label(label) {
        return Err(ArmError::bad(
            "DomainNameLabelReserved",
            format!(
                "The domain name label {label} is invalid. The name itself or part of the name is a reserved word such as a trademark. Please use a different name."
            ),
        ));
    }
    if !label_is_free(draft.state, draft.location(), label, Some(&draft.id.key())) {
        return Err(ArmError::bad(
            "DnsRecordInUse",
            format!("DNS record {} is already used by another public IP.", full_name(label, draft.location())),
        ));
    }
    Ok(())
}

/// Whether a label has a word that Azure keeps for itself; that of a console it refuses anywhere in a label.
/// Source: <https://github.com/MicrosoftDocs/azure-docs/issues/104539>
fn is_reserved_label(label: &str) -> bool {
    is_reserved(label) || label.to_ascii_lowercase().contains("xbox")
}

/// Whether nobody but `owner` has the label in this region.
pub(crate) fn label_is_free(state: &State, location: &str, label: &str, owner: Option<&str>) -> bool {
    !state.settings().reserved_dns_labels.iter().any(|reserved| reserved.eq_ignore_ascii_case(label))
        && !state.of_kind(Kind::PublicIpAddress).any(|other| {
            Some(other.id.key().as_str()) != owner
                && other.location() == location
                && other
                    .text("/properties/dnsSettings/domainNameLabel")
                    .is_some_and(|taken| taken.eq_ignore_ascii_case(label))
        })
}

/// The answer of `CheckDnsNameAvailability`.
pub(crate) fn availability(state: &State, location: &str, label: &str) -> Value {
    json!({ "available": is_dns_label(label) && !is_reserved_label(label) && label_is_free(state, location, label, None) })
}

fn full_name(label: &str, location: &str) -> String {
    format!("{label}.{location}.cloudapp.azure.com")
}

/// The loopback address of a stored public IP.
pub(crate) fn address(resource: &Resource) -> Option<Ipv4Addr> {
    resource.text("/properties/ipAddress")?.parse().ok()
}

/// The lowest address from the base on that no public IP has.
fn free_address(state: &State) -> Result<Ipv4Addr, ArmError> {
    let taken: Vec<Ipv4Addr> = state.of_kind(Kind::PublicIpAddress).filter_map(address).collect();
    (u32::from(state.frontend_base)..=u32::from(Ipv4Addr::new(127, 255, 255, 254)))
        .map(Ipv4Addr::from)
        .find(|candidate| !taken.contains(candidate))
        .ok_or_else(|| {
            ArmError::bad("PublicIPCountLimitReached", "No loopback address is left for another public IP address.")
        })
}
