//! vCPU quotas per VM family and region: what is used, what is allowed, and the refusal.

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::compute::size::{SIZES, Size, find};
use crate::machine::PowerState;
use crate::state::State;

/// The name under which `PUT /azure-local/quotas` sets the limit over all families.
const REGIONAL: &str = "regional";
/// Large enough for a thousand machines of any size but the largest.
const DEFAULT_LIMIT: u64 = 10_000;

/// Whether a quota of this name can be set.
pub fn is_known(name: &str) -> bool {
    name.eq_ignore_ascii_case(REGIONAL) || SIZES.iter().any(|size| size.family.eq_ignore_ascii_case(name))
}

fn limit(state: &State, name: &str) -> u64 {
    state.settings().quotas.get(&name.to_ascii_lowercase()).copied().unwrap_or(DEFAULT_LIMIT)
}

/// vCPUs of a region's machines that are not deallocated, of one family or of all.
fn used(state: &State, location: &str, family: Option<&str>, except: Option<&str>) -> u64 {
    state
        .of_kind(Kind::VirtualMachine)
        .filter(|vm| vm.location() == location && vm.power != Some(PowerState::Deallocated))
        .filter(|vm| Some(vm.id.key().as_str()) != except)
        .filter_map(|vm| find(vm.text("/properties/hardwareProfile/vmSize")?))
        .filter(|size| family.is_none_or(|family| size.family == family))
        .map(|size| size.vcpus)
        .sum()
}

/// Refuses a machine of `size` that would exceed a quota, in Azure's words.
pub fn check(state: &State, location: &str, size: &Size, vm_key: &str) -> Result<(), ArmError> {
    let scopes = [
        (size.family, Some(size.family), format!("{} Cores", size.family)),
        (REGIONAL, None, "Total Regional Cores".to_owned()),
    ];
    for (name, family, title) in scopes {
        let limit = limit(state, name);
        let used = used(state, location, family, Some(vm_key));
        if used + size.vcpus > limit {
            let needed = used + size.vcpus;
            return Err(ArmError::conflict(
                "OperationNotAllowed",
                format!(
                    "Operation could not be completed as it results in exceeding approved {title} quota. Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: {limit}, Current Usage: {used}, Additional Required: {}, (Minimum) New Limit Required: {needed}. Setup Alerts when Quota reaches threshold.",
                    size.vcpus
                ),
            ));
        }
    }
    Ok(())
}

/// `Microsoft.Compute/locations/{location}/usages`.
pub fn compute_usages(state: &State, location: &str) -> Value {
    let count = |kind: Kind| state.of_kind(kind).filter(|resource| resource.location() == location).count() as u64;
    let mut usages = vec![
        usage("availabilitySets", "Availability Sets", count(Kind::AvailabilitySet), 2500),
        usage("cores", "Total Regional vCPUs", used(state, location, None, None), limit(state, REGIONAL)),
        usage("virtualMachines", "Virtual Machines", count(Kind::VirtualMachine), 25_000),
    ];
    let mut families: Vec<&str> = SIZES.iter().map(|size| size.family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        usages.push(usage(
            family,
            &format!("{family} vCPUs"),
            used(state, location, Some(family), None),
            limit(state, family),
        ));
    }
    json!({ "value": usages })
}

/// `Microsoft.Network/locations/{location}/usages`.
pub fn network_usages(state: &State, location: &str) -> Value {
    let row = |name: &str, title: &str, kind: Kind, limit: u64| {
        usage(name, title, state.of_kind(kind).filter(|resource| resource.location() == location).count() as u64, limit)
    };
    json!({ "value": [
        row("VirtualNetworks", "Virtual Networks", Kind::VirtualNetwork, 1000),
        row("NetworkInterfaces", "Network Interfaces", Kind::NetworkInterface, 65536),
        row("NetworkSecurityGroups", "Network Security Groups", Kind::NetworkSecurityGroup, 5000),
        row("LoadBalancers", "Load Balancers", Kind::LoadBalancer, 1000),
        row("StandardSkuPublicIpAddresses", "Public IPv4 Addresses - Standard", Kind::PublicIpAddress, 1000),
    ] })
}

fn usage(name: &str, title: &str, current: u64, limit: u64) -> Value {
    json!({ "unit": "Count", "currentValue": current, "limit": limit, "name": { "value": name, "localizedValue": title } })
}
