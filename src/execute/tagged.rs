//! Clusters that Azure knows of: what carries a cluster's tag, wherever in a subscription it is. `cli::list` tells it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId, Tags};
use crate::plan::CLUSTER_TAG;
use crate::spec::SubscriptionId;

/// A cluster as the resources with its tag show it. Policies may pass the tag on to machines that are not the cluster's:
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-policies>
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaggedCluster {
    pub name: String,
    /// As Azure writes it; case does not count.
    pub resource_group: String,
    pub location: String,
    pub machines: Vec<ResourceId>,
}

/// One entry of the list: <https://learn.microsoft.com/rest/api/resources/resources/list>
#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(rename = "type")]
    resource_type: String,
    name: String,
    location: String,
    #[serde(default)]
    tags: Tags,
}

/// All of the subscription's, by name and group.
pub(crate) async fn tagged_clusters(arm: &Arm, subscription: &SubscriptionId) -> Result<Vec<TaggedCluster>, ArmError> {
    let doing = "listing what carries a cluster's tag";
    let whole = ResourceId::subscription(subscription);
    let path = format!("{}/resources?$filter=tagName%20eq%20'{CLUSTER_TAG}'", whole.path());
    let entries: Vec<Entry> = arm.list(doing, &path, whole.api_version()).await?.unwrap_or_default();
    let mut clusters: BTreeMap<(String, String), TaggedCluster> = BTreeMap::new();
    for entry in entries {
        let Some(name) = entry.tags.get(CLUSTER_TAG) else { continue };
        let group = group_of(&entry.id).ok_or_else(|| {
            let message = format!("the list has `{}`, which is in no resource group", entry.id);
            ArmError::local(ArmErrorKind::NotAzure, doing, message)
        })?;
        let key = (name.to_owned(), group.to_lowercase());
        let cluster = clusters.entry(key).or_insert_with(|| TaggedCluster {
            name: name.to_owned(),
            resource_group: group.to_owned(),
            location: entry.location.clone(),
            machines: Vec::new(),
        });
        const MACHINE: &str = "Microsoft.Compute/virtualMachines";
        if entry.resource_type.eq_ignore_ascii_case(MACHINE) {
            cluster.machines.push(ResourceId::resource(subscription, group, MACHINE, &entry.name));
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
