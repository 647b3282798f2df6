//! The bodies of the PUTs, one file per resource type, built from Microsoft's own models so that every property's name
//! and place is theirs.

mod availability_set;
mod image;
mod load_balancer;
mod network_interface;
mod network_security_group;
mod proximity_placement_group;
mod public_ip_address;
mod resource_group;
mod scale_set;
mod virtual_machine;
mod virtual_network;

pub(super) use availability_set::availability_set;
pub(super) use image::image;
pub(super) use load_balancer::load_balancer;
pub(super) use network_interface::network_interface;
pub(super) use network_security_group::network_security_group;
pub(super) use proximity_placement_group::proximity_placement_group;
pub(super) use public_ip_address::{node_public_ip_address, public_ip_address};
pub(super) use resource_group::resource_group;
pub(super) use scale_set::scale_set;
pub use virtual_machine::FirstBoot;
pub(crate) use virtual_machine::{KEYS_TAG, USER_DATA_TAG, data_disk_name, virtual_machine};
pub(super) use virtual_network::virtual_network;

use azure_mgmt_compute::package_2024_07_01::models as compute;
use azure_mgmt_network::package_2024_03::models as network;
use serde::Serialize;
use serde_json::{Value, json};

use super::{CLUSTER_TAG, ResourceNames};
use crate::arm::ResourceId;
use crate::spec::{ProximityPlacementGroup, SettledSpec};

/// The tags of every resource.
fn tags(spec: &SettledSpec) -> Value {
    let mut tags = json!(spec.tags);
    tags[CLUSTER_TAG] = json!(spec.name.as_str());
    tags
}

/// Location and tags of a network resource.
fn network_resource(spec: &SettledSpec) -> network::Resource {
    network::Resource { location: Some(spec.location.to_string()), tags: Some(tags(spec)), ..Default::default() }
}

/// Location and tags of a compute resource.
fn compute_resource(spec: &SettledSpec) -> compute::Resource {
    compute::Resource { tags: Some(tags(spec)), ..compute::Resource::new(spec.location.to_string()) }
}

/// A reference to another network resource.
fn reference(id: &ResourceId) -> network::SubResource {
    network::SubResource { id: Some(id.path().to_owned()) }
}

/// The cluster's security group, as subnets and interfaces name it.
fn security_group(names: &ResourceNames) -> network::NetworkSecurityGroup {
    let id = Some(names.network_security_group().path().to_owned());
    network::NetworkSecurityGroup {
        resource: network::Resource { id, ..network::Resource::default() },
        ..network::NetworkSecurityGroup::default()
    }
}

/// The placement group that machines and what holds them are in.
fn placement_group(spec: &SettledSpec, names: &ResourceNames) -> Option<compute::SubResource> {
    let id = match spec.proximity_placement_group.as_ref()? {
        ProximityPlacementGroup::Named(group) => names.proximity_placement_group(group).path().to_owned(),
        ProximityPlacementGroup::Existing(id) => id.clone(),
    };
    Some(compute::SubResource { id: Some(id) })
}

/// The document of a model. The models are plain data, so this cannot fail.
fn document(model: &impl Serialize) -> Value {
    let mut document = serde_json::to_value(model).unwrap_or_default();
    drop_nulls(&mut document);
    document
}

/// The models write some of what only Azure sets as `null`, which its schemas do not know.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
