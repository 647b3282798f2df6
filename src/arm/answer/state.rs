//! How a resource or an operation stands, in Azure's words.

use std::fmt;

use serde::Deserialize;

/// A resource's `properties.provisioningState`, or an operation's `status`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ProvisioningState {
    Succeeded,
    Failed,
    Canceled,
    /// Anything else: `Creating`, `Updating`, `Deleting`, …
    Running(String),
}

/// What the URL in `Azure-AsyncOperation` answers.
/// <https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OperationStatus {
    pub status: ProvisioningState,
}

impl ProvisioningState {
    /// Whether Azure is taking the resource away.
    pub fn is_deleting(&self) -> bool {
        matches!(self, Self::Running(state) if state.eq_ignore_ascii_case("deleting"))
    }
}

impl From<String> for ProvisioningState {
    /// Case does not count, and services spell Canceled both ways.
    fn from(text: String) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::Running(text),
        }
    }
}

impl fmt::Display for ProvisioningState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Running(state) => state,
        })
    }
}
