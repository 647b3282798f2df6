//! What a resource group's list says is in it. Whether a group may go whole hangs on this, so nothing stands in for what
//! an entry lacks. `removal` reads it.
//!
//! <https://learn.microsoft.com/rest/api/resources/resources/list-by-resource-group>

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::arm::{Arm, ArmError, ResourceId};
use crate::plan::{CLUSTER_TAG, tag_named};

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Listed {
    /// As Azure writes it; case does not count.
    pub id: String,
    /// Such as `Microsoft.Network/loadBalancers`.
    #[serde(rename = "type")]
    pub resource_type: String,
    pub name: String,
    /// None and an empty map say the same.
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
}

impl Listed {
    /// The name of the cluster whose tag it carries.
    pub(crate) fn cluster(&self) -> Option<&str> {
        tag_named(self.tags.as_ref()?, CLUSTER_TAG).map(String::as_str)
    }
}

/// All entries, to the last page; none when Azure says that there is no such group.
pub(super) async fn group_list(arm: &Arm, group: &ResourceId) -> Result<Option<Vec<Listed>>, ArmError> {
    arm.list(&format!("listing {group}"), &format!("{}/resources", group.path()), group.api_version()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_whole() {
        let whole = json!({"id": "/a", "type": "T/t", "name": "a", "tags": {"Coreos-Cluster": "mycluster"}, "sku": {}});
        let read = |document: &serde_json::Value| serde_json::from_value::<Listed>(document.clone());
        assert_eq!(read(&whole).unwrap().cluster(), Some("mycluster"));
        for (tags, cluster) in [(json!(null), None), (json!({}), None), (json!({"coreos-cluster": "x"}), Some("x"))] {
            let mut entry = whole.clone();
            entry["tags"] = tags;
            assert_eq!(read(&entry).unwrap().cluster(), cluster);
        }
        for lost in ["id", "type", "name"] {
            let mut entry = whole.clone();
            entry.as_object_mut().unwrap().remove(lost);
            assert!(read(&entry).unwrap_err().to_string().contains(lost));
        }
    }
}
