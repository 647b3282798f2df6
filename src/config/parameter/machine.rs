//! What its machines are.

use serde_json::{Value, json};

use super::{Group, Kind, Parameter};
use crate::spec::Availability;

pub const VM_SIZE: Parameter = Parameter::new(Group::Machines, Kind::Text, "vm_size", "--vm-size", "SIZE")
    .help("Size of each machine")
    .default("Standard_D2as_v5")
    .example("Standard_D4as_v5")
    .everyday()
    .resolved(|spec| json!(spec.vm_size))
    .aliases(&["size", "node-vm-size", "node-size", "machine-type", "instance-type", "sku"]);

pub const VM_NAME_PREFIX: Parameter =
    Parameter::new(Group::Machines, Kind::Text, "vm_name_prefix", "--vm-name-prefix", "PREFIX")
        .help("Machines are named NAME-PREFIX-0, NAME-PREFIX-1, …")
        .default("coreos")
        .example("node")
        .settled("machine name prefix")
        .resolved(|spec| json!(spec.machine_prefix));

pub const COREOS_IMAGE: Parameter = Parameter::new(
    Group::Machines,
    Kind::Text,
    "coreos_image",
    "--coreos-image",
    "IMAGE",
)
.help("Image: flatcar[:CHANNEL[:VERSION]], URN, image id, id in a gallery or community gallery, fcos:ID for Fedora CoreOS, or a VHD")
.default("flatcar:stable:latest")
.example("flatcar:beta")
.resolved(|spec| json!(spec.image))
.aliases(&["image"]);

pub const DATA_DISK: Parameter =
    Parameter::new(Group::Machines, Kind::Integer { least: 4, most: 32_767 }, "data_disk", "--data-disk", "GiB")
        .help("Disk for /var/lib/docker")
        .default("none; 100 when the flag stands alone")
        .alone("100")
        .unit("GiB")
        .example("100")
        .everyday()
        .settled("data disk")
        .resolved(|spec| json!(spec.data_disk_gib))
        .aliases(&["data-disk-size", "data-disk-size-gb"]);

pub const DATA_DISK_COUNT: Parameter = Parameter::new(
    Group::Machines,
    Kind::Integer { least: 1, most: 64 },
    "data_disk_count",
    "--data-disk-count",
    "COUNT",
)
.help("Data disks of each machine; all but the first are mounted at /var/lib/data1, /var/lib/data2, …")
.default("1 with --data-disk")
.unit("disks")
.example("2")
.settled("number of data disks")
.resolved(|spec| json!(spec.data_disks()));

pub const DATA_DISK_TYPE: Parameter =
    Parameter::new(Group::Machines, Kind::Choice(&DISK_TYPES), "data_disk_type", "--data-disk-type", "TYPE")
        .help("What data disks are kept on")
        .default("Premium_LRS where the size takes it, else StandardSSD_LRS")
        .example("StandardSSD_LRS")
        .settled("data disk's type")
        .resolved(|spec| json!(spec.data_disk_type));

/// <https://learn.microsoft.com/azure/virtual-machines/disks-types>
pub const DISK_TYPES: [&str; 5] = ["Premium_LRS", "StandardSSD_LRS", "Standard_LRS", "Premium_ZRS", "StandardSSD_ZRS"];

pub const BLOB_CONTAINER_URL: Parameter =
    Parameter::new(Group::Machines, Kind::Text, "blob_container_url", "--blob-container-url", "URL")
        .help(
            "Container of a storage account in which the VHD of --coreos-image lies; disks need none, they are managed",
        )
        .default("none")
        .example("https://account.blob.core.windows.net/vhds");

pub const ACCEPT_TERMS: Parameter = Parameter::switch(Group::Machines, "accept_terms", "--accept-terms")
    .help("Accept the terms of an image from the marketplace that asks for it");

pub const OS_DISK_SIZE: Parameter =
    Parameter::new(Group::Machines, Kind::Integer { least: 30, most: 4095 }, "os_disk_size", "--os-disk-size", "GiB")
        .help("Size of each machine's OS disk")
        .default("the image's own")
        .unit("GiB")
        .example("64")
        .settled("OS disk's size")
        .resolved(|spec| json!(spec.os_disk_gib))
        .aliases(&["os-disk-size-gb"]);

pub const AVAILABILITY_SET: Parameter =
    Parameter::new(Group::Machines, Kind::Text, "availability_set", "--availability-set", "NAME")
        .help("Name of the availability set, which spreads up to 200 machines over racks")
        .default("NAME-as")
        .example("mycluster-racks")
        .resolved(|spec| match &spec.availability {
            Availability::Set { name } => json!(name.resource_name(spec.name.as_str())),
            _ => Value::Null,
        });

pub const ZONES: Parameter = Parameter::new(Group::Machines, Kind::List, "zones", "--zones", "ZONES")
    .help("Spread the machines over these availability zones instead of an availability set")
    .default("none")
    .example("1,2,3")
    .resolved(|spec| json!(spec.availability.zones()))
    .aliases(&["zone"]);

pub const SCALE_SET: Parameter = Parameter::switch(Group::Machines, "scale_set", "--scale-set")
    .help("Join the machines to a flexible scale set instead of an availability set: up to 1000, with --zones spread over them")
    .resolved(|spec| json!(matches!(spec.availability, Availability::ScaleSet { .. })));

pub const PROXIMITY: Parameter = Parameter::new(Group::Machines, Kind::Text, "proximity", "--proximity", "NAME|ID")
    .help("Proximity placement group, for machines close together: a name, made when missing, or an id")
    .default("none")
    .example("mycluster-close")
    .settled("proximity placement group")
    .resolved(|spec| json!(spec.proximity_placement_group))
    .aliases(&["affinity-group", "ppg"]);

pub const ACCELERATED_NETWORKING: Parameter =
    Parameter::switch(Group::Machines, "accelerated_networking", "--accelerated-networking")
        .help("Give the machines' interfaces a part of the host's network card: faster, and not every size takes it")
        .settled("accelerated networking")
        .resolved(|spec| json!(spec.accelerated_networking));

pub const SPOT: Parameter = Parameter::switch(Group::Machines, "spot", "--spot")
    .help("Use spare capacity, which is cheaper and which Azure may take back; with --zones or --scale-set")
    .settled("use of spare capacity")
    .resolved(|spec| json!(spec.spot));

pub const IDENTITIES: Parameter = Parameter::new(Group::Machines, Kind::List, "identities", "--identity", "system|ID")
    .help("Managed identity of each machine: its own, or a user-assigned one by its id (repeatable)")
    .default("none")
    .example("system")
    .resolved(|spec| json!(spec.identities));
