//! Giving resources back the tag that says whose they are: what somebody runs who knows that they are the cluster's.

use crate::arm::ResourceId;
use crate::plan::CLUSTER_TAG;

/// The command for one resource; `resource` is its id, as a shell takes it.
pub(super) fn tag_again(cluster: &str, resource: &str) -> String {
    format!("az tag update --resource-id {resource} --operation Merge --tags {CLUSTER_TAG}={cluster}")
}

/// The command for all of these.
pub(super) fn tag_all_again(cluster: &str, ids: &[ResourceId]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("'{}'", id.path())).collect();
    format!("for id in {}; do {}; done", ids.join(" "), tag_again(cluster, "\"$id\""))
}
