//! Proximity placement groups: checks them; machines and sets join by reference.
//! Source: <https://learn.microsoft.com/rest/api/compute/proximity-placement-groups/create-or-update>

use serde_json::json;

use crate::arm::document::{choice, list, text};
use crate::arm::error::ArmError;
use crate::arm::location;
use crate::arm::refusal::invalid;
use crate::compute::size;
use crate::draft::Draft;

/// Completes the draft of a proximity placement group.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    const TYPE: &str = "/properties/proximityPlacementGroupType";
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        for computed in ["virtualMachines", "availabilitySets", "virtualMachineScaleSets", "colocationStatus"] {
            properties.remove(computed);
        }
    }
    let kind = choice(&draft.document, TYPE, &["Standard", "Ultra"], Some("Standard"))
        .map_err(|error| invalid("proximityPlacementGroupType", error.failure.message))?;
    if draft.existing.is_some_and(|existing| existing.text(TYPE) != Some(kind)) {
        return Err(Draft::unchangeable("proximityPlacementGroupType"));
    }
    draft.document["properties"]["proximityPlacementGroupType"] = json!(kind);
    location::check_zones(draft.location(), list(&draft.document, "/zones"), draft.id)?;
    let sizes = list(&draft.document, "/properties/intent/vmSizes");
    match sizes.iter().find(|wanted| wanted.as_str().and_then(size::find).is_none()) {
        Some(unknown) => {
            Err(invalid("intent.vmSizes", format!("The value {unknown} provided for the VM size is not valid.")))
        }
        None if sizes.is_empty() && text(&draft.document, "/zones/0").is_some() => {
            Err(invalid("zones", "A proximity placement group with a zone needs intent.vmSizes."))
        }
        None => Ok(()),
    }
}
