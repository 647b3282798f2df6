//! Managed disks: made or attached by a virtual machine's PUT, kept or deleted with it.

use serde_json::{Value, json};

use crate::arm::document::{choice, list, text};
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, key};
use crate::arm::kind::Kind;
use crate::arm::name;
use crate::arm::refusal::{invalid, missing};
use crate::compute::size::Size;
use crate::compute::sku;
use crate::draft::Draft;
use crate::latency::stable_hash;
use crate::machine::PowerState;
use crate::state::resource::{Provisioning, Resource};

/// Size of an OS disk when neither the client nor the image says otherwise.
const DEFAULT_OS_DISK_GIB: u64 = 30;
const MOST_DATA_DISKS: usize = 64;
const MOST_DISK_GIB: u64 = 32_767;

/// The disk resource behind a VM's OS or data disk entry.
fn of_machine(vm: &ResourceId, vm_document: &Value, name: &str, entry: &Value, is_os_disk: bool) -> Resource {
    let size = entry.get("diskSizeGB").and_then(Value::as_u64).unwrap_or(DEFAULT_OS_DISK_GIB);
    let sku = text(entry, "/managedDisk/storageAccountType").unwrap_or("Premium_LRS");
    let mut document = json!({
        "location": vm_document["location"],
        "sku": { "name": sku, "tier": sku.split('_').next().unwrap_or(sku) },
        "properties": {
            "diskSizeGB": size,
            "creationData": { "createOption": if is_os_disk { "FromImage" } else { "Empty" } },
        },
    });
    if is_os_disk {
        document["properties"]["osType"] = json!("Linux");
        document["properties"]["hyperVGeneration"] = json!("V2");
    }
    for member in ["tags", "zones"] {
        if let Some(value) = vm_document.get(member) {
            document[member] = value.clone();
        }
    }
    let mut disk = Resource::new(vm.sibling(Kind::Disk, name), document);
    disk.provisioning = Provisioning::Succeeded;
    disk.managed_by = Some(vm.key());
    disk
}

/// Checks a virtual machine's storage profile, and drafts the disks it brings.
pub(crate) fn complete(draft: &mut Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let mut profile = draft.document["properties"]["storageProfile"].clone();
    let suffix = format!("{:016x}", stable_hash(&draft.id.key()));
    check_controller(&profile, size)?;
    fill_in(draft.existing, &mut profile);
    let os_disk =
        profile.get_mut("osDisk").filter(|disk| disk.is_object()).ok_or_else(|| missing("storageProfile.osDisk"))?;
    let option = choice(os_disk, "/createOption", &["FromImage", "Attach"], None)
        .map_err(|_| invalid("osDisk.createOption", "Required parameter 'osDisk.createOption' must be FromImage."))?;
    if option != "FromImage" {
        return Err(invalid(
            "osDisk.createOption",
            "Starting from an existing OS disk is not offered here; use FromImage.",
        ));
    }
    let wanted = os_disk.get("diskSizeGB").filter(|size| !size.is_null());
    if let Some(gib) = wanted.filter(|size| size.as_u64().is_none_or(|size| size < DEFAULT_OS_DISK_GIB)) {
        return Err(ArmError::conflict(
            "OperationNotAllowed",
            format!(
                "The specified disk size {gib} GB is smaller than the size of the corresponding disk in the VM image: {DEFAULT_OS_DISK_GIB} GB. This is not allowed. Please choose equal or greater size or do not specify an explicit size."
            ),
        )
        .target("osDisk.diskSizeGB"));
    }
    os_disk["osType"] = json!("Linux");
    check_storage(os_disk, size, true)?;
    add_disk(draft, os_disk, &format!("{}_OsDisk_1_{suffix}", draft.id.name), true)?;

    let mut luns = Vec::new();
    let mut disks = list(&profile, "/dataDisks").to_vec();
    if disks.len() > MOST_DATA_DISKS || disks.len() as u64 > size.most_data_disks {
        return Err(ArmError::conflict(
            "OperationNotAllowed",
            format!(
                "The maximum number of data disks allowed to be attached to a VM of this size is {}.",
                size.most_data_disks
            ),
        )
        .target("dataDisks"));
    }
    for entry in &mut disks {
        let lun = entry.get("lun").and_then(Value::as_u64).filter(|lun| *lun < MOST_DATA_DISKS as u64);
        let lun = lun.ok_or_else(|| {
            invalid(
                "dataDisk.lun",
                "The value of parameter dataDisk.lun is out of range. The value must be between 0 and 63.",
            )
        })?;
        if luns.contains(&lun) {
            return Err(invalid("dataDisk.lun", format!("A disk at LUN {lun} already exists.")));
        }
        luns.push(lun);
        match choice(entry, "/createOption", &["Empty", "Attach"], None)
            .map_err(|_| invalid("dataDisk.createOption", "The data disk's createOption must be Empty or Attach."))?
        {
            "Empty" => {
                check_storage(entry, size, false)?;
                let fits = entry
                    .get("diskSizeGB")
                    .and_then(Value::as_u64)
                    .is_some_and(|size| (1..=MOST_DISK_GIB).contains(&size));
                if !fits {
                    return Err(invalid(
                        "dataDisk.diskSizeGB",
                        format!("Disk size must be between 1 and {MOST_DISK_GIB} GB for disk at LUN {lun}."),
                    ));
                }
                let name = format!("{}_DataDisk_{lun}_{suffix}", draft.id.name);
                add_disk(draft, entry, &name, false)?;
            }
            _ => attach_disk(draft, entry)?,
        }
    }
    profile["dataDisks"] = json!(disks);
    draft.document["properties"]["storageProfile"] = profile;
    Ok(())
}

