//! The platform on a cluster: an engine (Docker Swarm), settings (etcd), bundles of components, and apps.
//!
//! From a cluster's inventory to what runs on it; everything travels over SSH. `cli` has the commands of `platformctl`, the
//! only module that knows the environment; nothing else prints.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod apps;
pub mod bundle;
pub(crate) mod certificates;
pub mod cli;
pub mod compose;
pub(crate) mod container;
pub(crate) mod database;
pub(crate) mod doctor;
pub(crate) mod images;
pub(crate) mod installation;
pub(crate) mod journal;
pub(crate) mod lifecycle;
pub(crate) mod repetition;
pub(crate) mod settings;
pub mod swarm;
pub(crate) mod target;
#[cfg(test)]
mod tests;

use installation::LastRead;
use lifecycle::name_resolution::{self, Lookup};
use nodes::cluster::{Cluster, ClusterFacts, ClusterLock};
use nodes::etcd::{Store, Transaction};
use report::Failure;
use swarm::Swarm;

/// What the cluster consists of, for those who reach it through a tunnel and have no inventory.
const FACTS_KEY: &str = "/platform/.cluster/facts";

/// A cluster with what works on it.
#[derive(Clone, Debug)]
pub struct Platform {
    pub cluster: Cluster,
    pub store: Store,
    pub swarm: Swarm,
    pub(crate) last_read: LastRead,
    pub(crate) lookup: Lookup,
}

impl Platform {
    /// The platform of `cluster`.
    pub fn new(cluster: Cluster) -> Self {
        let (store, swarm) = (Store::new(cluster.clone()), Swarm::new(cluster.clone()));
        Self { cluster, store, swarm, last_read: LastRead::default(), lookup: name_resolution::of_system }
    }

    /// The same platform on the cluster as it is now.
    pub fn on(&self, cluster: Cluster) -> Self {
        Self { cluster, ..self.clone() }
    }

    /// The same for who holds the cluster's lock, who alone may write.
    pub fn locked(self, lock: &ClusterLock) -> Self {
        Self { store: self.store.fenced(lock.fence()), ..self }
    }

    /// Whether etcd answers, so that most of its members are up.
    pub async fn check_store(&self) -> Result<(), Failure> {
        self.store.get(FACTS_KEY).await.map(drop).map_err(|error| self.store.failure(error))
    }

    /// What an earlier `install` wrote down of the cluster.
    pub async fn facts_on_record(&self) -> Result<Option<ClusterFacts>, Failure> {
        let entry = self.store.get(FACTS_KEY).await.map_err(|error| self.store.failure(error))?;
        let Some(entry) = entry else { return Ok(None) };
        let facts = serde_json::from_str(&entry.value).map_err(|error| Failure::Unhealthy {
            reasons: vec![format!("etcd's record of the cluster's nodes (`{FACTS_KEY}`) is damaged: {error}")],
            hint: "platformctl install platform writes it anew, run where the cluster was created (--cluster NAME)"
                .into(),
        })?;
        Ok(Some(facts))
    }

    /// Writes down what the cluster consists of, when that is not what is written already.
    pub async fn record_facts(&self) -> Result<(), Failure> {
        // One that is damaged is written anew like one that is missing.
        if self.facts_on_record().await.ok().flatten().as_ref() == Some(self.cluster.facts()) {
            return Ok(());
        }
        let text = serde_json::to_string(self.cluster.facts()).map_err(anyhow::Error::from)?;
        let written = self.store.commit(&Transaction::new().put(FACTS_KEY, &text)).await;
        written.map(drop).map_err(|error| self.store.failure(error))
    }
}
