//! Managed images (`Microsoft.Compute/images`): checks what they are made from. Everything but tags stays.
//! Source: <https://learn.microsoft.com/rest/api/compute/images/create-or-update>

use serde_json::json;

use crate::arm::document::{choice, text};
use crate::arm::error::ArmError;
use crate::arm::refusal::{invalid, missing};
use crate::draft::Draft;

/// Completes the draft of a managed image. Only a VHD in a blob is taken as its source.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    const DISK: &str = "/properties/storageProfile/osDisk";
    let disk = draft.document.pointer(DISK).cloned().ok_or_else(|| missing("storageProfile.osDisk"))?;
    let refused = |target: &'static str| move |error: ArmError| invalid(target, error.failure.message);
    choice(&disk, "/osType", &["Linux"], None).map_err(refused("osDisk.osType"))?;
    choice(&disk, "/osState", &["Generalized", "Specialized"], None).map_err(refused("osDisk.osState"))?;
    let blob = text(&disk, "/blobUri").ok_or_else(|| missing("osDisk.blobUri"))?;
    let is_url = ["https://", "http://"].iter().any(|scheme| blob.starts_with(scheme));
    let path = blob.split('?').next().unwrap_or(blob);
    if !is_url || !path.to_ascii_lowercase().ends_with(".vhd") {
        return Err(invalid(
            "osDisk.blobUri",
            format!("The value '{blob}' of parameter 'osDisk.blobUri' is not the URI of a VHD."),
        ));
    }
    let generation = choice(&draft.document, "/properties/hyperVGeneration", &["V1", "V2"], Some("V1"))
        .map_err(refused("hyperVGeneration"))?;
    draft.document["properties"]["hyperVGeneration"] = json!(generation);
    draft.default("/properties/storageProfile", "dataDisks", json!([]));
    draft.default("/properties/storageProfile", "zoneResilient", json!(false));
    draft.default(DISK, "caching", json!("None"));
    let is_changed =
        draft.existing.is_some_and(|existing| existing.document["properties"] != draft.document["properties"]);
    if is_changed { Err(Draft::unchangeable("storageProfile")) } else { Ok(()) }
}
