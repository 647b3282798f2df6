//! The certificates that etcd keeps, followed for as long as the program runs. `cli` starts it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use routing::{CERTIFICATES, StoredCertificate, UPLOADED};
use tokio::sync::watch;

use crate::certificate::Certificate;
use crate::etcd::{Entry, Etcd, EtcdError};
use crate::shown::Known;

/// Names and revisions are asked for so often, the documents when one has changed.
const PAUSE: Duration = Duration::from_secs(1);

/// What etcd keeps; none before it was read for the first time. It stays while etcd does not answer.
pub type Certificates = Option<Arc<[Known]>>;

/// Keeps `known` up to date; never returns.
pub async fn follow(etcd: Etcd, known: watch::Sender<Certificates>) {
    let mut seen: Vec<(String, i64)> = Vec::new();
    let mut trouble: Option<EtcdError> = None;
    let mut told: HashMap<String, String> = HashMap::new();
    loop {
        let is_known = known.borrow().is_some();
        match read(&etcd, &seen, is_known).await {
            Ok(found) => {
                if trouble.take().is_some() {
                    tracing::info!("etcd answers again");
                }
                if let Some(entries) = found {
                    seen = entries.iter().map(|entry| (entry.key.clone(), entry.revision)).collect();
                    let (certificates, mistakes) = understood(&entries);
                    for (id, mistake) in &mistakes {
                        if told.get(id) != Some(mistake) {
                            tracing::warn!("certificate `{id}` is not given to routers: {mistake}");
                        }
                    }
                    told = mistakes;
                    tracing::info!("routers get {} certificates of domains", certificates.len());
                    known.send_replace(Some(certificates.into()));
                }
            }
            Err(error) => {
                if trouble.as_ref() != Some(&error) {
                    tracing::warn!("{error}; routers keep the certificates that they have");
                }
                trouble = Some(error);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// All documents, unless they are those that were seen.
async fn read(etcd: &Etcd, seen: &[(String, i64)], is_known: bool) -> Result<Option<Vec<Entry>>, EtcdError> {
    let now = etcd.keys(CERTIFICATES).await?;
    let is_same = now.iter().map(|entry| (&entry.key, entry.revision)).eq(seen.iter().map(|(key, at)| (key, *at)));
    if is_known && is_same { Ok(None) } else { etcd.range(CERTIFICATES).await.map(Some) }
}

/// Those that routers take, and why the others are left out.
fn understood(entries: &[Entry]) -> (Vec<Known>, HashMap<String, String>) {
    let (mut certificates, mut mistakes) = (Vec::new(), HashMap::new());
    for entry in entries {
        let id = entry.key.strip_prefix(CERTIFICATES).unwrap_or(&entry.key).to_owned();
        let stored: Result<StoredCertificate, String> =
            // serde's words would repeat what stands there.
            serde_json::from_str(&entry.value).map_err(|_| "its document in etcd is damaged".to_owned());
        let read =
            stored.and_then(|stored| Certificate::read(&stored.chain, &stored.key).map_err(|error| error.to_string()));
        match read {
            Ok(certificate) => certificates.push(Known {
                is_uploaded: entry.key.starts_with(UPLOADED),
                certificate: Arc::new(certificate),
                id,
            }),
            Err(mistake) => drop(mistakes.insert(id, mistake)),
        }
    }
    (certificates, mistakes)
}
