//! Virtual machines: checks a PUT the way Azure's Compute provider does, and names the disks it brings.

use serde_json::json;

use crate::arm::document::{choice, list, text};
use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::arm::refusal::{invalid, missing};
use crate::compute::size::{self, Size};
use crate::compute::{disk, image_source, os_profile, placement, spot, usage};
use crate::draft::Draft;
use crate::identity;

/// Completes the draft of a virtual machine.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        for computed in ["instanceView", "vmId", "timeCreated"] {
            properties.remove(computed);
        }
    }
    let size = check_size(draft)?;
    os_profile::complete(draft)?;
    image_source::check(draft, size)?;
    disk::complete(draft, size)?;
    complete_interfaces(draft, size)?;
    placement::complete(draft, size)?;
    spot::complete(draft, size)?;
    identity::complete_member(draft)?;
    if draft.existing.is_none() {
        usage::check_cores(draft.state, draft.id, draft.location(), size, spot::is_spot(&draft.document))?;
        usage::check_disks(draft.state, &draft.new_disks, draft.location())?;
    }
    check_unchanged(draft)
}

fn check_size(draft: &mut Draft<'_>) -> Result<&'static Size, ArmError> {
    let wanted =
        text(&draft.document, "/properties/hardwareProfile/vmSize").ok_or_else(|| missing("hardwareProfile.vmSize"))?;
    let size = size::find(wanted).ok_or_else(|| {
        let known = size::SIZES.iter().map(|size| size.name).collect::<Vec<_>>().join(",");
        invalid("vmSize", format!("The value {wanted} provided for the VM size is not valid. The valid sizes in the current region are: {known}. Find out more on the valid VM sizes in each region at https://aka.ms/azure-regionservices."))
    })?;
    draft.document["properties"]["hardwareProfile"]["vmSize"] = json!(size.name);
    Ok(size)
}

fn complete_interfaces(draft: &mut Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let mut interfaces = list(&draft.document, "/properties/networkProfile/networkInterfaces").to_vec();
    let primaries =
        interfaces.iter().filter(|entry| entry.pointer("/properties/primary") == Some(&json!(true))).count();
    match (interfaces.len(), primaries) {
        (0, _) => return Err(missing("networkProfile.networkInterfaces")),
        (1, _) => interfaces[0]["properties"]["primary"] = json!(true),
        (_, 1) => {}
        _ => {
            return Err(ArmError::bad(
                "InvalidParameter",
                "A virtual machine with several network interfaces must have exactly one with primary set to true.",
            )
            .target("networkInterfaces"));
        }
    }
    for entry in &mut interfaces {
        let reference = text(entry, "/id").ok_or_else(|| missing("networkInterface.id"))?.to_owned();
        choice(entry, "/properties/deleteOption", &["Delete", "Detach"], Some("Detach"))?;
        let nic = draft.refer(&reference, Kind::NetworkInterface, None)?;
        draft.check_free(nic.managed_by.as_deref(), || {
            ArmError::conflict(
                "NicInUse",
                format!(
                    "Network Interface {} is used by existing resource {}. In order to use it, dissociate it from the existing resource first.",
                    nic.id.text(),
                    nic.managed_by.as_deref().unwrap_or_default()
                ),
            )
        })?;
        let is_accelerated = nic.document.pointer("/properties/enableAcceleratedNetworking") == Some(&json!(true));
        if is_accelerated && !size.has_accelerated_networking {
            return Err(ArmError::bad(
                "VMSizeIsNotPermittedToEnableAcceleratedNetworking",
                format!(
                    "The VM size {} is not allowed to enable AcceleratedNetworking. For the list of VM sizes allowed to enable AcceleratedNetworking, see https://aka.ms/azurevmnetworkingfeatures. Network interface: {}.",
                    size.name,
                    nic.id.text()
                ),
            ));
        }
        if draft.attached.contains(&nic.id.key()) {
            return Err(invalid("networkInterfaces", format!("Network interface {} appears twice.", nic.id.text())));
        }
        draft.attached.push(nic.id.key());
        if entry.pointer("/properties/primary").is_none() {
            entry["properties"]["primary"] = json!(false);
        }
    }
    draft.document["properties"]["networkProfile"]["networkInterfaces"] = json!(interfaces);
    Ok(())
}

/// Of a machine that is there, only tags and diagnostics can change without taking it apart.
fn check_unchanged(draft: &Draft<'_>) -> Result<(), ArmError> {
    let Some(existing) = draft.existing else {
        return Ok(());
    };
    if existing.custom_data != draft.custom_data {
        return Err(Draft::unchangeable("osProfile.customData"));
    }
    let same = |pointer: &str| existing.document.pointer(pointer) == draft.document.pointer(pointer);
    for (pointer, property) in [
        ("/properties/osProfile/computerName", "osProfile.computerName"),
        ("/properties/osProfile/adminUsername", "osProfile.adminUsername"),
        ("/properties/osProfile/linuxConfiguration", "linuxConfiguration"),
        ("/properties/osProfile", "osProfile"),
        ("/properties/storageProfile/imageReference", "imageReference"),
        ("/properties/storageProfile/osDisk", "osDisk"),
        ("/properties/availabilitySet", "availabilitySet.id"),
        ("/properties/virtualMachineScaleSet", "virtualMachineScaleSet.id"),
        ("/properties/proximityPlacementGroup", "proximityPlacementGroup.id"),
        ("/properties/priority", "priority"),
        ("/plan", "plan"),
        ("/zones", "zones"),
    ] {
        if !same(pointer) {
            return Err(Draft::unchangeable(property));
        }
    }
    for (pointer, what) in [
        ("/properties/hardwareProfile", "its size"),
        ("/properties/networkProfile", "its network interfaces"),
        ("/properties/storageProfile/dataDisks", "its data disks"),
    ] {
        if !same(pointer) {
            return Err(ArmError::conflict(
                "OperationNotAllowed",
                format!("The virtual machine '{}' is not deallocated and {what} cannot be changed.", draft.id.name),
            ));
        }
    }
    Ok(())
}
