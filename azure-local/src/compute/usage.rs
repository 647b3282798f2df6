//! `Microsoft.Compute/locations/{location}/usages`: vCPUs per family, Spot vCPUs, machines and disks, and the refusal
//! of what would exceed a limit.

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::compute::size::{Size, families, find};
use crate::compute::spot;
use crate::machine::PowerState;
use crate::quota::{Usage, count, limit};
use crate::state::State;
use crate::state::resource::Resource;

/// Large enough for a thousand machines of any size but the largest.
const DEFAULT_CORES: u64 = 10_000;
const REGIONAL: &str = "cores";
const SPOT: &str = "lowPriorityCores";

/// Kinds that are counted: usage, title, default limit.
const COUNTS: &[(Kind, &str, &str, u64)] = &[
    (Kind::AvailabilitySet, "availabilitySets", "Availability Sets", 2_500),
    (Kind::VirtualMachine, "virtualMachines", "Virtual Machines", 25_000),
    (Kind::ScaleSet, "virtualMachineScaleSets", "Virtual Machine Scale Sets", 2_500),
];

/// Disks are counted by the first part of their storage type: that part, usage, title.
const DISKS: &[(&str, &str, &str)] = &[
    ("Standard", "StandardDiskCount", "Standard Storage Managed Disks"),
    ("StandardSSD", "StandardSSDDiskCount", "Standard SSD Storage Managed Disks"),
    ("Premium", "PremiumDiskCount", "Premium Storage Managed Disks"),
    ("PremiumV2", "PremiumV2DiskCount", "Premium V2 Storage Managed Disks"),
    ("UltraSSD", "UltraSSDDiskCount", "Ultra SSD Managed Disks"),
];
const DEFAULT_DISKS: u64 = 50_000;

/// Whether a usage of this name is listed here.
pub(crate) fn is_known(name: &str) -> bool {
    let counts = COUNTS.iter().map(|(_, usage, _, _)| *usage);
    let disks = DISKS.iter().map(|(_, usage, _)| *usage);
    counts.chain(disks).chain([REGIONAL, SPOT]).chain(families()).any(|known| known.eq_ignore_ascii_case(name))
}

/// Which vCPUs are counted.
#[derive(Clone, Copy)]
enum Cores<'a> {
    /// Of all machines that are not Spot.
    Regional,
    Family(&'a str),
    Spot,
}

/// vCPUs of a region's machines that are not deallocated, without those of `except`.
fn used(state: &State, subscription: &str, location: &str, cores: Cores<'_>, except: Option<&str>) -> u64 {
    state
        .of_kind(Kind::VirtualMachine)
        .filter(|vm| vm.id.subscription == subscription && vm.location() == location)
        .filter(|vm| vm.power != Some(PowerState::Deallocated) && Some(vm.id.key().as_str()) != except)
        .filter(|vm| spot::is_spot(&vm.document) == matches!(cores, Cores::Spot))
        .filter_map(|vm| find(vm.text("/properties/hardwareProfile/vmSize")?))
        .filter(|size| match cores {
            Cores::Family(family) => size.family == family,
            Cores::Regional | Cores::Spot => true,
        })
        .map(|size| size.vcpus)
        .sum()
}

fn disks(state: &State, subscription: &str, location: &str, class: &str) -> u64 {
    let is_counted = |disk: &&Resource| {
        disk.id.subscription == subscription && disk.location() == location && storage_class(disk) == class
    };
    state.of_kind(Kind::Disk).filter(is_counted).count() as u64
}

fn storage_class(disk: &Resource) -> &str {
    disk.text("/sku/name").unwrap_or_default().split('_').next().unwrap_or_default()
}

/// Refuses a new machine of `size` that would exceed a limit, in Azure's words.
pub(crate) fn check_cores(
    state: &State,
    vm: &ResourceId,
    location: &str,
    size: &Size,
    is_spot: bool,
) -> Result<(), ArmError> {
    let scopes = if is_spot {
        vec![(SPOT, Cores::Spot, "LowPriorityCores".to_owned())]
    } else {
        vec![
            (size.family, Cores::Family(size.family), format!("{} Cores", size.family)),
            (REGIONAL, Cores::Regional, "Total Regional Cores".to_owned()),
        ]
    };
    for (name, cores, title) in scopes {
        let used = used(state, &vm.subscription, location, cores, Some(&vm.key()));
        check(&title, location, used, limit(state, location, name, DEFAULT_CORES), size.vcpus)?;
    }
    Ok(())
}

/// Refuses one more resource of this kind.
pub(crate) fn check_count(state: &State, id: &ResourceId, location: &str) -> Result<(), ArmError> {
    let Some((kind, name, title, default)) = COUNTS.iter().find(|(kind, ..)| *kind == id.kind) else {
        return Ok(());
    };
    let used = count(state, &id.subscription, location, *kind);
    check(title, location, used, limit(state, location, name, *default), 1)
}

/// Refuses disks of which there would be too many of one storage type.
pub(crate) fn check_disks(state: &State, new: &[Resource], location: &str) -> Result<(), ArmError> {
    for (class, name, title) in DISKS {
        let new: Vec<&Resource> = new.iter().filter(|disk| storage_class(disk) == *class).collect();
        if let Some(disk) = new.first() {
            let used = disks(state, &disk.id.subscription, location, class);
            check(title, location, used, limit(state, location, name, DEFAULT_DISKS), new.len() as u64)?;
        }
    }
    Ok(())
}

fn check(title: &str, location: &str, used: u64, limit: u64, more: u64) -> Result<(), ArmError> {
    let needed = used + more;
    if needed <= limit {
        return Ok(());
    }
    Err(ArmError::conflict(
        "OperationNotAllowed",
        format!(
            "Operation could not be completed as it results in exceeding approved {title} quota. Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: {limit}, Current Usage: {used}, Additional Required: {more}, (Minimum) New Limit Required: {needed}. Setup Alerts when Quota reaches threshold."
        ),
    ))
}

/// The list.
pub(crate) fn document(state: &State, subscription: &str, location: &str) -> Value {
    let cores = |name: &'static str, title: String, cores: Cores<'_>| Usage {
        name,
        title,
        used: used(state, subscription, location, cores, None),
        limit: limit(state, location, name, DEFAULT_CORES),
    };
    let counts = COUNTS.iter().map(|(kind, name, title, default)| Usage {
        name,
        title: (*title).to_owned(),
        used: count(state, subscription, location, *kind),
        limit: limit(state, location, name, *default),
    });
    let disks = DISKS.iter().map(|(class, name, title)| Usage {
        name,
        title: (*title).to_owned(),
        used: disks(state, subscription, location, class),
        limit: limit(state, location, name, DEFAULT_DISKS),
    });
    let regional = [
        cores(REGIONAL, "Total Regional vCPUs".to_owned(), Cores::Regional),
        cores(SPOT, "Total Regional Low-priority vCPUs".to_owned(), Cores::Spot),
    ];
    let families = families().into_iter().map(|family| cores(family, format!("{family} vCPUs"), Cores::Family(family)));
    let usages = counts.chain(regional).chain(families).chain(disks);
    json!({ "value": usages.map(|usage| usage.document()).collect::<Vec<_>>() })
}
