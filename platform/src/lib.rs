//! The platform on a cluster: an engine (Docker Swarm), settings (etcd), bundles of components, and apps.
//!
//! From a cluster's inventory to what runs on it; everything travels over SSH. `cli` has the commands of `platformctl`, the
//! only module that knows the environment; nothing else prints.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod apps;
pub mod bundle;
pub mod cli;
pub mod compose;
pub mod container;
pub mod doctor;
pub mod images;
pub mod journal;
pub mod lifecycle;
pub mod settings;
pub mod swarm;
pub mod target;

use nodes::cluster::{Cluster, ClusterFacts};
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
}

impl Platform {
    /// The platform of `cluster`.
    pub fn new(cluster: Cluster) -> Self {
        Self { store: Store::new(cluster.clone()), swarm: Swarm::new(cluster.clone()), cluster }
    }

    /// What an earlier `install` wrote down of the cluster.
    pub async fn facts_on_record(&self) -> Result<Option<ClusterFacts>, Failure> {
        let entry = self.store.get(FACTS_KEY).await.map_err(|error| self.store.failure(error))?;
        Ok(entry.and_then(|entry| serde_json::from_str(&entry.value).ok()))
    }

    /// Writes down what the cluster consists of, when that is not what is written already.
    pub async fn record_facts(&self) -> Result<(), Failure> {
        if self.facts_on_record().await?.as_ref() == Some(self.cluster.facts()) {
            return Ok(());
        }
        let text = serde_json::to_string(self.cluster.facts()).map_err(anyhow::Error::from)?;
        let written = self.store.commit(&Transaction::new().put(FACTS_KEY, &text)).await;
        written.map(drop).map_err(|error| self.store.failure(error))
    }
}
