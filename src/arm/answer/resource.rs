//! A resource of any kind: what all kinds have, and the document itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ProvisioningState, absent_as_none, decode, result};
use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;

/// A resource as Azure answers it.
/// <https://learn.microsoft.com/rest/api/resources/resources/get-by-id>
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub tags: Tags,
    /// A resource without one has succeeded.
    pub state: ProvisioningState,
    /// Of a disk: the id of the machine that it belongs to.
    pub managed_by: Option<String>,
    /// As it came: what users added to it goes back with a PUT, and each property that was sent is compared with it.
    pub document: Value,
}

/// A resource's tags. None and an empty map say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<BTreeMap<String, String>>")]
pub struct Tags(BTreeMap<String, String>);

/// What is read of the document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    tags: Tags,
    #[serde(default, deserialize_with = "absent_as_none")]
    properties: HeadProperties,
    managed_by: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadProperties {
    provisioning_state: Option<ProvisioningState>,
}

#[derive(Deserialize)]
struct Lists<T> {
    properties: BTreeMap<String, Option<Vec<T>>>,
}

impl Resource {
    /// Reads the document; an error names the field that is wrong.
    pub fn read(document: Value) -> Result<Self, String> {
        let Head { tags, properties, managed_by } = decode(&document)?;
        let state = properties.provisioning_state.unwrap_or(ProvisioningState::Succeeded);
        Ok(Self { tags, state, managed_by, document })
    }

    /// What is read of its kind of resource; `id` is its own.
    pub fn decode<T: DeserializeOwned>(&self, id: &ResourceId) -> Result<T, ArmError> {
        result(&format!("reading {id}"), &self.document)
    }

    /// The items of a list of its properties; none when it has no such list.
    pub(crate) fn list<T: DeserializeOwned>(&self, id: &ResourceId, name: &str) -> Result<Vec<T>, ArmError> {
        // Under its name, so that an error has the whole path.
        let alone = json!({ "properties": { name: self.document["properties"][name] } });
        let lists: Lists<T> = result(&format!("reading {id}"), &alone)?;
        Ok(lists.properties.into_values().flatten().flatten().collect())
    }
}

impl Tags {
    /// A tag's value. Names of tags know no case, and Azure need not keep it.
    /// <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations>
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl From<Option<BTreeMap<String, String>>> for Tags {
    fn from(tags: Option<BTreeMap<String, String>>) -> Self {
        Self(tags.unwrap_or_default())
    }
}
