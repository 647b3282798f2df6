//! What in the cluster's resources is not the cluster's: resources that only have our names, and rules or subnets that a
//! user added to ours.

use serde_json::Value;

use super::desired::{CLUSTER_TAG, Desired};
use super::step::{Observed, StepKey};
use crate::spec::ClusterSpec;

/// Names of everything that we put into lists of a resource; whatever has another name is the user's.
const OUR_NAMES: [&str; 8] = ["ssh", "web", "https", "builder", "probes", "nodes", "public", "internet"];
/// Lists that a PUT replaces and to which users add.
const SHARED_LISTS: [&str; 8] = [
    "securityRules",
    "subnets",
    "loadBalancingRules",
    "probes",
    "inboundNatRules",
    "outboundRules",
    "backendAddressPools",
    "frontendIPConfigurations",
];

/// Whether a resource's document carries the cluster's tag.
pub fn is_ours(spec: &ClusterSpec, document: &Value) -> bool {
    document.pointer(&format!("/tags/{CLUSTER_TAG}")).and_then(Value::as_str) == Some(spec.name.as_str())
}

/// Resources that have our names but not our tag, in words; the group may be anybody's.
pub fn strangers(spec: &ClusterSpec, desired: &[Desired], observed: &Observed) -> Vec<String> {
    let resources = desired.iter().filter(|desired| desired.key != StepKey::ResourceGroup);
    let strange = resources.filter(|desired| observed.get(&desired.key).is_some_and(|found| !is_ours(spec, found)));
    strange.map(|desired| desired.id.to_string()).collect()
}

/// `body` with the named items that a user added to the resource, so that a PUT leaves them.
pub fn with_users_items(body: &Value, actual: &Value) -> Value {
    let mut body = body.clone();
    for list in SHARED_LISTS {
        let Some(items) = actual.pointer(&format!("/properties/{list}")).and_then(Value::as_array) else { continue };
        let users = items.iter().filter(|item| item["name"].as_str().is_some_and(|name| !OUR_NAMES.contains(&name)));
        if let Some(ours) = body.pointer_mut(&format!("/properties/{list}")).and_then(Value::as_array_mut) {
            ours.extend(users.cloned());
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_users_added_stays_and_what_we_dropped_goes() {
        let body = json!({"properties": {"securityRules": [{"name": "ssh"}]}});
        let actual = json!({"properties": {"securityRules": [{"name": "ssh"}, {"name": "https"}, {"name": "office"}],
            "defaultSecurityRules": [{"name": "DenyAllInBound"}]}});
        let merged = with_users_items(&body, &actual);
        assert_eq!(merged, json!({"properties": {"securityRules": [{"name": "ssh"}, {"name": "office"}]}}));
    }
}
