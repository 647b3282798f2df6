//! Spot machines: `priority`, `evictionPolicy` and `billingProfile`, and which sizes are sold that way.
//! Sources: <https://learn.microsoft.com/azure/virtual-machines/spot-vms>,
//! <https://learn.microsoft.com/azure/virtual-machines/error-codes-spot>

use serde_json::{Value, json};

use crate::arm::document::{choice, text};
use crate::arm::error::ArmError;
use crate::arm::refusal::invalid;
use crate::compute::price;
use crate::compute::size::Size;
use crate::draft::Draft;

/// `maxPrice` of a machine that is paid for up to the price of a regular one.
const UP_TO_REGULAR: f64 = -1.0;

/// Whether a VM's document asks for a Spot machine; `Low` is its former name.
pub(crate) fn is_spot(vm: &Value) -> bool {
    text(vm, "/properties/priority").is_some_and(|priority| ["Spot", "Low"].contains(&priority))
}

/// Checks a VM's draft.
pub(crate) fn complete(draft: &mut Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let priority = choice(&draft.document, "/properties/priority", &["Regular", "Low", "Spot"], Some("Regular"))
        .map_err(|error| invalid("priority", error.failure.message))?;
    if draft.document.pointer("/properties/priority").is_some() {
        draft.document["properties"]["priority"] = json!(priority);
    }
    let price = draft.document.pointer("/properties/billingProfile/maxPrice").cloned();
    let vm = &draft.document;
    if !is_spot(vm) {
        return match (vm.pointer("/properties/evictionPolicy"), price) {
            (Some(_), _) => Err(ArmError::bad(
                "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines",
                "Eviction policy can be set only on Azure Spot Virtual Machines.",
            )),
            (None, Some(_)) => Err(ArmError::bad(
                "MaxPriceIsSupportedOnlyForAzureSpotVirtualMachines",
                "Max price is supported only for Azure Spot Virtual Machines.",
            )),
            (None, None) => Ok(()),
        };
    }
    if !size.has_spot {
        return Err(ArmError::bad(
            "AzureSpotIsNotSupportedForThisVMSize",
            format!("Azure Spot Virtual Machine is not supported for this VM size {}.", size.name),
        ));
    }
    if vm.pointer("/properties/availabilitySet").is_some() {
        return Err(ArmError::bad(
            "AzureSpotVMNotSupportedInAvailabilitySet",
            "Azure Spot Virtual Machine is not supported in Availability Set.",
        ));
    }
    let policy = choice(vm, "/properties/evictionPolicy", &["Deallocate", "Delete"], Some("Deallocate"))
        .map_err(|error| invalid("evictionPolicy", error.failure.message))?;
    if let Some(price) = price {
        check_price(draft, size, &price)?;
    }
    draft.document["properties"]["evictionPolicy"] = json!(policy);
    draft.default("/properties", "billingProfile", json!({ "maxPrice": UP_TO_REGULAR }));
    Ok(())
}

/// The highest price that is paid must be a price, and not below what the size costs now.
fn check_price(draft: &Draft<'_>, size: &Size, price: &Value) -> Result<(), ArmError> {
    let dollars = price.as_f64().filter(|dollars| *dollars > 0.0 || *dollars == UP_TO_REGULAR).ok_or_else(|| {
        ArmError::bad(
            "MaxPriceValueInvalid",
            "Invalid max price value. The only supported values for max price are -1 or a decimal greater than zero. Max price value of -1 indicates the Azure Spot Virtual Machine will not be evicted for price reasons.",
        )
    })?;
    let current = price::spot_dollars(size);
    if dollars == UP_TO_REGULAR || dollars >= current {
        return Ok(());
    }
    Err(ArmError::conflict(
        "SpotPriceGreaterThanProvidedMaxPrice",
        format!(
            "Unable to perform operation 'Create VM' since the provided max price '{dollars} USD' is lower than the current spot price '{current} USD' for Azure Spot Virtual Machine size '{}' (virtual machine {}).",
            size.name, draft.id.name
        ),
    ))
}
