//! What in the cluster's resources is not the cluster's: resources that only have our names, and rules or subnets that a
//! user added to ours. Those go back to Azure with every PUT as they came, whatever is in them, so documents stay JSON here.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::Value;

use super::desired::{CLUSTER_TAG, Desired};
use super::step::{Observed, StepKey};
use crate::arm::{ArmError, NamedItem, Resource, ResourceId, SecurityRule, SecurityRuleProperties};
use crate::spec::SettledSpec;

/// Names of what we put into lists of a resource besides the platform's ports; whatever has another name is the user's.
const OUR_NAMES: [&str; 5] = ["ssh", "probes", "nodes", "public", "internet"];
/// A security group's.
const RULES: &str = "securityRules";
/// Lists that a PUT replaces and to which users add.
const SHARED_LISTS: [&str; 8] = [
    RULES,
    "subnets",
    "loadBalancingRules",
    "probes",
    "inboundNatRules",
    "outboundRules",
    "backendAddressPools",
    "frontendIPConfigurations",
];

/// Whether a resource carries the cluster's tag.
pub fn is_ours(spec: &SettledSpec, resource: &Resource) -> bool {
    carries_tag(spec.name.as_str(), resource)
}

/// Whether a resource carries the tag of the cluster with this name.
pub fn carries_tag(cluster: &str, resource: &Resource) -> bool {
    resource.tags.get(CLUSTER_TAG) == Some(cluster)
}

/// Resources that have our names but not our tag, in words; the group may be anybody's.
pub fn strangers(spec: &SettledSpec, desired: &[Desired], observed: &Observed) -> Vec<String> {
    let resources = desired.iter().filter(|desired| desired.key != StepKey::ResourceGroup);
    let strange = resources.filter(|desired| observed.get(&desired.key).is_some_and(|found| !is_ours(spec, found)));
    strange.map(|desired| desired.id.to_string()).collect()
}

/// `body` with the named items that a user added to the resource, so that a PUT leaves them; an error names what an item
/// lacks that tells whose it is.
pub(super) fn with_users_items(
    spec: &SettledSpec,
    id: &ResourceId,
    body: &Value,
    resource: &Resource,
) -> Result<Value, ArmError> {
    let ports = spec.open_ports.iter().map(|port| &port.name).chain(&spec.closed_ports);
    let ours: BTreeSet<&str> = ports.map(String::as_str).chain(OUR_NAMES).collect();
    let mut body = body.clone();
    for list in SHARED_LISTS {
        let Some(items) = body.pointer_mut(&format!("/properties/{list}")).and_then(Value::as_array_mut) else {
            continue;
        };
        if list == RULES {
            let rules: Vec<SecurityRule> = resource.list(id, list)?;
            let users = rules.into_iter().filter(|rule| !ours.contains(rule.name.as_str()));
            give_way(items, users.map(|rule| rule.properties).collect());
        }
        let found: Vec<NamedItem> = resource.list(id, list)?;
        let users = found.into_iter().filter(|item| !ours.contains(item.name.as_str()));
        items.extend(users.map(NamedItem::into_document));
    }
    Ok(body)
}

/// What [`with_users_items`] added to `body`, each with its place.
pub(super) fn added_items(body: &Value, with_items: &Value) -> Vec<(String, Value)> {
    let items =
        |body: &Value, list: &str| -> Vec<Value> { body["properties"][list].as_array().cloned().unwrap_or_default() };
    let added = SHARED_LISTS.into_iter().flat_map(|list| {
        let ours = items(body, list).len();
        items(with_items, list).into_iter().skip(ours).map(move |item| {
            let name = item["name"].as_str().unwrap_or_default();
            (format!("properties.{list}[{name}]"), item)
        })
    });
    added.collect()
}

