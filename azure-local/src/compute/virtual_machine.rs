//! Virtual machines: checks a PUT the way Azure's Compute provider does, and names the disks it brings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::arm::document::{choice, list, text};
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, key};
use crate::arm::kind::Kind;
use crate::arm::{location, name};
use crate::compute::size::{self, Size};
use crate::compute::{availability_set, disk, image, quota, ssh_key};
use crate::draft::Draft;
use crate::latency::stable_hash;

/// `osProfile.customData`, decoded.
const MOST_CUSTOM_DATA_BYTES: usize = 65_535;
const MOST_DATA_DISKS: usize = 64;
const MOST_DISK_GIB: u64 = 32_767;

/// Names that Azure refuses for `adminUsername`.
const REFUSED_USERS: &[&str] = &[
    "administrator",
    "admin",
    "user",
    "user1",
    "user2",
    "user3",
    "user4",
    "user5",
    "test",
    "test1",
    "test2",
    "test3",
    "admin1",
    "admin2",
    "1",
    "123",
    "a",
    "actuser",
    "adm",
    "aspnet",
    "backup",
    "console",
    "david",
    "guest",
    "john",
    "owner",
    "root",
    "server",
    "sql",
    "support",
    "support_388945a0",
    "sys",
];

fn invalid(target: &str, message: impl Into<String>) -> ArmError {
    ArmError::bad("InvalidParameter", message).target(target)
}

fn missing(target: &str) -> ArmError {
    invalid(
        target,
        format!("Required parameter '{target}' is missing (null)."),
    )
}

/// Completes the draft of a virtual machine.
pub fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        for computed in ["instanceView", "vmId", "timeCreated"] {
            properties.remove(computed);
        }
    }
    let size = check_size(draft)?;
    complete_os_profile(draft)?;
    image::check_reference(draft.state, &draft.document, size.architecture)?;
    complete_disks(draft, size)?;
    complete_interfaces(draft)?;
    complete_placement(draft)?;
    if draft.existing.is_none() {
        quota::check(draft.state, draft.location(), size, &draft.id.key())?;
    }
    check_unchanged(draft)
}

