//! What the service answers: nodes and events of etcd's key space, version 2, and its errors.
//! <https://etcd.io/docs/v2.3/api/>

use serde::{Deserialize, Serialize};

/// A key with its value, or a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    /// Absolute: `/_etcd/registry/<token>/<member>`.
    pub key: String,
    /// Of a member: `<name>=<peer URL>[,…]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dir: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Node>,
    pub modified_index: u64,
    pub created_index: u64,
}

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// It was read.
    Get,
    /// It is new, and had to be.
    Create,
    /// It was written, whether or not it was there.
    Set,
    Delete,
}

/// An answer, and what waits are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    pub action: Action,
    pub node: Node,
    /// The node as it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_node: Option<Node>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    KeyNotFound,
    NotAFile,
    NoMorePeers,
    NodeExists,
    InvalidField,
    /// The change could not be kept.
    NotKept,
    /// What is waited for is so long ago that it was forgotten.
    EventIndexCleared,
}

/// A refusal as etcd reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    #[serde(skip)]
    pub reason: Reason,
    pub error_code: u16,
    pub message: &'static str,
    pub cause: String,
    pub index: u64,
}

impl Reason {
    /// etcd's code, its words and the status of HTTP.
    /// <https://github.com/etcd-io/etcd/blob/v3.4.23/etcdserver/api/v2error/error.go>
    fn code_message_and_status(self) -> (u16, &'static str, u16) {
        match self {
            Self::KeyNotFound => (100, "Key not found", 404),
            Self::NotAFile => (102, "Not a file", 403),
            Self::NoMorePeers => (103, "Reached the max number of peers in the cluster", 403),
            Self::NodeExists => (105, "Key already exists", 412),
            Self::InvalidField => (209, "Invalid field", 400),
            Self::NotKept => (300, "Raft Internal Error", 500),
            Self::EventIndexCleared => (401, "The event in requested index is outdated and cleared", 400),
        }
    }
}

impl Refusal {
    /// A refusal about `cause`, a key or a field, when the registry is at `index`.
    pub(crate) fn new(reason: Reason, cause: impl Into<String>, index: u64) -> Self {
        let (error_code, message, _) = reason.code_message_and_status();
        Self { reason, error_code, message, cause: cause.into(), index }
    }

    /// The status of HTTP.
    pub(crate) fn status(&self) -> u16 {
        self.reason.code_message_and_status().2
    }
}