/// Moves rules of ours behind those of users that have their priority: ours only allow, so their order does not matter.
fn give_way(ours: &mut [Value], mut taken: BTreeSet<SecurityRuleProperties>) {
    for rule in ours {
        // A body of our own: it has both.
        let Ok(mut place) = SecurityRuleProperties::deserialize(&rule["properties"]) else { continue };
        while !taken.insert(place.clone()) {
            place.priority += 1;
        }
        rule["properties"]["priority"] = place.priority.into();
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

    fn merged(spec: &SettledSpec, body: &Value, actual: Value) -> Result<Value, ArmError> {
        let id = ResourceId::resource_group("s", "g");
        with_users_items(spec, &id, body, &Resource::read(actual).unwrap())
    }

    fn deis() -> SettledSpec {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let spec = resolve(&ClusterInput::deis("mycluster"), None, &key).unwrap();
        settle(spec, Answers::default()).unwrap()
    }

    #[test]
    fn what_users_added_stays_and_what_we_dropped_goes() {
        let body = json!({"properties": {"probes": [{"name": "ssh"}]}});
        let office = json!({"name": "office", "properties": {"port": 1}});
        let actual = json!({"properties": {"probes": [{"name": "ssh"}, {"name": "https"}, office],
            "defaultSecurityRules": [{"name": "DenyAllInBound"}]}});
        let input = ClusterInput::deis("mycluster");
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let first = resolve(&input, None, &key).unwrap();
        let without = ClusterInput::flags("mycluster", &[(&DEIS, "false")]);
        let spec = settle(resolve(&without, Some(&first), &key).unwrap(), Answers::default()).unwrap();
        let merged = merged(&spec, &body, actual).unwrap();
        assert_eq!(merged, json!({"properties": {"probes": [{"name": "ssh"}, office]}}));
    }

    #[test]
    fn names_of_tags_know_no_case() {
        for (document, ours) in [
            (json!({"tags": {"coreos-cluster": "mycluster"}}), true),
            (json!({"tags": {"a": "b", "Coreos-Cluster": "mycluster"}}), true),
            (json!({"tags": {"coreos-cluster": "MyCluster"}}), false),
            (json!({"tags": null}), false),
            (json!({}), false),
        ] {
            let resource = Resource::read(document).unwrap();
            assert_eq!(carries_tag("mycluster", &resource), ours, "{resource:?}");
        }
    }

    #[test]
    fn rules_of_ours_give_way_to_users() {
        let rule = |name: &str, direction: &str, priority: u64| json!({"name": name, "properties": {"direction": direction, "priority": priority}});
        let of = |rules: Vec<Value>| json!({"properties": {"securityRules": rules}});
        let body = of(vec![rule("ssh", "Inbound", 100), rule("web", "Inbound", 101), rule("probes", "Inbound", 110)]);
        let actual = of(vec![rule("office", "Inbound", 100), rule("out", "Outbound", 110)]);
        let merged = merged(&deis(), &body, actual).unwrap();
        let priorities: Vec<u64> = merged["properties"]["securityRules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["properties"]["priority"].as_u64().unwrap())
            .collect();
        assert_eq!(priorities, [101, 102, 110, 100, 110]);
    }

    #[test]
    fn an_item_that_says_too_little_is_not_lost() {
        let rule = json!({"name": "office", "properties": {"direction": "Inbound", "priority": 100}});
        for (list, pointer, part) in [
            ("subnets", "/name", "missing field `name` at `properties.subnets[0]`"),
            ("securityRules", "/name", "missing field `name` at `properties.securityRules[0]`"),
            ("securityRules", "/properties", "missing field `properties` at `properties.securityRules[0]`"),
            ("securityRules", "/properties/priority", "missing field `priority` at `properties.securityRules[0]."),
            ("securityRules", "/properties/direction", "missing field `direction` at `properties.securityRules[0]."),
        ] {
            let (above, field) = pointer.rsplit_once('/').unwrap();
            let mut lacking = rule.clone();
            lacking.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(field).unwrap();
            let body = json!({"properties": {list: []}});
            let error = merged(&deis(), &body, json!({"properties": {list: [lacking]}})).unwrap_err();
            assert!(error.message.contains(part), "{pointer}: {error}");
        }
        let none = json!({"properties": {"subnets": []}});
        assert_eq!(merged(&deis(), &none, json!({"properties": {"subnets": null}})).unwrap(), none);
        let odd = merged(&deis(), &none, json!({"properties": {"subnets": "x"}})).unwrap_err();
        assert!(odd.message.contains("at `properties.subnets`"), "{odd}");
    }
}
