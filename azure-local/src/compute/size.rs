//! The VM sizes the emulator knows, with the figures that Azure publishes for them.
//! Source: <https://learn.microsoft.com/azure/virtual-machines/sizes/overview>

/// A VM size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    pub name: &'static str,
    pub family: &'static str,
    pub vcpus: u64,
    pub memory_gib: f64,
    pub most_data_disks: u64,
    /// `x64` or `Arm64`.
    pub architecture: &'static str,
    pub disk_controllers: &'static str,
    /// Such as `V1,V2`.
    pub generations: &'static str,
    /// Whether it takes Premium SSDs.
    pub has_premium_storage: bool,
    pub has_accelerated_networking: bool,
    /// Whether it is sold as Spot (`LowPriorityCapable`).
    pub has_spot: bool,
}

const fn size(name: &'static str, family: &'static str, vcpus: u64, memory_gib: f64, most_data_disks: u64) -> Size {
    Size {
        name,
        family,
        vcpus,
        memory_gib,
        most_data_disks,
        architecture: "x64",
        disk_controllers: "SCSI",
        generations: "V1,V2",
        has_premium_storage: true,
        has_accelerated_networking: vcpus > 1,
        has_spot: true,
    }
}

const fn arm(size: Size) -> Size {
    Size { architecture: "Arm64", generations: "V2", ..size }
}

/// The sixth generation.
const fn v6(size: Size) -> Size {
    Size { disk_controllers: "SCSI, NVMe", generations: "V2", ..size }
}

/// The B series is not sold as Spot.
const fn burstable(size: Size) -> Size {
    Size { has_spot: false, ..size }
}

/// Names without an `s` have no Premium storage.
const fn standard_storage(size: Size) -> Size {
    Size { has_premium_storage: false, ..size }
}

const fn basic_network(size: Size) -> Size {
    Size { has_accelerated_networking: false, ..size }
}

const fn first_generation(size: Size) -> Size {
    Size { generations: "V1", ..size }
}

/// All of them.
pub(crate) const SIZES: &[Size] = &[
    first_generation(basic_network(standard_storage(size("Standard_A1_v2", "standardAv2Family", 1, 2.0, 2)))),
    first_generation(basic_network(standard_storage(size("Standard_A2_v2", "standardAv2Family", 2, 4.0, 4)))),
    basic_network(burstable(size("Standard_B1s", "standardBSFamily", 1, 1.0, 2))),
    basic_network(burstable(size("Standard_B1ms", "standardBSFamily", 1, 2.0, 2))),
    basic_network(burstable(size("Standard_B2s", "standardBSFamily", 2, 4.0, 4))),
    basic_network(burstable(size("Standard_B2ms", "standardBSFamily", 2, 8.0, 4))),
    basic_network(burstable(size("Standard_B4ms", "standardBSFamily", 4, 16.0, 8))),
    burstable(size("Standard_B2s_v2", "standardBsv2Family", 2, 8.0, 4)),
    burstable(size("Standard_B4s_v2", "standardBsv2Family", 4, 16.0, 8)),
    burstable(size("Standard_B2as_v2", "standardBasv2Family", 2, 8.0, 4)),
    size("Standard_DS1_v2", "standardDSv2Family", 1, 3.5, 4),
    size("Standard_DS2_v2", "standardDSv2Family", 2, 7.0, 8),
    standard_storage(size("Standard_D2_v3", "standardDv3Family", 2, 8.0, 4)),
    standard_storage(size("Standard_D4_v3", "standardDv3Family", 4, 16.0, 8)),
    size("Standard_D2s_v3", "standardDSv3Family", 2, 8.0, 4),
    size("Standard_D4s_v3", "standardDSv3Family", 4, 16.0, 8),
    size("Standard_D8s_v3", "standardDSv3Family", 8, 32.0, 16),
    size("Standard_D2s_v4", "standardDSv4Family", 2, 8.0, 4),
    size("Standard_D4s_v4", "standardDSv4Family", 4, 16.0, 8),
    standard_storage(size("Standard_D2_v5", "standardDv5Family", 2, 8.0, 4)),
    size("Standard_D2s_v5", "standardDSv5Family", 2, 8.0, 4),
    size("Standard_D4s_v5", "standardDSv5Family", 4, 16.0, 8),
    size("Standard_D8s_v5", "standardDSv5Family", 8, 32.0, 16),
    size("Standard_D2ds_v5", "standardDDSv5Family", 2, 8.0, 4),
    size("Standard_D2as_v5", "standardDASv5Family", 2, 8.0, 4),
    size("Standard_D4as_v5", "standardDASv5Family", 4, 16.0, 8),
    size("Standard_D8as_v5", "standardDASv5Family", 8, 32.0, 16),
    size("Standard_D16as_v5", "standardDASv5Family", 16, 64.0, 32),
    size("Standard_D2ads_v5", "standardDADSv5Family", 2, 8.0, 4),
    size("Standard_E2s_v3", "standardESv3Family", 2, 16.0, 4),
    size("Standard_E4s_v3", "standardESv3Family", 4, 32.0, 8),
    size("Standard_E2s_v4", "standardESv4Family", 2, 16.0, 4),
    size("Standard_E2s_v5", "standardESv5Family", 2, 16.0, 4),
    size("Standard_E4s_v5", "standardESv5Family", 4, 32.0, 8),
    size("Standard_E2as_v5", "standardEASv5Family", 2, 16.0, 4),
    size("Standard_E4as_v5", "standardEASv5Family", 4, 32.0, 8),
    size("Standard_F2s_v2", "standardFSv2Family", 2, 4.0, 4),
    size("Standard_F4s_v2", "standardFSv2Family", 4, 8.0, 8),
    v6(size("Standard_D2s_v6", "standardDSv6Family", 2, 8.0, 8)),
    v6(size("Standard_D4s_v6", "standardDSv6Family", 4, 16.0, 12)),
    v6(size("Standard_D2as_v6", "standardDAv6Family", 2, 8.0, 4)),
    v6(size("Standard_D4as_v6", "standardDAv6Family", 4, 16.0, 8)),
    v6(size("Standard_E2s_v6", "standardESv6Family", 2, 16.0, 8)),
    v6(size("Standard_E4s_v6", "standardESv6Family", 4, 32.0, 12)),
    v6(size("Standard_F2as_v6", "standardFASv6Family", 2, 8.0, 4)),
    v6(size("Standard_F4as_v6", "standardFASv6Family", 4, 16.0, 8)),
    arm(size("Standard_D2ps_v5", "standardDPSv5Family", 2, 8.0, 4)),
    arm(size("Standard_D4ps_v5", "standardDPSv5Family", 4, 16.0, 8)),
    arm(v6(size("Standard_D2ps_v6", "standardDPSv6Family", 2, 8.0, 8))),
    arm(v6(size("Standard_D4ps_v6", "standardDPSv6Family", 4, 16.0, 12))),
];

/// The size called `name`, in any case.
pub(crate) fn find(name: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// All families, in alphabetical order.
pub(crate) fn families() -> Vec<&'static str> {
    let mut families: Vec<&str> = SIZES.iter().map(|size| size.family).collect();
    families.sort_unstable();
    families.dedup();
    families
}
