//! The VM sizes the emulator knows, with the figures that Azure publishes for them.

use serde_json::{Value, json};

use crate::arm::location;

/// A VM size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub name: &'static str,
    pub family: &'static str,
    pub vcpus: u64,
    pub memory_gib: f64,
    pub most_data_disks: u64,
    pub architecture: &'static str,
    pub disk_controllers: &'static str,
}

const fn size(name: &'static str, family: &'static str, vcpus: u64, memory_gib: f64, most_data_disks: u64) -> Size {
    Size { name, family, vcpus, memory_gib, most_data_disks, architecture: "x64", disk_controllers: "SCSI" }
}

const fn arm(size: Size) -> Size {
    Size { architecture: "Arm64", ..size }
}

const fn nvme(size: Size) -> Size {
    Size { disk_controllers: "SCSI, NVMe", ..size }
}

/// All of them.
pub const SIZES: &[Size] = &[
    size("Standard_B1s", "standardBSFamily", 1, 1.0, 2),
    size("Standard_B1ms", "standardBSFamily", 1, 2.0, 2),
    size("Standard_B2s", "standardBSFamily", 2, 4.0, 4),
    size("Standard_B2ms", "standardBSFamily", 2, 8.0, 4),
    size("Standard_B4ms", "standardBSFamily", 4, 16.0, 8),
    size("Standard_B2s_v2", "standardBsv2Family", 2, 8.0, 4),
    size("Standard_B4s_v2", "standardBsv2Family", 4, 16.0, 8),
    size("Standard_B2as_v2", "standardBasv2Family", 2, 8.0, 4),
    size("Standard_DS1_v2", "standardDSv2Family", 1, 3.5, 4),
    size("Standard_DS2_v2", "standardDSv2Family", 2, 7.0, 8),
    size("Standard_D2s_v3", "standardDSv3Family", 2, 8.0, 4),
    size("Standard_D4s_v3", "standardDSv3Family", 4, 16.0, 8),
    size("Standard_D2s_v4", "standardDSv4Family", 2, 8.0, 4),
    size("Standard_D2s_v5", "standardDSv5Family", 2, 8.0, 4),
    size("Standard_D4s_v5", "standardDSv5Family", 4, 16.0, 8),
    size("Standard_D8s_v5", "standardDSv5Family", 8, 32.0, 16),
    size("Standard_D2ds_v5", "standardDDSv5Family", 2, 8.0, 4),
    size("Standard_D2as_v5", "standardDASv5Family", 2, 8.0, 4),
    size("Standard_D4as_v5", "standardDASv5Family", 4, 16.0, 8),
    size("Standard_D8as_v5", "standardDASv5Family", 8, 32.0, 16),
    size("Standard_D16as_v5", "standardDASv5Family", 16, 64.0, 32),
    size("Standard_D2ads_v5", "standardDADSv5Family", 2, 8.0, 4),
    size("Standard_E2s_v5", "standardESv5Family", 2, 16.0, 4),
    size("Standard_E4s_v5", "standardESv5Family", 4, 32.0, 8),
    size("Standard_E2as_v5", "standardEASv5Family", 2, 16.0, 4),
    size("Standard_E4as_v5", "standardEASv5Family", 4, 32.0, 8),
    size("Standard_F2s_v2", "standardFSv2Family", 2, 4.0, 4),
    size("Standard_F4s_v2", "standardFSv2Family", 4, 8.0, 8),
    nvme(size("Standard_D2s_v6", "standardDSv6Family", 2, 8.0, 8)),
    nvme(size("Standard_D4s_v6", "standardDSv6Family", 4, 16.0, 12)),
    nvme(size("Standard_D2as_v6", "standardDAv6Family", 2, 8.0, 4)),
    nvme(size("Standard_D4as_v6", "standardDAv6Family", 4, 16.0, 8)),
    arm(size("Standard_D2ps_v5", "standardDPSv5Family", 2, 8.0, 4)),
    arm(size("Standard_D4ps_v5", "standardDPSv5Family", 4, 16.0, 8)),
    arm(nvme(size("Standard_D2ps_v6", "standardDPSv6Family", 2, 8.0, 8))),
];

/// The size called `name`, in any case.
pub fn find(name: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// `Microsoft.Compute/skus` for one region: sizes and availability sets.
pub fn skus(location: &str) -> Value {
    let zones = location::zones(location);
    let machines = SIZES.iter().map(|size| {
        let capability = |name: &str, value: String| json!({ "name": name, "value": value });
        json!({
            "resourceType": "virtualMachines",
            "name": size.name,
            "tier": "Standard",
            "size": size.name.trim_start_matches("Standard_"),
            "family": size.family,
            "locations": [location],
            "locationInfo": [{ "location": location, "zones": zones, "zoneDetails": [] }],
            "capabilities": [
                capability("vCPUs", size.vcpus.to_string()),
                capability("MemoryGB", size.memory_gib.to_string()),
                capability("MaxDataDiskCount", size.most_data_disks.to_string()),
                capability("CpuArchitectureType", size.architecture.to_owned()),
                capability("DiskControllerTypes", size.disk_controllers.to_owned()),
                capability("HyperVGenerations", if size.name.ends_with("_v6") { "V2" } else { "V1,V2" }.to_owned()),
                capability("PremiumIO", "True".to_owned()),
                capability("AcceleratedNetworkingEnabled", (size.vcpus > 1).to_string()),
            ],
            "restrictions": [],
        })
    });
    let set = json!({
        "resourceType": "availabilitySets",
        "name": "Aligned",
        "locations": [location],
        "locationInfo": [{ "location": location, "zones": [], "zoneDetails": [] }],
        "capabilities": [{ "name": "MaximumPlatformFaultDomainCount", "value": "3" }],
        "restrictions": [],
    });
    json!({ "value": machines.chain([set]).collect::<Vec<_>>() })
}
