//! Where a virtual machine is put: zone, availability set, scale set, proximity placement group, and what excludes what.
//! Sources: <https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update>,
//! <https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-orchestration-modes>

use serde_json::Value;

use crate::arm::document::{list, number, text};
use crate::arm::error::ArmError;
use crate::arm::id::key;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::arm::refusal::invalid;
use crate::compute::size::Size;
use crate::compute::{availability_set, scale_set, sku};
use crate::draft::Draft;

const SET: &str = "/properties/availabilitySet/id";
const SCALE_SET: &str = "/properties/virtualMachineScaleSet/id";
const GROUP: &str = "/properties/proximityPlacementGroup/id";

/// Checks a VM's draft.
pub(crate) fn complete(draft: &mut Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let zones = list(&draft.document, "/zones").to_vec();
    if zones.len() > 1 {
        return Err(ArmError::bad(
            "InvalidAvailabilityZone",
            "A virtual machine can be in one availability zone only.",
        ));
    }
    location::check_zones(draft.location(), &zones, draft.id)?;
    if draft.existing.is_none() {
        sku::check_available(draft.state, size, draft.location(), &zones)?;
    }
    let member = |pointer: &str| text(&draft.document, pointer).map(str::to_owned);
    let (set, scale_set, group) = (member(SET), member(SCALE_SET), member(GROUP));
    match (set, scale_set) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "virtualMachineScaleSet",
                "The property 'virtualMachineScaleSet' cannot be specified together with 'availabilitySet': a virtual machine is in the one or in the other.",
            ));
        }
        (Some(_), None) if !zones.is_empty() => {
            return Err(ArmError::bad(
                "AvailabilitySetAndZonesNotSupported",
                "A virtual machine cannot be in an availability set and in an availability zone.",
            ));
        }
        (Some(set), None) => {
            draft.refer(&set, Kind::AvailabilitySet, None)?;
            check_room(draft, &key(&set), availability_set::MOST_MACHINES, "an availability set")?;
        }
        (None, Some(set)) => join_scale_set(draft, &set, &zones)?,
        (None, None) => {}
    }
    if let Some(group) = group {
        draft.refer(&group, Kind::ProximityPlacementGroup, None)?;
    }
    Ok(())
}

fn join_scale_set(draft: &mut Draft<'_>, set: &str, zones: &[Value]) -> Result<(), ArmError> {
    let set = draft.refer(set, Kind::ScaleSet, None)?;
    let offered = list(&set.document, "/zones");
    if offered.is_empty() != zones.is_empty() || zones.iter().any(|zone| !offered.contains(zone)) {
        return Err(invalid(
            "zones",
            format!(
                "The zones of virtual machine '{}' are not among those of virtual machine scale set '{}'.",
                draft.id.name, set.id.name
            ),
        ));
    }
    let domains = set.document.pointer("/properties/platformFaultDomainCount").and_then(Value::as_u64).unwrap_or(1);
    const DOMAIN: &str = "/properties/platformFaultDomain";
    if draft.document.pointer(DOMAIN).is_some() {
        number(&draft.document, DOMAIN, 0..=domains - 1, None)
            .map_err(|error| invalid("platformFaultDomain", error.failure.message))?;
    }
    check_room(draft, &set.id.key(), scale_set::MOST_MACHINES, "a virtual machine scale set")
}

/// Refuses one machine more than a set can hold.
fn check_room(draft: &Draft, set_key: &str, most: usize, what: &str) -> Result<(), ArmError> {
    let joining = draft.id.key();
    let members = draft.state.referrers(set_key);
    let members = members.filter(|vm| vm.is(Kind::VirtualMachine) && vm.id.key() != joining).count();
    if members < most {
        return Ok(());
    }
    Err(ArmError::conflict(
        "OperationNotAllowed",
        format!("The maximum number of virtual machines in {what} is {most}."),
    ))
}
