//! <https://learn.microsoft.com/rest/api/resources/resource-groups/create-or-update>

use azure_mgmt_resources::package_resources_2021_04::models::ResourceGroup;
use serde_json::Value;

use super::{document, tags};
use crate::spec::SettledSpec;

/// The group that holds the cluster.
pub(crate) fn resource_group(spec: &SettledSpec) -> Value {
    document(&ResourceGroup { tags: Some(tags(spec)), ..ResourceGroup::new(spec.location.to_string()) })
}
