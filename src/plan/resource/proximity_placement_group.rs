//! <https://learn.microsoft.com/rest/api/compute/proximity-placement-groups/create-or-update>

use azure_mgmt_compute::package_2024_07_01::models::{
    ProximityPlacementGroup, ProximityPlacementGroupProperties, proximity_placement_group_properties,
};
use serde_json::Value;

use super::{compute_resource, document};
use crate::spec::SettledSpec;

/// Keeps what is in it in one building.
pub(crate) fn proximity_placement_group(spec: &SettledSpec) -> Value {
    document(&ProximityPlacementGroup {
        properties: Some(ProximityPlacementGroupProperties {
            proximity_placement_group_type: Some(
                proximity_placement_group_properties::ProximityPlacementGroupType::Standard,
            ),
            ..ProximityPlacementGroupProperties::default()
        }),
        ..ProximityPlacementGroup::new(compute_resource(spec))
    })
}
