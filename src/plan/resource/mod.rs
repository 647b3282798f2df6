//! The bodies of the PUTs, one file per resource type, built from Microsoft's own models so that every property's name
//! and place is theirs.

mod availability_set;
mod load_balancer;
mod network_interface;
mod network_security_group;
mod public_ip_address;
mod resource_group;
mod virtual_machine;
mod virtual_network;

pub use availability_set::availability_set;
pub use load_balancer::load_balancer;
pub use network_interface::network_interface;
pub use network_security_group::network_security_group;
pub use public_ip_address::public_ip_address;
pub use resource_group::resource_group;
pub use virtual_machine::{USER_DATA_TAG, virtual_machine};
pub use virtual_network::virtual_network;

use azure_mgmt_compute::package_2024_07_01::models as compute;
use azure_mgmt_network::package_2024_03::models as network;
use serde::Serialize;
use serde_json::{Value, json};

use super::CLUSTER_TAG;
use crate::arm::ResourceId;
use crate::spec::ClusterSpec;

/// The tags of every resource.
fn tags(spec: &ClusterSpec) -> Value {
    json!({ CLUSTER_TAG: spec.name.as_str() })
}

/// Location and tags of a network resource.
fn network_resource(spec: &ClusterSpec) -> network::Resource {
    network::Resource { location: Some(spec.location.to_string()), tags: Some(tags(spec)), ..Default::default() }
}

/// Location and tags of a compute resource.
fn compute_resource(spec: &ClusterSpec) -> compute::Resource {
    compute::Resource { tags: Some(tags(spec)), ..compute::Resource::new(spec.location.to_string()) }
}

/// A reference to another network resource.
fn reference(id: &ResourceId) -> network::SubResource {
    network::SubResource { id: Some(id.path().to_owned()) }
}

/// The document of a model. The models are plain data, so this cannot fail.
fn document(model: &impl Serialize) -> Value {
    serde_json::to_value(model).unwrap_or_default()
}
