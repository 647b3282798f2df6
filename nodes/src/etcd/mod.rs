//! The cluster's etcd as a key-value store: ranges are read, transactions written, by `etcdctl` on a node. Mutual TLS
//! is between that node and etcd; the certificates never leave the node.
//! <https://etcd.io/docs/v3.5/dev-guide/interacting_v3/>

mod members;
mod transaction;

pub use members::{Member, Members, endpoints};
pub use transaction::Transaction;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::cluster::{Cluster, Fence, LOCK_KEY};
use crate::ssh::{Output, SshError};
use report::Failure;

/// Limits of etcdctl itself, so that it says why before the SSH command is given up.
const ETCDCTL: &str = "etcdctl --dial-timeout=10s --command-timeout=20s --write-out=json";
const TIMEOUT: Duration = Duration::from_secs(60);

/// The store of one cluster.
#[derive(Clone, Debug)]
pub struct Store {
    cluster: Cluster,
    /// Of whoever may write.
    fence: Option<Fence>,
}

/// A key with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub value: String,
    /// etcd's revision of the last change of this key; starts at 1.
    pub revision: i64,
}

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No node answers on SSH.
    #[error("no node answers on SSH")]
    Unreachable(Vec<(String, SshError)>),
    /// etcd on this node's word.
    #[error("node `{node}`: {doing}: {said}")]
    Refused { node: String, doing: &'static str, said: String },
    /// Someone else may be changing the cluster.
    #[error("the cluster's lock was lost, so nothing was written")]
    LockLost,
    /// Only who holds the cluster's lock writes.
    #[error("writing without the cluster's lock; this is a bug")]
    NotLocked,
}

impl Store {
    /// The store of `cluster`.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, fence: None }
    }

    /// The same for who holds the cluster's lock: every write compares it, and without one nothing is written.
    pub fn fenced(self, fence: Fence) -> Self {
        Self { fence: Some(fence), ..self }
    }

    /// All entries whose key starts with `prefix`, sorted by key.
    pub async fn range(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let command = format!("{ETCDCTL} get --prefix -- {}", quoted(prefix));
        self.entries(&command).await
    }

    /// The entry of `key`.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let command = format!("{ETCDCTL} get -- {}", quoted(key));
        Ok(self.entries(&command).await?.pop())
    }

    /// Does everything in `transaction` or, when a comparison does not hold, nothing; says which.
    pub async fn commit(&self, transaction: &Transaction) -> Result<bool, StoreError> {
        let Some(fence) = self.fence else { return Err(StoreError::NotLocked) };
        let fenced = transaction.clone().expect_creation(LOCK_KEY, fence.revision);
        let doing = "writing to etcd";
        let (node, text) = self.ask(doing, &format!("{ETCDCTL} txn"), Some(&fenced.to_string())).await?;
        committed(&parse(&node, doing, &text)?, fence)
    }

    async fn entries(&self, command: &str) -> Result<Vec<Entry>, StoreError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            kvs: Vec<Pair>,
        }
        #[derive(Deserialize)]
        struct Pair {
            key: String,
            #[serde(default)]
            value: String,
            mod_revision: i64,
        }
        let doing = "reading from etcd";
        let (node, text) = self.ask(doing, command, None).await?;
        let answer: Answer = parse(&node, doing, &text)?;
        let decoded = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let entries = answer.kvs.into_iter().map(|pair| {
            Some(Entry { key: decoded(&pair.key)?, value: decoded(&pair.value)?, revision: pair.mod_revision })
        });
        entries.collect::<Option<Vec<_>>>().ok_or_else(|| StoreError::Refused {
            node,
            doing,
            said: "a key or a value is not text; nothing that platformctl writes is".into(),
        })
    }

    /// What the first node that answers printed, and its name. A node whose SSH answers speaks for all of etcd: its
    /// etcdctl knows every member.
    async fn ask(
        &self,
        doing: &'static str,
        command: &str,
        input: Option<&str>,
    ) -> Result<(String, String), StoreError> {
        let mut tries = 0;
        loop {
            let node = self.cluster.first_reachable().await.map_err(StoreError::Unreachable)?;
            tries += 1;
            match node.run(command, input, TIMEOUT).await {
                Ok(Output { status: 0, stdout, .. }) => return Ok((node.name().to_owned(), stdout)),
                Ok(output) => {
                    let said = reason(&output);
                    return Err(StoreError::Refused { node: node.name().to_owned(), doing, said });
                }
                // Its connection is known to be lost now, so another node comes first.
                Err(error) if tries < self.cluster.nodes().len() => {
                    tracing::debug!(node = node.name(), doing, %error, "asking another node");
                }
                Err(error) => return Err(StoreError::Unreachable(vec![(node.name().to_owned(), error)])),
            }
        }
    }

    /// The failure for an error of this store.
    pub fn failure(&self, error: StoreError) -> Failure {
        match error {
            StoreError::Unreachable(errors) => self.cluster.unreachable(errors),
            StoreError::LockLost => Failure::Unhealthy {
                reasons: vec![error.to_string()],
                hint: "run the same command again; it goes on where this one stopped".into(),
            },
            StoreError::NotLocked => anyhow::Error::new(error).into(),
            StoreError::Refused { .. } => {
                Failure::Unhealthy { reasons: vec![error.to_string()], hint: "platformctl doctor".into() }
            }
        }
    }
}

