//! A transaction in the form of etcd's gateway.
//! <https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/#watch-keys>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Lease;

/// Comparisons that must all hold, and changes that are then all made.
#[derive(Clone, Default)]
pub struct Transaction {
    comparisons: Vec<Value>,
    changes: Vec<Value>,
}

impl Transaction {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds when `key` is not there.
    pub fn expect_absence(self, key: &str) -> Self {
        self.expect_creation(key, 0)
    }

    /// Holds when `key` is there and is under the lease.
    pub fn expect_lease(mut self, key: &str, lease: Lease) -> Self {
        self.comparisons
            .push(json!({"key": STANDARD.encode(key), "target": "LEASE", "result": "EQUAL", "lease": lease.id()}));
        self
    }

    fn expect_creation(mut self, key: &str, revision: i64) -> Self {
        let revision = revision.to_string();
        self.comparisons.push(
            json!({"key": STANDARD.encode(key), "target": "CREATE", "result": "EQUAL", "create_revision": revision}),
        );
        self
    }

    /// Sets `key` to `value`.
    pub fn put(mut self, key: &str, value: &str) -> Self {
        let put = json!({"key": STANDARD.encode(key), "value": STANDARD.encode(value)});
        self.changes.push(json!({"request_put": put}));
        self
    }

    /// The same for as long as the lease lives.
    pub fn put_under(mut self, key: &str, value: &str, lease: Lease) -> Self {
        let put = json!({"key": STANDARD.encode(key), "value": STANDARD.encode(value), "lease": lease.id()});
        self.changes.push(json!({"request_put": put}));
        self
    }

    /// Removes `key` when it is there.
    pub fn delete(mut self, key: &str) -> Self {
        self.changes.push(json!({"request_delete_range": {"key": STANDARD.encode(key)}}));
        self
    }

    pub(super) fn document(&self) -> Value {
        json!({"compare": self.comparisons, "success": self.changes})
    }
}
