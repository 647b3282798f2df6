//! Whether machines would come up with a file that is sent as their whole user-data.

use report::Finding;

use crate::spec::{ClusterSpec, Overlay};
use crate::userdata::stopping;

/// So many mistakes are named.
const NAMED: usize = 5;

/// What is merged was judged when it was read.
pub(crate) fn judge(spec: &ClusterSpec) -> Vec<Finding> {
    let Some(Overlay::Whole { text }) = &spec.custom_data else { return Vec::new() };
    let found = stopping(text, spec.image.is_fedora_coreos()).into_iter().take(NAMED);
    let finding = |what: String| {
        let message = format!("the image's Ignition would stop at it, and no machine would come up: {what}");
        Finding::refusal("user-data", message, "azure-coreos-cluster user-data lint FILE")
    };
    found.map(finding).collect()
}