fn check_size(draft: &mut Draft<'_>) -> Result<&'static Size, ArmError> {
    let wanted = text(&draft.document, "/properties/hardwareProfile/vmSize")
        .ok_or_else(|| missing("hardwareProfile.vmSize"))?;
    let size = size::find(wanted).ok_or_else(|| {
        let known = size::SIZES.iter().map(|size| size.name).collect::<Vec<_>>().join(",");
        invalid("vmSize", format!("The value {wanted} provided for the VM size is not valid. The valid sizes in the current region are: {known}. Find out more on the valid VM sizes in each region at https://aka.ms/azure-regionservices."))
    })?;
    draft.document["properties"]["hardwareProfile"]["vmSize"] = json!(size.name);
    Ok(size)
}

fn complete_os_profile(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    let mut profile = draft
        .document
        .pointer("/properties/osProfile")
        .cloned()
        .ok_or_else(|| missing("osProfile"))?;
    let computer = text(&profile, "/computerName")
        .unwrap_or(&draft.id.name)
        .to_owned();
    let fits = (1..=64).contains(&computer.len())
        && !computer.starts_with('_')
        && !computer.ends_with(['.', '-'])
        && !computer
            .chars()
            .any(|c| c.is_whitespace() || r#"\/"[]:|<>+=;,?*@&~!#$%^()_{}'`"#.contains(c));
    if !fits {
        return Err(invalid(
            "computerName",
            format!(
                "Linux host name '{computer}' cannot exceed 64 characters in length or contain special characters."
            ),
        ));
    }
    let admin = text(&profile, "/adminUsername")
        .ok_or_else(|| missing("osProfile.adminUsername"))?
        .to_owned();
    if !(1..=64).contains(&admin.len())
        || REFUSED_USERS.contains(&admin.to_ascii_lowercase().as_str())
    {
        return Err(invalid(
            "adminUsername",
            "The Admin Username specified is not allowed.",
        ));
    }
    check_sign_in(&profile, &admin)?;
    profile["computerName"] = json!(computer);
    draft.custom_data =
        take_custom_data(&mut profile)?.or_else(|| draft.existing?.custom_data.clone());
    for flag in ["allowExtensionOperations", "requireGuestProvisionSignal"] {
        if profile.get(flag).is_none() {
            profile[flag] = json!(true);
        }
    }
    // A password is checked for presence above and is not kept.
    if let Some(profile) = profile.as_object_mut() {
        profile.remove("adminPassword");
        profile.entry("secrets").or_insert(json!([]));
    }
    draft.document["properties"]["osProfile"] = profile;
    Ok(())
}

fn check_sign_in(profile: &Value, admin: &str) -> Result<(), ArmError> {
    let keys = list(profile, "/linuxConfiguration/ssh/publicKeys");
    if keys.is_empty() && text(profile, "/adminPassword").is_none() {
        return Err(invalid(
            "linuxConfiguration",
            "Authentication using either SSH or by user name and password must be enabled in Linux profile.",
        ));
    }
    let wanted = format!("/home/{admin}/.ssh/authorized_keys");
    for entry in keys {
        if text(entry, "/path") != Some(&wanted) {
            return Err(invalid(
                "linuxConfiguration.ssh.publicKeys.path",
                format!(
                    "Destination path for SSH public keys is currently limited to its default value {wanted} due to a known issue in Linux provisioning agent."
                ),
            ));
        }
        let line = text(entry, "/keyData")
            .ok_or_else(|| missing("linuxConfiguration.ssh.publicKeys.keyData"))?;
        ssh_key::check(line).map_err(|reason| {
            invalid("linuxConfiguration.ssh.publicKeys.keyData", format!("The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid: {reason}."))
        })?;
    }
    Ok(())
}

fn take_custom_data(profile: &mut Value) -> Result<Option<String>, ArmError> {
    let Some(encoded) = profile
        .as_object_mut()
        .and_then(|profile| profile.remove("customData"))
    else {
        return Ok(None);
    };
    let decoded = encoded.as_str().and_then(|text| STANDARD.decode(text).ok());
    match (encoded, decoded) {
        (Value::String(text), Some(bytes)) if bytes.len() <= MOST_CUSTOM_DATA_BYTES => {
            Ok(Some(text))
        }
        (_, Some(bytes)) => Err(invalid(
            "customData",
            format!(
                "Custom data in OSProfile is too long: {} bytes. The maximum allowed length is {MOST_CUSTOM_DATA_BYTES} bytes.",
                bytes.len()
            ),
        )),
        (_, None) => Err(invalid(
            "customData",
            "Custom data in OSProfile must be in Base64 encoding.",
        )),
    }
}

fn complete_disks(draft: &mut Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let mut profile = draft.document["properties"]["storageProfile"].clone();
    let suffix = format!("{:016x}", stable_hash(&draft.id.key()));
    let os_disk = profile
        .get_mut("osDisk")
        .filter(|disk| disk.is_object())
        .ok_or_else(|| missing("storageProfile.osDisk"))?;
    let option =
        choice(os_disk, "/createOption", &["FromImage", "Attach"], None).map_err(|_| {
            invalid(
                "osDisk.createOption",
                "Required parameter 'osDisk.createOption' must be FromImage.",
            )
        })?;
    if option != "FromImage" {
        return Err(invalid(
            "osDisk.createOption",
            "Starting from an existing OS disk is not offered here; use FromImage.",
        ));
    }
    os_disk["osType"] = json!("Linux");
    add_disk(
        draft,
        os_disk,
        &format!("{}_OsDisk_1_{suffix}", draft.id.name),
        true,
    )?;

    let mut luns = Vec::new();
    let mut disks = list(&profile, "/dataDisks").to_vec();
    if disks.len() > MOST_DATA_DISKS || disks.len() as u64 > size.most_data_disks {
        return Err(ArmError::conflict(
            "OperationNotAllowed",
            format!("The maximum number of data disks allowed to be attached to a VM of this size is {}.", size.most_data_disks),
        )
        .target("dataDisks"));
    }
    for entry in &mut disks {
        let lun = entry
            .get("lun")
            .and_then(Value::as_u64)
            .filter(|lun| *lun < MOST_DATA_DISKS as u64);
        let lun = lun.ok_or_else(|| invalid("dataDisk.lun", "The value of parameter dataDisk.lun is out of range. The value must be between 0 and 63."))?;
        if luns.contains(&lun) {
            return Err(invalid(
                "dataDisk.lun",
                format!("A disk at LUN {lun} already exists."),
            ));
        }
        luns.push(lun);
        match choice(entry, "/createOption", &["Empty", "Attach"], None).map_err(|_| {
            invalid(
                "dataDisk.createOption",
                "The data disk's createOption must be Empty or Attach.",
            )
        })? {
            "Empty" => {
                let fits = entry
                    .get("diskSizeGB")
                    .and_then(Value::as_u64)
                    .is_some_and(|size| (1..=MOST_DISK_GIB).contains(&size));
                if !fits {
                    return Err(invalid(
                        "dataDisk.diskSizeGB",
                        format!(
                            "Disk size must be between 1 and {MOST_DISK_GIB} GB for disk at LUN {lun}."
                        ),
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

/// A disk that comes into being with the machine.
fn add_disk(
    draft: &mut Draft<'_>,
    entry: &mut Value,
    default_name: &str,
    is_os_disk: bool,
) -> Result<(), ArmError> {
    let disk_name = text(entry, "/name").unwrap_or(default_name).to_owned();
    name::check(Kind::Disk, &disk_name)?;
    choice(
        entry,
        "/deleteOption",
        &["Delete", "Detach"],
        Some("Detach"),
    )?;
    let id = ResourceId::new(&draft.id.group, Kind::Disk, &disk_name);
    let vm = draft.id.key();
    if draft
        .new_disks
        .iter()
        .any(|other| other.id.key() == id.key())
    {
        return Err(invalid(
            "dataDisk.name",
            format!("Two disks of the virtual machine have the name '{disk_name}'."),
        ));
    }
    match draft.state.get(&id.key()) {
        Some(stored) if stored.managed_by.as_ref() == Some(&vm) => {}
        Some(_) => {
            return Err(ArmError::conflict(
                "ConflictingUserInput",
                format!("Disk {disk_name} already exists in resource group {}. Only CreateOption.Attach is supported.", draft.id.group),
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
    let sku = text(entry, "/managedDisk/storageAccountType")
        .unwrap_or("Premium_LRS")
        .to_owned();
    entry["managedDisk"] = json!({ "id": id.text(), "storageAccountType": sku });
    let disk = disk::of_machine(draft.id, &draft.document, &disk_name, entry, is_os_disk);
    draft.attached.push(id.key());
    draft.new_disks.push(disk);
    Ok(())
}

fn attach_disk(draft: &mut Draft<'_>, entry: &mut Value) -> Result<(), ArmError> {
    let reference = text(entry, "/managedDisk/id")
        .ok_or_else(|| missing("dataDisk.managedDisk.id"))?
        .to_owned();
    let disk = draft.refer(&reference, Kind::Disk, None)?;
    check_free(draft, disk.managed_by.as_deref(), || {
        ArmError::conflict(
            "AttachDiskWhileBeingDetached",
            format!(
                "Disk {} is attached to another virtual machine and cannot be attached.",
                disk.id.text()
            ),
        )
    })?;
    entry["name"] = json!(disk.id.name);
    entry["diskSizeGB"] = disk.document["properties"]["diskSizeGB"].clone();
    draft.attached.push(disk.id.key());
    Ok(())
}

fn check_free(
    draft: &Draft<'_>,
    holder: Option<&str>,
    refusal: impl FnOnce() -> ArmError,
) -> Result<(), ArmError> {
    if holder.is_none_or(|holder| holder == draft.id.key()) {
        Ok(())
    } else {
        Err(refusal())
    }
}

fn complete_interfaces(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    let mut interfaces = list(
        &draft.document,
        "/properties/networkProfile/networkInterfaces",
    )
    .to_vec();
    let primaries = interfaces
        .iter()
        .filter(|entry| entry.pointer("/properties/primary") == Some(&json!(true)))
        .count();
    match (interfaces.len(), primaries) {
        (0, _) => return Err(missing("networkProfile.networkInterfaces")),
        (1, _) => interfaces[0]["properties"]["primary"] = json!(true),
        (_, 1) => {}
        _ => return Err(ArmError::bad("InvalidParameter", "A virtual machine with several network interfaces must have exactly one with primary set to true.").target("networkInterfaces")),
    }
    for entry in &mut interfaces {
        let reference = text(entry, "/id")
            .ok_or_else(|| missing("networkInterface.id"))?
            .to_owned();
        choice(
            entry,
            "/properties/deleteOption",
            &["Delete", "Detach"],
            Some("Detach"),
        )?;
        let nic = draft.refer(&reference, Kind::NetworkInterface, None)?;
        check_free(draft, nic.managed_by.as_deref(), || {
            ArmError::conflict(
                "NicInUse",
                format!(
                    "Network Interface {} is used by existing resource {}. In order to use it, dissociate it from the existing resource first.",
                    nic.id.text(),
                    nic.managed_by.as_deref().unwrap_or_default()
                ),
            )
        })?;
        if draft.attached.contains(&nic.id.key()) {
            return Err(invalid(
                "networkInterfaces",
                format!("Network interface {} appears twice.", nic.id.text()),
            ));
        }
        draft.attached.push(nic.id.key());
        if entry.pointer("/properties/primary").is_none() {
            entry["properties"]["primary"] = json!(false);
        }
    }
    draft.document["properties"]["networkProfile"]["networkInterfaces"] = json!(interfaces);
    Ok(())
}

fn complete_placement(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    let zones = list(&draft.document, "/zones").to_vec();
    let available = location::zones(draft.location());
    if zones.len() > 1
        || zones
            .iter()
            .any(|zone| !zone.as_str().is_some_and(|zone| available.contains(&zone)))
    {
        return Err(ArmError::bad(
            "InvalidAvailabilityZone",
            format!(
                "The zone(s) {zones:?} for resource '{}' is not supported. The supported zones for location '{}' are '{}'.",
                draft.id.name,
                draft.location(),
                available.join(",")
            ),
        ));
    }
    let Some(set) = text(&draft.document, "/properties/availabilitySet/id").map(str::to_owned)
    else {
        return Ok(());
    };
    if !zones.is_empty() {
        return Err(ArmError::bad(
            "AvailabilitySetAndZonesNotSupported",
            "A virtual machine cannot be in an availability set and in an availability zone.",
        ));
    }
    draft.refer(&set, Kind::AvailabilitySet, None)?;
    availability_set::check_room(draft.state, &key(&set), &draft.id.key())
}

/// Of a machine that is there, only tags and diagnostics can change without taking it apart.
fn check_unchanged(draft: &Draft<'_>) -> Result<(), ArmError> {
    let Some(existing) = draft.existing else {
        return Ok(());
    };
    if existing.custom_data != draft.custom_data {
        return Err(Draft::unchangeable("osProfile.customData"));
    }
    let same =
        |pointer: &str| existing.document.pointer(pointer) == draft.document.pointer(pointer);
    for (pointer, property) in [
        (
            "/properties/osProfile/computerName",
            "osProfile.computerName",
        ),
        (
            "/properties/osProfile/adminUsername",
            "osProfile.adminUsername",
        ),
        (
            "/properties/osProfile/linuxConfiguration",
            "linuxConfiguration",
        ),
        ("/properties/osProfile", "osProfile"),
        (
            "/properties/storageProfile/imageReference",
            "imageReference",
        ),
        ("/properties/storageProfile/osDisk", "osDisk"),
        ("/properties/availabilitySet", "availabilitySet.id"),
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
                format!(
                    "The virtual machine '{}' is not deallocated and {what} cannot be changed.",
                    draft.id.name
                ),
            ));
        }
    }
    Ok(())
}
