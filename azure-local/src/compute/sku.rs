//! `Microsoft.Compute/skus`: what a region sells, and what the subscription may not use of it.
//! Source: <https://learn.microsoft.com/rest/api/compute/resource-skus/list>

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::filter::Clause;
use crate::arm::location::{self, REGIONS};
use crate::compute::size::{SIZES, Size, find};
use crate::state::State;
use crate::state::settings::SkuRestriction;

/// Storage types of managed disks: their name, tier, and the letter of the one size that stands for all.
const DISKS: &[(&str, &str, &str)] = &[
    ("Standard_LRS", "Standard", "S10"),
    ("StandardSSD_LRS", "Standard", "E10"),
    ("StandardSSD_ZRS", "Standard", "E10"),
    ("Premium_LRS", "Premium", "P10"),
    ("Premium_ZRS", "Premium", "P10"),
    ("PremiumV2_LRS", "Premium", "PremiumV2"),
    ("UltraSSD_LRS", "Ultra", "Ultra"),
];

/// The storage type called `name`, in Azure's case.
pub(crate) fn storage_type(name: &str) -> Option<&'static str> {
    DISKS.iter().map(|(known, _, _)| *known).find(|known| known.eq_ignore_ascii_case(name))
}

/// Checks restrictions that a control request sets, and gives their names Azure's case.
pub(crate) fn check_setting(mut restrictions: Vec<SkuRestriction>) -> Result<Vec<SkuRestriction>, String> {
    for restriction in &mut restrictions {
        let size = find(&restriction.size).ok_or_else(|| format!("`{}` is not a size", restriction.size))?;
        let location = location::canonical(&restriction.location)
            .ok_or_else(|| format!("`{}` is not a region", restriction.location))?;
        if let Some(zone) = restriction.zones.iter().find(|zone| !location::zones(location).contains(&zone.as_str())) {
            return Err(format!("`{location}` has no zone `{zone}`"));
        }
        restriction.size = size.name.to_owned();
        restriction.location = location.to_owned();
    }
    Ok(restrictions)
}

fn restrictions<'a>(state: &'a State, size: &'a Size, location: &'a str) -> impl Iterator<Item = &'a SkuRestriction> {
    let restrictions = state.settings().sku_restrictions.iter();
    restrictions.filter(move |restriction| restriction.size == size.name && restriction.location == location)
}

/// Refuses a size that is restricted in the region, or in the zone that is asked for.
pub(crate) fn check_available(state: &State, size: &Size, location: &str, zones: &[Value]) -> Result<(), ArmError> {
    let is_wanted = |zone: &String| zones.iter().any(|wanted| wanted.as_str() == Some(zone));
    let is_barred = |restriction: &SkuRestriction| {
        restriction.zones.is_empty()
            || restriction.zones.iter().any(is_wanted)
            // Without a zone the machine goes where there is room, unless every zone is barred.
            || (zones.is_empty()
                && location::zones(location).iter().all(|zone| restriction.zones.iter().any(|barred| barred == zone)))
    };
    if !restrictions(state, size, location).any(is_barred) {
        return Ok(());
    }
    Err(ArmError::new(
        StatusCode::CONFLICT,
        "SkuNotAvailable",
        format!(
            "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: {}' is currently not available in location '{location}'. Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.",
            size.name
        ),
    ))
}

/// The list, of one region or of all. A region that does not exist has no SKUs; other clauses are refused.
pub(crate) fn document(state: &State, filter: &[Clause]) -> Result<Value, ArmError> {
    let regions: Vec<&str> = match filter {
        [] => REGIONS.iter().map(|region| region.name).collect(),
        [clause] if clause.name == "location" => location::canonical(&clause.value).into_iter().collect(),
        _ => {
            return Err(ArmError::bad(
                "InvalidParameter",
                "The filter is not supported. Only a filter of the form \"location eq 'westeurope'\" is.",
            )
            .target("$filter"));
        }
    };
    let skus = regions.into_iter().flat_map(|location| {
        let machines = SIZES.iter().map(move |size| machine(state, size, location));
        let disks = DISKS.iter().map(move |disk| managed_disk(disk, location));
        machines.chain(disks).chain([availability_set(location)])
    });
    Ok(json!({ "value": skus.collect::<Vec<_>>() }))
}

fn capability(name: &str, value: impl ToString) -> Value {
    json!({ "name": name, "value": value.to_string() })
}

/// Azure writes `True` and `False`.
fn flag(name: &str, value: bool) -> Value {
    capability(name, if value { "True" } else { "False" })
}

fn machine(state: &State, size: &Size, location: &str) -> Value {
    let restrictions: Vec<Value> = restrictions(state, size, location)
        .map(|restriction| {
            let mut info = json!({ "locations": [location] });
            if !restriction.zones.is_empty() {
                info["zones"] = json!(restriction.zones);
            }
            let kind = if restriction.zones.is_empty() { "Location" } else { "Zone" };
            json!({
                "type": kind, "values": [location], "restrictionInfo": info, "reasonCode": restriction.reason,
            })
        })
        .collect();
    json!({
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.trim_start_matches("Standard_"),
        "family": size.family,
        "locations": [location],
        "locationInfo": [{ "location": location, "zones": location::zones(location), "zoneDetails": [] }],
        "capabilities": [
            capability("vCPUs", size.vcpus),
            capability("vCPUsAvailable", size.vcpus),
            capability("MemoryGB", size.memory_gib),
            capability("MaxDataDiskCount", size.most_data_disks),
            capability("CpuArchitectureType", size.architecture),
            capability("DiskControllerTypes", size.disk_controllers),
            capability("HyperVGenerations", size.generations),
            flag("PremiumIO", size.has_premium_storage),
            flag("AcceleratedNetworkingEnabled", size.has_accelerated_networking),
            flag("LowPriorityCapable", size.has_spot),
            flag("EncryptionAtHostSupported", size.generations != "V1"),
            flag("EphemeralOSDiskSupported", false),
        ],
        "restrictions": restrictions,
    })
}

fn managed_disk((name, tier, size): &(&str, &str, &str), location: &str) -> Value {
    json!({
        "resourceType": "disks",
        "name": name,
        "tier": tier,
        "size": size,
        "locations": [location],
        "locationInfo": [{ "location": location, "zones": location::zones(location), "zoneDetails": [] }],
        "capabilities": [capability("MaxSizeGiB", 128), capability("MinSizeGiB", 64)],
        "restrictions": [],
    })
}

fn availability_set(location: &str) -> Value {
    json!({
        "resourceType": "availabilitySets",
        "name": "Aligned",
        "locations": [location],
        "locationInfo": [{ "location": location, "zones": [], "zoneDetails": [] }],
        "capabilities": [capability("MaximumPlatformFaultDomainCount", location::fault_domains(location))],
        "restrictions": [],
    })
}
