//! What a resource group's list says is in it: every page, or an error. Whether a group may go whole hangs on this, so
//! nothing stands in for what an answer lacks. `removal` reads it.
//!
//! <https://learn.microsoft.com/rest/api/resources/resources/list-by-resource-group>

use std::collections::BTreeSet;

use serde_json::Value;

use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId};
use crate::plan::CLUSTER_TAG;

/// Azure keeps 800 resources of a type in a group; a list that goes on longer than this goes round in circles.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits>
const MOST_PAGES: usize = 1000;

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As Azure writes it; case does not count.
    pub id: String,
    /// Such as `Microsoft.Network/loadBalancers`.
    pub resource_type: String,
    pub name: String,
    /// The value of the tag that a cluster's resources carry.
    pub cluster: Option<String>,
}

/// All entries, to the last page; none when Azure says that there is no such group.
pub async fn group_list(arm: &Arm, group: &ResourceId) -> Result<Option<Vec<Listed>>, ArmError> {
    let doing = format!("listing {group}");
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let mut next = Some(format!("{}/resources", group.path()));
    while let Some(path) = next {
        let first = seen.is_empty();
        if seen.len() == MOST_PAGES {
            return Err(unreadable(&doing, format!("it has more than {MOST_PAGES} pages")));
        }
        if !seen.insert(path.clone()) {
            return Err(unreadable(&doing, "its next page is one that was read already"));
        }
        let Some(document) = arm.get_path(&doing, &path, group.api_version()).await? else {
            let end = || unreadable(&doing, format!("page {} of it does not exist", seen.len()));
            return if first { Ok(None) } else { Err(end()) };
        };
        let (entries, following) = page(&document).map_err(|why| unreadable(&doing, why))?;
        all.extend(entries);
        next = following;
    }
    Ok(Some(all))
}

/// Not being able to tell what is in a group is as bad as no answer.
fn unreadable(doing: &str, why: impl Into<String>) -> ArmError {
    ArmError::local(ArmErrorKind::Unreachable, doing, format!("the answer is no list of resources: {}", why.into()))
}

/// A page's entries and the link to the next one.
fn page(document: &Value) -> Result<(Vec<Listed>, Option<String>), String> {
    let Some(entries) = document.get("value").and_then(Value::as_array) else {
        let start: String = document.to_string().chars().take(60).collect();
        return Err(format!("it has no `value` ({start})"));
    };
    let entries = entries.iter().map(entry).collect::<Result<_, _>>()?;
    match document.get("nextLink") {
        None | Some(Value::Null) => Ok((entries, None)),
        Some(Value::String(link)) if !link.is_empty() => Ok((entries, Some(link.clone()))),
        Some(other) => Err(format!("`nextLink` is {other}")),
    }
}

fn entry(entry: &Value) -> Result<Listed, String> {
    let text = |field: &str| match entry.get(field).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("an entry has no `{field}`")),
    };
    // Names of tags know no case.
    let tags = entry.get("tags").and_then(Value::as_object);
    let cluster = tags.and_then(|tags| tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(CLUSTER_TAG)));
    let cluster = cluster.and_then(|(_, value)| value.as_str()).map(str::to_owned);
    Ok(Listed { id: text("id")?, resource_type: text("type")?, name: text("name")?, cluster })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_list_is_taken_for_one() {
        let whole = json!({"id": "/a", "type": "T/t", "name": "a", "tags": {"Coreos-Cluster": "mycluster"}});
        let listed = Listed {
            id: "/a".into(),
            resource_type: "T/t".into(),
            name: "a".into(),
            cluster: Some("mycluster".into()),
        };
        for (document, expected) in [
            (json!({"value": []}), Ok((vec![], None))),
            (json!({"value": [whole], "nextLink": null}), Ok((vec![listed], None))),
            (json!({"value": [], "nextLink": "https://x/2"}), Ok((vec![], Some("https://x/2".to_owned())))),
            (json!({"value": [], "nextLink": ""}), Err("`nextLink` is \"\"")),
            (json!({"value": [], "nextLink": 7}), Err("`nextLink` is 7")),
            (json!([]), Err("it has no `value` ([])")),
            (json!(null), Err("it has no `value` (null)")),
            (json!({"id": "/subscriptions/s/resourceGroups/g", "name": "g"}), Err("it has no `value`")),
            (json!({"value": {}}), Err("it has no `value`")),
            (json!({"value": ["x"]}), Err("an entry has no `id`")),
            (json!({"value": [{"id": "/a", "name": "a"}]}), Err("an entry has no `type`")),
        ] {
            match (page(&document), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{document}"),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{document}: {found}"),
                (found, _) => panic!("{document}: {found:?}"),
            }
        }
    }
}