/// What the answers leave out of a deallocated machine's disks (see `render`) is as it was when they come back.
fn fill_in(existing: Option<&Resource>, profile: &mut Value) {
    let Some(existing) = existing.filter(|vm| vm.power == Some(PowerState::Deallocated)) else {
        return;
    };
    let stored = &existing.document["properties"]["storageProfile"];
    let stored: Vec<&Value> = stored.get("osDisk").into_iter().chain(list(stored, "/dataDisks")).collect();
    let fill_in = |entry: &mut Value| {
        let id = text(entry, "/managedDisk/id").map(key);
        let Some(stored) = stored.iter().find(|stored| id.is_some() && text(stored, "/managedDisk/id").map(key) == id)
        else {
            return;
        };
        for (parent, member) in [("", "diskSizeGB"), ("/managedDisk", "storageAccountType")] {
            let value = stored.pointer(parent).and_then(|parent| parent.get(member));
            let parent = entry.pointer_mut(parent).and_then(Value::as_object_mut);
            if let (Some(value), Some(parent)) = (value, parent) {
                parent.entry(member).or_insert_with(|| value.clone());
            }
        }
    };
    profile.get_mut("osDisk").into_iter().for_each(fill_in);
    profile.get_mut("dataDisks").and_then(Value::as_array_mut).into_iter().flatten().for_each(fill_in);
}

/// The storage type must be one that there is and that the size takes; without one, the best that it takes.
fn check_storage(entry: &mut Value, size: &Size, is_os_disk: bool) -> Result<(), ArmError> {
    let default = if size.has_premium_storage { "Premium_LRS" } else { "Standard_LRS" };
    let wanted = text(entry, "/managedDisk/storageAccountType").unwrap_or(default);
    let is_fit = |found: &&str| !(is_os_disk && ["PremiumV2_LRS", "UltraSSD_LRS"].contains(found));
    let found = sku::storage_type(wanted).filter(is_fit).ok_or_else(|| {
        invalid(
            "managedDisk.storageAccountType",
            format!("The value '{wanted}' of parameter 'managedDisk.storageAccountType' is not allowed."),
        )
    })?;
    if found.starts_with("Premium") && !size.has_premium_storage {
        return Err(invalid(
            "managedDisk.storageAccountType",
            format!(
                "Requested operation cannot be performed because the VM size {} does not support the storage account type {found} of disk '{}'. Consider updating the VM to a size that supports Premium storage.",
                size.name,
                text(entry, "/name").unwrap_or_default()
            ),
        ));
    }
    entry["managedDisk"] = json!({ "storageAccountType": found });
    Ok(())
}

/// `diskControllerType` must be one that the size has.
fn check_controller(profile: &Value, size: &Size) -> Result<(), ArmError> {
    let wanted = text(profile, "/diskControllerType");
    match wanted.filter(|wanted| !size.disk_controllers.split(", ").any(|known| known.eq_ignore_ascii_case(wanted))) {
        None => Ok(()),
        Some(wanted) => Err(invalid(
            "storageProfile.diskControllerType",
            format!(
                "The VM size '{}' does not support the disk controller type '{wanted}'. The supported types are '{}'.",
                size.name, size.disk_controllers
            ),
        )),
    }
}

/// A disk that comes into being with the machine.
fn add_disk(draft: &mut Draft<'_>, entry: &mut Value, default_name: &str, is_os_disk: bool) -> Result<(), ArmError> {
    let disk_name = text(entry, "/name").unwrap_or(default_name).to_owned();
    name::check(Kind::Disk, &disk_name)?;
    choice(entry, "/deleteOption", &["Delete", "Detach"], Some("Detach"))?;
    let id = draft.id.sibling(Kind::Disk, &disk_name);
    let vm = draft.id.key();
    if draft.new_disks.iter().any(|other| other.id.key() == id.key()) {
        return Err(invalid("dataDisk.name", format!("Two disks of the virtual machine have the name '{disk_name}'.")));
    }
    match draft.state.get(&id.key()) {
        Some(stored) if stored.managed_by.as_ref() == Some(&vm) => {}
        Some(_) => {
            return Err(ArmError::conflict(
                "ConflictingUserInput",
                format!(
                    "Disk {disk_name} already exists in resource group {}. Only CreateOption.Attach is supported.",
                    draft.id.group
                ),
            )
            .target(&id.text()));
        }
        None => {}
    }
    entry["name"] = json!(disk_name);
    if entry.get("caching").is_none() {
        entry["caching"] = json!(if is_os_disk { "ReadWrite" } else { "None" });
    }
    if entry.get("deleteOption").is_none() {
        entry["deleteOption"] = json!("Detach");
    }
    let sku = text(entry, "/managedDisk/storageAccountType").unwrap_or("Premium_LRS").to_owned();
    entry["managedDisk"] = json!({ "id": id.text(), "storageAccountType": sku });
    let disk = of_machine(draft.id, &draft.document, &disk_name, entry, is_os_disk);
    draft.attached.push(id.key());
    draft.new_disks.push(disk);
    Ok(())
}

fn attach_disk(draft: &mut Draft<'_>, entry: &mut Value) -> Result<(), ArmError> {
    let reference = text(entry, "/managedDisk/id").ok_or_else(|| missing("dataDisk.managedDisk.id"))?.to_owned();
    let disk = draft.refer(&reference, Kind::Disk, None)?;
    draft.check_free(disk.managed_by.as_deref(), || {
        ArmError::conflict(
            "AttachDiskWhileBeingDetached",
            format!("Disk {} is attached to another virtual machine and cannot be attached.", disk.id.text()),
        )
    })?;
    entry["name"] = json!(disk.id.name);
    entry["diskSizeGB"] = disk.document["properties"]["diskSizeGB"].clone();
    draft.attached.push(disk.id.key());
    Ok(())
}
