//! Availability sets: checks them; everything but tags stays as it was created.

use serde_json::json;

use crate::arm::document::{number, text};
use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::draft::Draft;

/// Machines that one set can hold.
pub(crate) const MOST_MACHINES: usize = 200;

const MOST_UPDATE_DOMAINS: u64 = 20;

/// Completes the draft of an availability set.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    if !text(&draft.document, "/sku/name").is_some_and(|name| name.eq_ignore_ascii_case("Aligned")) {
        return Err(ArmError::bad(
            "InvalidParameter",
            "Availability sets for managed disks need sku.name 'Aligned'; unmanaged disks have been retired.",
        )
        .target("sku.name"));
    }
    draft.document["sku"] = json!({ "name": "Aligned" });
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        properties.remove("virtualMachines");
    }
    let fault_domains = location::fault_domains(draft.location());
    for (property, what, most, default) in [
        ("platformFaultDomainCount", "fault", fault_domains, 2),
        ("platformUpdateDomainCount", "update", MOST_UPDATE_DOMAINS, 5),
    ] {
        let pointer = format!("/properties/{property}");
        let stored = draft.existing.and_then(|existing| existing.document.pointer(&pointer)?.as_u64());
        let count = number(&draft.document, &pointer, 1..=most, Some(stored.unwrap_or(default))).map_err(|_| {
            ArmError::bad(
                "InvalidParameter",
                format!("The specified {what} domain count must fall in the range 1 to {most}."),
            )
            .target(property)
        })?;
        if stored.is_some_and(|stored| stored != count) {
            return Err(Draft::unchangeable(property));
        }
        draft.document["properties"][property] = json!(count);
    }
    if let Some(group) = text(&draft.document, "/properties/proximityPlacementGroup/id").map(str::to_owned) {
        draft.refer(&group, Kind::ProximityPlacementGroup, None)?;
    }
    Ok(())
}
