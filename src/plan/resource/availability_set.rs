//! <https://learn.microsoft.com/rest/api/compute/availability-sets/create-or-update>

use azure_mgmt_compute::package_2024_07_01::models::{AvailabilitySet, AvailabilitySetProperties, Sku};
use serde_json::Value;

use super::{compute_resource, document, placement_group};
use crate::plan::ResourceNames;
use crate::spec::SettledSpec;

/// Every region has at least two; the number cannot be changed later.
/// <https://learn.microsoft.com/azure/virtual-machines/availability-set-overview>
const FAULT_DOMAINS: i32 = 2;
/// Azure's own default.
const UPDATE_DOMAINS: i32 = 5;

/// Spreads the machines over racks.
pub(crate) fn availability_set(spec: &SettledSpec, names: &ResourceNames) -> Value {
    document(&AvailabilitySet {
        // `Aligned` means managed disks; the other kind is retired.
        sku: Some(Sku { name: Some("Aligned".into()), ..Sku::default() }),
        properties: Some(AvailabilitySetProperties {
            platform_fault_domain_count: Some(FAULT_DOMAINS),
            platform_update_domain_count: Some(UPDATE_DOMAINS),
            proximity_placement_group: placement_group(spec, names),
            ..AvailabilitySetProperties::default()
        }),
        ..AvailabilitySet::new(compute_resource(spec))
    })
}
