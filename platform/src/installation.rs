//! Which bundle is installed, as it stands in the cluster's etcd: the files themselves, so that what runs can be
//! compared with what comes after it, from any machine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Platform;
use crate::bundle::Bundle;
use nodes::etcd::Transaction;
use report::Failure;

const KEY: &str = "/platform/.bundle";

/// The bundle on a cluster.
#[derive(Clone, Debug)]
pub struct Installation {
    pub bundle: Bundle,
}

/// The record that was read last, and its bundle: a command asks several times, and the same text is the same bundle.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastRead(Arc<Mutex<Option<(String, Bundle)>>>);

impl LastRead {
    fn bundle(&self, text: &str) -> Result<Bundle, Failure> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bundle)) = last.as_ref().filter(|(earlier, _)| earlier == text) {
            return Ok(bundle.clone());
        }
        let record: Record = serde_json::from_str(text)
            .map_err(|error| anyhow::anyhow!("etcd's record of the installed bundle (`{KEY}`) is damaged: {error}"))?;
        let bundle = Bundle::installed(record.files, &format!("{} {}", record.name, record.version))?;
        *last = Some((text.to_owned(), bundle.clone()));
        Ok(bundle)
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    version: String,
    files: BTreeMap<String, String>,
}

impl Platform {
    /// The installed bundle; none before `install` and after `uninstall`.
    pub async fn installation(&self) -> Result<Option<Installation>, Failure> {
        let entry = self.store.get(KEY).await.map_err(|error| self.store.failure(error))?;
        let Some(entry) = entry else { return Ok(None) };
        let bundle = self.last_read.bundle(&entry.value)?;
        Ok(Some(Installation { bundle }))
    }

    /// The installed bundle, or the failure that says how to install one.
    pub async fn require_installation(&self) -> Result<Installation, Failure> {
        self.installation().await?.ok_or_else(|| Failure::Unhealthy {
            reasons: vec![format!("no platform is installed on cluster `{}`", self.cluster.name())],
            hint: "platformctl install platform".into(),
        })
    }

    pub(crate) async fn record_installation(&self, bundle: &Bundle) -> Result<(), Failure> {
        let record =
            Record { name: bundle.name.clone(), version: bundle.version.to_string(), files: bundle.files().clone() };
        let text = serde_json::to_string(&record).map_err(anyhow::Error::from)?;
        self.commit(&Transaction::new().put(KEY, &text)).await
    }

    pub(crate) async fn forget_installation(&self) -> Result<(), Failure> {
        self.commit(&Transaction::new().delete(KEY)).await
    }

    async fn commit(&self, transaction: &Transaction) -> Result<(), Failure> {
        self.store.commit(transaction).await.map(drop).map_err(|error| self.store.failure(error))
    }
}
