//! Scale sets in Flexible mode without a VM profile: a frame that virtual machines join by themselves.
//! Source: <https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-orchestration-modes>

use serde_json::json;

use crate::arm::document::{list, number, text};
use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::arm::refusal::invalid;
use crate::draft::Draft;

/// Machines that one set can hold.
pub(crate) const MOST_MACHINES: usize = 1_000;

/// Completes the draft of a scale set.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        for computed in ["uniqueId", "timeCreated"] {
            properties.remove(computed);
        }
    }
    if text(&draft.document, "/properties/orchestrationMode") != Some("Flexible") {
        return Err(invalid(
            "orchestrationMode",
            "Only scale sets with orchestrationMode 'Flexible' are offered here.",
        ));
    }
    if draft.document.pointer("/properties/virtualMachineProfile").is_some() {
        return Err(invalid(
            "virtualMachineProfile",
            "Scale sets that make machines by themselves are not offered here; leave the profile out and attach virtual machines.",
        ));
    }
    let zones = list(&draft.document, "/zones").to_vec();
    location::check_zones(draft.location(), &zones, draft.id)?;
    let most = if zones.is_empty() { location::fault_domains(draft.location()) } else { 1 };
    let count = number(&draft.document, "/properties/platformFaultDomainCount", 1..=most, Some(1)).map_err(|_| {
        invalid(
            "platformFaultDomainCount",
            format!("The specified fault domain count must fall in the range 1 to {most}."),
        )
    })?;
    draft.document["properties"]["platformFaultDomainCount"] = json!(count);
    draft.default("/properties", "singlePlacementGroup", json!(false));
    if let Some(group) = text(&draft.document, "/properties/proximityPlacementGroup/id").map(str::to_owned) {
        draft.refer(&group, Kind::ProximityPlacementGroup, None)?;
    }
    for (pointer, property) in
        [("/properties/platformFaultDomainCount", "platformFaultDomainCount"), ("/zones", "zones")]
    {
        let stored = draft.existing.map(|existing| existing.document.pointer(pointer));
        if stored.is_some_and(|stored| stored != draft.document.pointer(pointer)) {
            return Err(Draft::unchangeable(property));
        }
    }
    Ok(())
}
