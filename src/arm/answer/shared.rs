//! Items of lists that a cluster shares with its users: a PUT replaces such a list, so what users put there goes back with it
//! as it came.

use serde::Deserialize;
use serde_json::{Map, Value};

/// An item of a list that knows its items by name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct NamedItem {
    pub(crate) name: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A rule of a security group.
/// <https://learn.microsoft.com/rest/api/virtualnetwork/security-rules/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SecurityRule {
    pub(crate) name: String,
    pub(crate) properties: SecurityRuleProperties,
}

/// Its place among the others: there is one rule of a priority in each direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct SecurityRuleProperties {
    /// `Inbound` or `Outbound`.
    pub(crate) direction: String,
    /// 100 to 4096; the lowest is first.
    pub(crate) priority: u32,
}

impl NamedItem {
    /// The item as it came.
    pub(crate) fn into_document(self) -> Value {
        let mut document = self.rest;
        document.insert("name".into(), Value::String(self.name));
        Value::Object(document)
    }
}