/// etcdctl's answer to `txn`: Go leaves `succeeded` out when it is false.
#[derive(Deserialize)]
struct Committed {
    #[serde(default)]
    succeeded: bool,
    #[serde(default)]
    responses: serde_json::Value,
}

/// Whether a fenced transaction was made: `false` when one of its own comparisons did not hold. Of one that was not made,
/// the answer says which lock there is.
fn committed(answer: &Committed, fence: Fence) -> Result<bool, StoreError> {
    if answer.succeeded {
        return Ok(true);
    }
    match creation(&answer.responses) {
        Some(revision) if revision == fence.revision => Ok(false),
        _ => Err(StoreError::LockLost),
    }
}

/// The first revision of creation in an answer, whose outer names differ between versions of etcdctl.
fn creation(answer: &serde_json::Value) -> Option<i64> {
    match answer {
        serde_json::Value::Object(object) => object
            .get("create_revision")
            .and_then(serde_json::Value::as_i64)
            .or_else(|| object.values().find_map(creation)),
        serde_json::Value::Array(items) => items.iter().find_map(creation),
        _ => None,
    }
}

impl std::fmt::Debug for Entry {
    /// Values may be secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Entry({}, revision {})", self.key, self.revision)
    }
}

fn parse<T: for<'a> Deserialize<'a>>(node: &str, doing: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text.trim()).map_err(|error| StoreError::Refused {
        node: node.to_owned(),
        doing,
        said: format!("etcdctl's answer is not what was expected: {error}"),
    })
}

/// etcdctl's reason. With `--write-out=json` it logs one JSON object a try before it says `Error: …`.
fn reason(output: &Output) -> String {
    let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
    let error = said.lines().rev().find_map(|line| line.trim().strip_prefix("Error: "));
    let reason = error.or_else(|| said.trim().lines().last()).unwrap_or("no reason given").trim();
    match reason {
        "context deadline exceeded" | "etcdserver: request timed out" | "etcdserver: no leader" => {
            format!("{reason}: most members of etcd must be up for it to answer")
        }
        other => other.to_owned(),
    }
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_says_whether_the_lock_still_holds() {
        // As etcdctl 3.4 and 3.5 print it.
        let refused = |revision: i64| {
            let kvs =
                serde_json::json!([{"key": "L3BsYXRmb3JtLy5sb2Nr", "create_revision": revision, "mod_revision": 9}]);
            serde_json::json!({"header": {"revision": 9}, "responses": [{"Response": {"ResponseRange": {"kvs": kvs}}}]})
        };
        let fence = Fence { revision: 7 };
        let committed = |answer: &serde_json::Value| committed(&Committed::deserialize(answer).unwrap(), fence);
        assert!(committed(&serde_json::json!({"succeeded": true})).unwrap());
        assert!(!committed(&refused(7)).unwrap());
        let gone = serde_json::json!({"responses": [{"Response": {"ResponseRange": {"header": {"revision": 9}}}}]});
        for answer in [refused(8), gone, serde_json::json!({})] {
            assert!(matches!(committed(&answer), Err(StoreError::LockLost)), "{answer}");
        }
    }

    #[test]
    fn etcdctls_last_word_is_the_reason() {
        let output = |stderr: &str| Output { status: 1, stdout: String::new(), stderr: stderr.into() };
        for (stderr, expected) in [
            ("{\"level\":\"warn\"}\nError: etcdserver: mvcc: database space exceeded\n", "database space exceeded"),
            ("{\"level\":\"warn\"}\nError: context deadline exceeded\n", "most members of etcd must be up"),
            ("sh: etcdctl: not found", "etcdctl: not found"),
            ("", "no reason given"),
        ] {
            assert!(reason(&output(stderr)).contains(expected), "{stderr}");
        }
    }
}
