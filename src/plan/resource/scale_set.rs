//! <https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets/create-or-update>

use azure_mgmt_compute::package_2024_07_01::models::{
    OrchestrationMode, VirtualMachineScaleSet, VirtualMachineScaleSetProperties,
};
use serde_json::Value;

use super::{compute_resource, document, placement_group};
use crate::plan::ResourceNames;
use crate::spec::{SettledSpec, Zone};

/// Azure spreads machines over as many racks as it can; the only value that zones allow.
const FAULT_DOMAINS: i32 = 1;

/// A flexible scale set without a profile: machines that are made one by one join it.
/// <https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-attach-detach-vm>
pub(crate) fn scale_set(spec: &SettledSpec, names: &ResourceNames) -> Value {
    document(&VirtualMachineScaleSet {
        zones: spec.availability.zones().iter().map(Zone::to_string).collect(),
        properties: Some(VirtualMachineScaleSetProperties {
            orchestration_mode: Some(OrchestrationMode::Flexible),
            platform_fault_domain_count: Some(FAULT_DOMAINS),
            proximity_placement_group: placement_group(spec, names),
            ..VirtualMachineScaleSetProperties::default()
        }),
        ..VirtualMachineScaleSet::new(compute_resource(spec))
    })
}
