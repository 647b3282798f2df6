//! What machines are put into or given, and somebody else made.

use serde::Deserialize;

use super::absent_as_none;

/// A proximity placement group.
/// <https://learn.microsoft.com/rest/api/compute/proximity-placement-groups/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PlacementGroup {
    /// `westeurope`, or `West Europe`.
    pub location: String,
    /// One at most.
    #[serde(default, deserialize_with = "absent_as_none")]
    pub zones: Vec<String>,
}

/// An identity of machines.
/// <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Identity {
    pub id: String,
}
