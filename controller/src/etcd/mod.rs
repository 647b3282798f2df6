//! The cluster's etcd, by its JSON gateway: <https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/>. Ranges are read, transactions
//! written, leases kept.
//!
//! Certificates are the node's own. They are read anew when no member answers: they may have been rotated.

mod environment;
mod transaction;

use environment::EtcdEnvironment;
pub use transaction::Transaction;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::outbound::{Outbound, Trust};

/// For one member's answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// etcd's documents are small; all certificates of a cluster come in one answer.
const MOST_BYTES: usize = 64 << 20;

/// The store.
#[derive(Clone, Debug)]
pub struct Etcd {
    /// The file that says how etcd is reached.
    environment: Arc<Path>,
    members: Arc<RwLock<Arc<Members>>>,
}

#[derive(Debug)]
struct Members {
    outbound: Outbound,
    endpoints: Vec<String>,
    /// The one that answered last.
    preferred: AtomicUsize,
}

/// A key with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub value: String,
    /// etcd's revision of the last change of this key; starts at 1.
    pub revision: i64,
}

/// Why etcd did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {said}")]
pub struct EtcdError {
    doing: &'static str,
    said: String,
}

impl EtcdError {
    /// What was being done, and why it was not.
    pub(crate) fn new(doing: &'static str, said: impl Into<String>) -> Self {
        Self { doing, said: said.into() }
    }
}

/// What is held while its holder lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(i64);

impl Lease {
    /// As etcd writes it.
    pub(crate) fn id(self) -> String {
        self.0.to_string()
    }
}

/// The gateway writes 64-bit numbers as texts, and leaves out what is zero.
#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
    mod_revision: String,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    kvs: Vec<Pair>,
}

impl Etcd {
    /// Reads how etcd is reached, from a file of variables as nodes have it in `/etc/environment`; asks nothing yet.
    pub fn new(environment: &Path) -> anyhow::Result<Self> {
        let members = Arc::new(RwLock::new(Arc::new(Members::read(environment)?)));
        Ok(Self { environment: environment.into(), members })
    }

    /// All entries whose key starts with `prefix`, sorted by key.
    pub async fn range(&self, prefix: &str) -> Result<Vec<Entry>, EtcdError> {
        self.entries(json!({"key": STANDARD.encode(prefix), "range_end": STANDARD.encode(after(prefix))})).await
    }

    /// The same without values.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<Entry>, EtcdError> {
        let (key, end) = (STANDARD.encode(prefix), STANDARD.encode(after(prefix)));
        self.entries(json!({"key": key, "range_end": end, "keys_only": true})).await
    }

    /// The entry of `key`.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, EtcdError> {
        Ok(self.entries(json!({"key": STANDARD.encode(key)})).await?.pop())
    }

    /// Does everything in `transaction` or, when a comparison does not hold, nothing; says which.
    pub async fn commit(&self, transaction: &Transaction) -> Result<bool, EtcdError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            succeeded: bool,
        }
        let answer: Answer = self.ask("writing to etcd", "/v3/kv/txn", &transaction.document()).await?;
        Ok(answer.succeeded)
    }

    /// A lease that ends by itself after so long, and with it all keys that were put under it.
    pub async fn grant(&self, life: Duration) -> Result<Lease, EtcdError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "ID")]
            id: String,
        }
        let doing = "taking a lease from etcd";
        let answer: Answer = self.ask(doing, "/v3/lease/grant", &json!({"TTL": life.as_secs().to_string()})).await?;
        let unclear = |_| EtcdError { doing, said: format!("`{}` is no lease", answer.id) };
        answer.id.parse().map(Lease).map_err(unclear)
    }

    /// Lets the lease live on; `false` when it has ended already.
    pub async fn keep_alive(&self, lease: Lease) -> Result<bool, EtcdError> {
        #[derive(Deserialize)]
        struct Answer {
            result: Kept,
        }
        #[derive(Deserialize)]
        struct Kept {
            #[serde(rename = "TTL", default)]
            seconds: String,
        }
        let doing = "renewing a lease of etcd's";
        let answer: Answer = self.ask(doing, "/v3/lease/keepalive", &json!({"ID": lease.id()})).await?;
        Ok(!matches!(answer.result.seconds.as_str(), "" | "0"))
    }

    /// Ends a lease, and removes what was put under it.
    pub async fn revoke(&self, lease: Lease) -> Result<(), EtcdError> {
        let _: Value = self.ask("ending a lease of etcd's", "/v3/lease/revoke", &json!({"ID": lease.id()})).await?;
        Ok(())
    }

    async fn entries(&self, question: Value) -> Result<Vec<Entry>, EtcdError> {
        let doing = "reading from etcd";
        let answer: Range = self.ask(doing, "/v3/kv/range", &question).await?;
        let text = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let entries = answer.kvs.iter().map(|Pair { key, value, mod_revision }| {
            Some(Entry { key: text(key)?, value: text(value)?, revision: mod_revision.parse().ok()? })
        });
        entries.collect::<Option<Vec<_>>>().ok_or_else(|| EtcdError {
            doing,
            said: "a key or a value is not text; nothing that the platform writes is".into(),
        })
    }

    /// The first member's answer, beginning with the one that answered last. What is written twice is the same: transactions
    /// compare.
    async fn ask<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        path: &str,
        question: &Value,
    ) -> Result<T, EtcdError> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner).clone();
        let first = members.preferred.load(Ordering::Relaxed);
        let mut said = Vec::new();
        for offset in 0..members.endpoints.len() {
            let index = (first + offset) % members.endpoints.len();
            let endpoint = &members.endpoints[index];
            match members.ask(endpoint, path, question).await {
                Ok(answer) => {
                    members.preferred.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => said.push(format!("{endpoint}: {error}")),
            }
        }
        match Members::read(&self.environment) {
            Ok(anew) => *self.members.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(anew),
            Err(error) => tracing::debug!("{error:#}"),
        }
        Err(EtcdError { doing, said: said.join("; ") })
    }
}

impl Members {
    fn read(environment: &Path) -> anyhow::Result<Self> {
        let read = EtcdEnvironment::read(environment).map_err(|error| anyhow::anyhow!("{error}"))?;
        let EtcdEnvironment { endpoints, authority, certificate, key } = read;
        let outbound = Outbound::new(Trust::only(&authority)?, Some((&certificate, &key)))?;
        Ok(Self { outbound, endpoints, preferred: AtomicUsize::new(0) })
    }

    async fn ask<T: DeserializeOwned>(&self, endpoint: &str, path: &str, question: &Value) -> Result<T, String> {
        let request = Request::post(format!("{endpoint}{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(question.to_string()))
            .map_err(|error| error.to_string())?;
        let answer = self.outbound.send(request, MOST_BYTES, TIMEOUT).await?;
        if !answer.status.is_success() {
            #[derive(Deserialize)]
            struct Refusal {
                #[serde(alias = "error")]
                message: String,
            }
            let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
            return Err(refusal.map_or_else(|| answer.status.to_string(), |refusal| refusal.message));
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("the answer is not what was expected: {error}"))
    }
}

impl std::fmt::Debug for Entry {
    /// Values may be secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Entry({}, revision {})", self.key, self.revision)
    }
}

/// The end of the range of all keys that start with `prefix`, which ends with a character of ASCII.
fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
