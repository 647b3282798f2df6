//! What a region sells, as `Microsoft.Compute/skus` lists it.
//! <https://learn.microsoft.com/rest/api/compute/resource-skus/list>

use serde::Deserialize;

use super::absent_as_none;

/// A size of machines, or something else that is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sku {
    /// `virtualMachines`, `disks`, ….
    pub resource_type: String,
    /// `Standard_D2as_v5`.
    pub name: String,
    /// Whose quota it counts against: `standardDASv5Family`.
    pub family: Option<String>,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub capabilities: Vec<Capability>,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub location_info: Vec<LocationInfo>,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub restrictions: Vec<Restriction>,
}

/// What it can do: `vCPUs` is `2`, `PremiumIO` is `True`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Capability {
    pub name: String,
    pub value: String,
}

/// In which zones of a region it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct LocationInfo {
    pub location: String,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub zones: Vec<String>,
}

/// What the subscription may not use of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Restriction {
    /// `Location` or `Zone`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "absent_as_none")]
    pub restriction_info: RestrictionInfo,
}

/// What a restriction is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct RestrictionInfo {
    #[serde(default, deserialize_with = "absent_as_none")]
    pub zones: Vec<String>,
}

impl Sku {
    /// A capability's value.
    pub(crate) fn capability(&self, name: &str) -> Option<&str> {
        self.capabilities.iter().find(|capability| capability.name == name).map(|capability| capability.value.as_str())
    }
}
