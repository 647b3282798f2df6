//! What of a cluster's resources is not as its spec makes them: what somebody changed by hand, property by property, and
//! what mends it. Pure; `cli::status` tells it.

use serde::Serialize;
use serde_json::Value;

use super::compare::{Difference, differences};
use super::desired::{CLUSTER_TAG, Desired};
use super::foreign::{added_items, is_ours, with_users_items};
use super::resource::{KEYS_TAG, USER_DATA_TAG};
use super::step::StepKey;
use crate::arm::{ArmError, PowerState, Resource};
use crate::spec::SettledSpec;

/// One way in which a resource is not what it was made as.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Drift {
    #[serde(flatten)]
    pub what: Drifted,
    pub mended_by: Remedy,
}

/// What happened to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Drifted {
    /// It does not exist.
    Missing,
    /// It exists without the tag that says whose it is.
    Untagged,
    /// It is a machine that is off, or about to be.
    Off,
    Changed(Difference),
    /// Somebody put an item of their own into one of its lists.
    Added {
        property: String,
        item: Value,
    },
    /// It is in the cluster's own group, and not the cluster's.
    Extra,
}

/// What puts it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Remedy {
    /// The same command as at first.
    Create,
    /// `start`.
    Start,
    /// Whoever took the tag away gives it back; without it nothing says that the resource may be touched.
    Tag,
    /// Nothing of ours: it is somebody's own, or acts only when a resource is made.
    Nothing,
}

/// How a resource of the cluster differs from what the spec makes of it; `power` is a machine's. The group may be
/// anybody's and is not judged.
pub(crate) fn drift(
    spec: &SettledSpec,
    desired: &Desired,
    found: Option<&Resource>,
    power: &PowerState,
) -> Result<Vec<Drift>, ArmError> {
    let Some(resource) = found else {
        return Ok(vec![Drift { what: Drifted::Missing, mended_by: Remedy::Create }]);
    };
    if desired.key == StepKey::ResourceGroup {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    if !is_ours(spec, resource) {
        all.push(Drift { what: Drifted::Untagged, mended_by: Remedy::Tag });
    }
    if power.is_off() {
        all.push(Drift { what: Drifted::Off, mended_by: Remedy::Start });
    }
    let wanted = without_first_boot(with_users_items(spec, &desired.id, &desired.body, resource)?);
    let changed = differences(&wanted, &resource.document).into_iter();
    // The cluster's own tag is told already.
    let changed = changed.filter(|difference| difference.property != format!("tags.{CLUSTER_TAG}"));
    let mended_by = match desired.key {
        StepKey::VirtualMachine(_) | StepKey::NetworkInterface(_) | StepKey::AvailabilitySet => Remedy::Nothing,
        _ => Remedy::Create,
    };
    all.extend(changed.map(|difference| Drift { what: Drifted::Changed(difference), mended_by }));
    let added = added_items(&desired.body, &wanted).into_iter();
    all.extend(
        added.map(|(property, item)| Drift { what: Drifted::Added { property, item }, mended_by: Remedy::Nothing }),
    );
    Ok(all)
}

/// Without the tags of what a machine was given at its first boot: it may be of an earlier time.
fn without_first_boot(mut body: Value) -> Value {
    if let Some(tags) = body.get_mut("tags").and_then(Value::as_object_mut) {
        tags.retain(|tag, _| ![USER_DATA_TAG, KEYS_TAG].contains(&tag.as_str()));
    }
    body
}

impl Drifted {
    /// In one line; none where a resource's state says it already.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Missing | Self::Off => None,
            Self::Untagged => Some(format!("has lost its tag `{CLUSTER_TAG}`")),
            Self::Changed(difference) => Some(format!("differs: {difference}")),
            Self::Added { property, item } => Some(format!("added by somebody: {property}{}", rule(item))),
            Self::Extra => Some("is not the cluster's".into()),
        }
    }
}

