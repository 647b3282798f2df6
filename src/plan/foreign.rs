//! What in the cluster's resources is not the cluster's: resources that only have our names, and rules or subnets that a
//! user added to ours.

use std::collections::BTreeSet;

use serde_json::Value;

use super::desired::{CLUSTER_TAG, Desired};
use super::step::{Observed, StepKey};
use crate::spec::SettledSpec;

/// Names of what we put into lists of a resource besides the platform's ports; whatever has another name is the user's.
const OUR_NAMES: [&str; 5] = ["ssh", "probes", "nodes", "public", "internet"];
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
pub fn is_ours(spec: &SettledSpec, document: &Value) -> bool {
    carries_tag(spec.name.as_str(), document)
}

/// Whether a resource's document carries the tag of the cluster with this name.
pub fn carries_tag(cluster: &str, document: &Value) -> bool {
    tag(document, CLUSTER_TAG) == Some(cluster)
}

/// The value of a resource's tag. Names of tags know no case, and Azure need not keep it.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations>
pub fn tag<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    tag_named(document.get("tags")?.as_object()?, name)?.as_str()
}

/// The same of tags that were read already.
pub fn tag_named<'a, V>(tags: impl IntoIterator<Item = (&'a String, V)>, name: &str) -> Option<V> {
    tags.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Resources that have our names but not our tag, in words; the group may be anybody's.
pub fn strangers(spec: &SettledSpec, desired: &[Desired], observed: &Observed) -> Vec<String> {
    let resources = desired.iter().filter(|desired| desired.key != StepKey::ResourceGroup);
    let strange = resources.filter(|desired| observed.get(&desired.key).is_some_and(|found| !is_ours(spec, found)));
    strange.map(|desired| desired.id.to_string()).collect()
}

/// `body` with the named items that a user added to the resource, so that a PUT leaves them.
pub(super) fn with_users_items(spec: &SettledSpec, body: &Value, actual: &Value) -> Value {
    let ports = spec.open_ports.iter().map(|port| &port.name).chain(&spec.closed_ports);
    let ours: BTreeSet<&str> = ports.map(String::as_str).chain(OUR_NAMES).collect();
    let is_users = |item: &&Value| item["name"].as_str().is_some_and(|name| !ours.contains(name));
    let mut body = body.clone();
    for list in SHARED_LISTS {
        let Some(items) = actual.pointer(&format!("/properties/{list}")).and_then(Value::as_array) else { continue };
        if let Some(list) = body.pointer_mut(&format!("/properties/{list}")).and_then(Value::as_array_mut) {
            list.extend(items.iter().filter(is_users).cloned());
        }
    }
    give_way(&mut body, &ours);
    body
}

/// Moves rules of ours behind those of users that have their priority: ours only allow, so their order does not matter.
fn give_way(body: &mut Value, ours: &BTreeSet<&str>) {
    let Some(rules) = body.pointer_mut("/properties/securityRules").and_then(Value::as_array_mut) else { return };
    let is_ours = |rule: &Value| rule["name"].as_str().is_some_and(|name| ours.contains(name));
    let place =
        |rule: &Value| (rule["properties"]["direction"].clone().to_string(), rule["properties"]["priority"].as_u64());
    let mut taken: BTreeSet<_> = rules.iter().filter(|rule| !is_ours(rule)).map(place).collect();
    for rule in rules.iter_mut().filter(|rule| is_ours(rule)) {
        let (direction, Some(mut priority)) = place(rule) else { continue };
        while !taken.insert((direction.clone(), Some(priority))) {
            priority += 1;
        }
        rule["properties"]["priority"] = priority.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::DEIS;
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;
    use crate::spec::{Answers, settle};
    use serde_json::json;

    #[test]
    fn what_users_added_stays_and_what_we_dropped_goes() {
        let body = json!({"properties": {"securityRules": [{"name": "ssh"}]}});
        let actual = json!({"properties": {"securityRules": [{"name": "ssh"}, {"name": "https"}, {"name": "office"}],
            "defaultSecurityRules": [{"name": "DenyAllInBound"}]}});
        let input = ClusterInput::deis("mycluster");
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let first = resolve(&input, None, &key).unwrap();
        let without = ClusterInput::flags("mycluster", &[(&DEIS, "false")]);
        let spec = settle(resolve(&without, Some(&first), &key).unwrap(), Answers::default()).unwrap();
        let merged = with_users_items(&spec, &body, &actual);
        assert_eq!(merged, json!({"properties": {"securityRules": [{"name": "ssh"}, {"name": "office"}]}}));
    }

    #[test]
    fn names_of_tags_know_no_case() {
        for (document, ours) in [
            (json!({"tags": {"coreos-cluster": "mycluster"}}), true),
            (json!({"tags": {"a": "b", "Coreos-Cluster": "mycluster"}}), true),
            (json!({"tags": {"coreos-cluster": "MyCluster"}}), false),
            (json!({"tags": {"coreos-cluster": 1}}), false),
            (json!({"tags": null}), false),
            (json!({}), false),
        ] {
            assert_eq!(carries_tag("mycluster", &document), ours, "{document}");
        }
    }

    #[test]
    fn rules_of_ours_give_way_to_users() {
        let rule = |name: &str, direction: &str, priority: u64| json!({"name": name, "properties": {"direction": direction, "priority": priority}});
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let spec = resolve(&ClusterInput::deis("mycluster"), None, &key).unwrap();
        let spec = settle(spec, Answers::default()).unwrap();
        let of = |rules: Vec<Value>| json!({"properties": {"securityRules": rules}});
        let body = of(vec![rule("ssh", "Inbound", 100), rule("web", "Inbound", 101), rule("probes", "Inbound", 110)]);
        let actual = of(vec![rule("office", "Inbound", 100), rule("out", "Outbound", 110)]);
        let merged = with_users_items(&spec, &body, &actual);
        let priorities: Vec<u64> = merged["properties"]["securityRules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["properties"]["priority"].as_u64().unwrap())
            .collect();
        assert_eq!(priorities, [101, 102, 110, 100, 110]);
    }
}
