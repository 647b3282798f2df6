//! What its machines are.

use serde_json::json;

use super::{Group, Kind, Parameter};

pub const VM_SIZE: Parameter = Parameter::new(Group::Machines, Kind::Text, "vm_size", "--vm-size", "SIZE")
    .help("Size of each machine")
    .default("Standard_D2as_v5")
    .example("Standard_D4as_v5")
    .everyday()
    .resolved(|spec| json!(spec.vm_size));

pub const VM_NAME_PREFIX: Parameter =
    Parameter::new(Group::Machines, Kind::Text, "vm_name_prefix", "--vm-name-prefix", "PREFIX")
        .help("Machines are named NAME-PREFIX-0, NAME-PREFIX-1, …")
        .default("coreos")
        .example("node")
        .settled("machine name prefix")
        .resolved(|spec| json!(spec.machine_prefix));

pub const COREOS_IMAGE: Parameter =
    Parameter::new(Group::Machines, Kind::Text, "coreos_image", "--coreos-image", "IMAGE")
        .help("Image: URN, image id, or id in a gallery or community gallery")
        .default("Flatcar stable")
        .example("kinvolk:flatcar-container-linux-corevm-amd64:stable-gen2:latest")
        .resolved(|spec| json!(spec.image));

pub const DATA_DISK: Parameter =
    Parameter::new(Group::Machines, Kind::Integer { least: 4, most: 32_767 }, "data_disk", "--data-disk", "GiB")
        .help("Disk for /var/lib/docker")
        .default("none; 100 when the flag stands alone")
        .alone("100")
        .unit("GiB")
        .example("100")
        .everyday()
        .settled("data disk")
        .resolved(|spec| json!(spec.data_disk_gib));