/// What a security group's rule does, for people: `, Allow Inbound Tcp from * to port 22`. Nothing for other items.
fn rule(item: &Value) -> String {
    let texts = |names: [&str; 2]| {
        let values = names.into_iter().filter_map(|name| item["properties"].get(name));
        let texts: Vec<&str> = values
            .flat_map(|value| match value {
                Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect::<Vec<_>>(),
            })
            .collect();
        texts.join(",")
    };
    let [access, direction, protocol] =
        ["access", "direction", "protocol"].map(|name| item["properties"][name].as_str().unwrap_or_default());
    if access.is_empty() {
        return String::new();
    }
    let sources = texts(["sourceAddressPrefix", "sourceAddressPrefixes"]);
    let ports = texts(["destinationPortRange", "destinationPortRanges"]);
    format!(", {access} {direction} {protocol} from {sources} to port {ports}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::DATA_DISK;
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;
    use crate::plan::{FirstBoot, ResourceNames, desired};
    use crate::spec::{Answers, settle};
    use diagnostics::Origin;
    use serde_json::json;

    /// What a change of a resource by hand comes to, in words and with what mends it.
    fn told(kind: &str, power: PowerState, change: &dyn Fn(&mut Value)) -> Vec<(String, Remedy)> {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let mut with_data_disk = ClusterInput::deis("mycluster");
        with_data_disk.values.insert(&DATA_DISK, vec!["8".into()], Origin::Flag(DATA_DISK.flag));
        let spec = settle(resolve(&with_data_disk, None, &key).unwrap(), Answers::default()).unwrap();
        let names = ResourceNames::new("s", &spec);
        // A later run knows nothing of what a machine was given.
        let made_with = vec![FirstBoot { user_data: "{}".into(), keys: Some("x".into()) }; 3];
        let find = |first_boots: &[FirstBoot]| {
            desired(&spec, &names, first_boots).into_iter().find(|desired| desired.id.kind() == kind).unwrap()
        };
        let mut document = find(&made_with).body;
        change(&mut document);
        let found = Resource::read(document).unwrap();
        let all = drift(&spec, &find(&vec![FirstBoot::default(); 3]), Some(&found), &power).unwrap();
        all.iter().map(|drift| (drift.what.text().unwrap_or_default(), drift.mended_by)).collect()
    }

    #[test]
    fn what_was_changed_by_hand_is_told_with_what_mends_it() {
        use PowerState::{Deallocated, Running};
        let rule = json!({"name": "office", "properties": {"access": "Allow", "direction": "Inbound", "priority": 100,
            "protocol": "Tcp", "sourceAddressPrefix": "*", "destinationPortRanges": ["22", "8000-9000"]}});
        let [machine, group, balancer] = ["virtual machine", "network security group", "load balancer"];
        let size = "properties.hardwareProfile.vmSize";
        for (kind, power, change, expected) in [
            (machine, Running, &(|_: &mut Value| ()) as &dyn Fn(&mut Value), vec![]),
            (machine, Deallocated, &|_| (), vec![("", Remedy::Start)]),
            (group, Running, &|_| (), vec![]),
            (
                machine,
                Running,
                &|body| body["properties"]["hardwareProfile"]["vmSize"] = json!("Standard_D96s_v5"),
                vec![(&*format!("differs: {size}: `Standard_D96s_v5` → `Standard_D2as_v5`"), Remedy::Nothing)],
            ),
            (
                machine,
                Running,
                &|body| body["properties"]["storageProfile"]["dataDisks"] = json!([]),
                vec![(
                    "differs: properties.storageProfile.dataDisks[mycluster-coreos-0-data-0]: absent → present",
                    Remedy::Nothing,
                )],
            ),
            (
                group,
                Running,
                &|body| body["tags"] = json!({}),
                vec![("has lost its tag `coreos-cluster`", Remedy::Tag)],
            ),
            (
                group,
                Running,
                &|body| {
                    body["properties"]["securityRules"][0]["properties"]["sourceAddressPrefix"] = json!("10.0.0.0/8");
                },
                vec![(
                    "differs: properties.securityRules[ssh].properties.sourceAddressPrefix: `10.0.0.0/8` → `*`",
                    Remedy::Create,
                )],
            ),
            (
                group,
                Running,
                &|body| body["properties"]["securityRules"].as_array_mut().unwrap().push(rule.clone()),
                // It has the priority of one of ours, which the next write moves.
                vec![
                    ("differs: properties.securityRules[ssh].properties.priority: 100 → 101", Remedy::Create),
                    (
                        "added by somebody: properties.securityRules[office], Allow Inbound Tcp from * to port 22,8000-9000",
                        Remedy::Nothing,
                    ),
                ],
            ),
            (
                balancer,
                Running,
                &|body| drop(body["properties"]["loadBalancingRules"].as_array_mut().unwrap().remove(0)),
                vec![("differs: properties.loadBalancingRules[web]: absent → present", Remedy::Create)],
            ),
        ] {
            let found = told(kind, power, change);
            let found: Vec<(&str, Remedy)> = found.iter().map(|(text, remedy)| (text.as_str(), *remedy)).collect();
            assert_eq!(found, expected);
        }
    }
}
