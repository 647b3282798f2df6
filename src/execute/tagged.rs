//! Clusters that Azure knows of: what carries a cluster's tag, wherever in a subscription it is. `cli::list` tells it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId, Tags};
use crate::plan::{CLUSTER_TAG, KEYS_TAG};
use crate::spec::{ClusterName, SubscriptionId};

/// A cluster as the resources with its tag show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaggedCluster {
    pub name: String,
    /// As Azure writes it; case does not count.
    pub resource_group: String,
    /// Of one of its machines, else of its load balancer.
    pub location: Option<String>,
    /// Those that have names of its own and carry the tag of a cluster's keys: policies pass a group's tags on to whatever is in it.
    /// <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-policies>
    pub machines: Vec<ResourceId>,
    pub has_load_balancer: bool,
}

impl TaggedCluster {
    /// Whether there is more of it than what policies passed its tag on to, or what a run began that made little.
    pub(crate) fn is_more_than_a_tag(&self) -> bool {
        self.has_load_balancer || !self.machines.is_empty()
    }

    /// Whether it is the cluster of this name in this group; case does not count in names of groups.
    pub(crate) fn is_in(&self, resource_group: &str, name: &str) -> bool {
        self.resource_group.eq_ignore_ascii_case(resource_group) && self.name == name
    }
}

/// One entry of the list: <https://learn.microsoft.com/rest/api/resources/resources/list>
#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(rename = "type")]
    resource_type: String,
    name: String,
    location: Option<String>,
    #[serde(default)]
    tags: Tags,
}

/// All of the subscription's, by name and group. Anybody may write any tag: what names no cluster as this program does is passed over.
pub(crate) async fn tagged_clusters(arm: &Arm, subscription: &SubscriptionId) -> Result<Vec<TaggedCluster>, ArmError> {
    let doing = "listing what carries a cluster's tag";
    let whole = ResourceId::subscription(subscription);
    let path = format!("{}/resources?$filter=tagName%20eq%20'{CLUSTER_TAG}'", whole.path());
    let entries: Vec<Entry> = arm.list(doing, &path, whole.api_version()).await?.unwrap_or_default();
    let mut clusters: BTreeMap<(String, String), TaggedCluster> = BTreeMap::new();
    for entry in entries {
        let Some(name) = entry.tags.get(CLUSTER_TAG).filter(|name| name.parse::<ClusterName>().is_ok()) else {
            continue;
        };
        let group = group_of(&entry.id).ok_or_else(|| {
            let message = format!("the list has `{}`, which is in no resource group", entry.id);
            ArmError::local(ArmErrorKind::NotAzure, doing, message)
        })?;
        let key = (name.to_owned(), group.to_lowercase());
        let cluster = clusters.entry(key).or_insert_with(|| TaggedCluster {
            name: name.to_owned(),
            resource_group: group.to_owned(),
            location: None,
            machines: Vec::new(),
            has_load_balancer: false,
        });
        let has_type = |wanted: &str| entry.resource_type.eq_ignore_ascii_case(wanted);
        let has_own_name = entry.name.to_lowercase().starts_with(&format!("{name}-"));
        const MACHINE: &str = "Microsoft.Compute/virtualMachines";
        if has_type(MACHINE) && has_own_name && entry.tags.get(KEYS_TAG).is_some() {
            cluster.machines.push(ResourceId::resource(subscription, group, MACHINE, &entry.name));
            cluster.location = entry.location;
        } else if has_type("Microsoft.Network/loadBalancers") {
            cluster.has_load_balancer = true;
            cluster.location = cluster.location.take().or(entry.location);
        }
    }
    Ok(clusters.into_values().collect())
}

fn group_of(id: &str) -> Option<&str> {
    match id.split('/').collect::<Vec<_>>()[..] {
        ["", subscriptions, _, groups, group, ..]
            if subscriptions.eq_ignore_ascii_case("subscriptions")
                && groups.eq_ignore_ascii_case("resourceGroups")
                && !group.is_empty() =>
        {
            Some(group)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_ids() {
        for (id, expected) in [
            ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/lb", Some("g")),
            ("/Subscriptions/s/resourcegroups/G/providers/x", Some("G")),
            ("/subscriptions/s/resourceGroups//providers/x", None),
            ("/subscriptions/s/providers/x", None),
            ("subscriptions/s/resourceGroups/g", None),
            ("", None),
        ] {
            assert_eq!(group_of(id), expected, "{id}");
        }
    }
}
