//! Managed disks: made by a virtual machine's PUT, kept or deleted with it.

use serde_json::{Value, json};

use crate::arm::document::text;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::state::resource::{Provisioning, Resource};

/// Size of an OS disk when neither the client nor the image says otherwise.
pub const DEFAULT_OS_DISK_GIB: u64 = 30;

/// The disk resource behind a VM's OS or data disk entry.
pub fn of_machine(
    vm: &ResourceId,
    vm_document: &Value,
    name: &str,
    entry: &Value,
    is_os_disk: bool,
) -> Resource {
    let size = entry
        .get("diskSizeGB")
        .and_then(Value::as_u64)
        .unwrap_or(DEFAULT_OS_DISK_GIB);
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
    let mut disk = Resource::new(ResourceId::new(&vm.group, Kind::Disk, name), document);
    disk.provisioning = Provisioning::Succeeded;
    disk.managed_by = Some(vm.key());
    disk
}
