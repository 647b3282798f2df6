//! Spot machines: `priority`, `evictionPolicy` and `billingProfile`, and which sizes are sold that way.
//! Source: <https://learn.microsoft.com/azure/virtual-machines/spot-vms>

use serde_json::{Value, json};

use crate::arm::document::{choice, text};
use crate::arm::error::ArmError;
use crate::compute::size::Size;
use crate::compute::virtual_machine::invalid;
use crate::draft::Draft;

/// Whether a VM's document asks for a Spot machine; `Low` is its former name.
pub fn is_spot(vm: &Value) -> bool {
    text(vm, "/properties/priority").is_some_and(|priority| ["Spot", "Low"].contains(&priority))
}

/// Checks a VM's draft.
pub fn complete(draft: &mut Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let priority = choice(&draft.document, "/properties/priority", &["Regular", "Low", "Spot"], Some("Regular"))
        .map_err(|error| invalid("priority", error.failure.message))?;
    if draft.document.pointer("/properties/priority").is_some() {
        draft.document["properties"]["priority"] = json!(priority);
    }
    let price = draft.document.pointer("/properties/billingProfile/maxPrice").cloned();
    if !is_spot(&draft.document) {
        for (member, given) in [
            ("evictionPolicy", draft.document.pointer("/properties/evictionPolicy").is_some()),
            ("billingProfile.maxPrice", price.is_some()),
        ] {
            if given {
                return Err(invalid(member, format!("{member} can be set only on Azure Spot Virtual Machines.")));
            }
        }
        return Ok(());
    }
    if !size.has_spot {
        return Err(invalid(
            "priority",
            format!("The VM size '{}' is not supported for Azure Spot Virtual Machines.", size.name),
        ));
    }
    if draft.document.pointer("/properties/availabilitySet").is_some() {
        return Err(ArmError::conflict(
            "OperationNotAllowed",
            "Azure Spot Virtual Machine is not supported in an Availability Set.",
        ));
    }
    let policy = choice(&draft.document, "/properties/evictionPolicy", &["Deallocate", "Delete"], Some("Deallocate"))
        .map_err(|error| invalid("evictionPolicy", error.failure.message))?;
    draft.document["properties"]["evictionPolicy"] = json!(policy);
    // -1 is up to the price of a regular machine.
    let is_fit = |price: &Value| price.as_f64().is_some_and(|price| price > 0.0 || (price + 1.0).abs() < f64::EPSILON);
    if price.is_some_and(|price| !is_fit(&price)) {
        return Err(invalid(
            "billingProfile.maxPrice",
            "The value of parameter billingProfile.maxPrice must be -1 or greater than 0.",
        ));
    }
    draft.default("/properties", "billingProfile", json!({ "maxPrice": -1.0 }));
    Ok(())
}
