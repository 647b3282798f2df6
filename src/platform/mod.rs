//! The platform on a cluster: an engine (Docker Swarm), settings (etcd), bundles of components, and apps.
//!
//! `cli/platform` calls it with an inventory; everything travels over SSH. Nothing here prints.

pub mod bundle;
pub mod cluster;
pub mod compose;
pub mod images;
pub mod store;
pub mod swarm;

use serde::{Deserialize, Serialize};

use crate::outputs::InventoryNode;
use crate::report::Failure;
use cluster::Cluster;
use store::{Store, Transaction};
use swarm::Swarm;

/// Which nodes there are, for those who reach the cluster through a tunnel and have no inventory.
const NODES_KEY: &str = "/platform/.cluster/nodes";

/// A cluster with what works on it.
#[derive(Clone, Debug)]
pub struct Platform {
    pub cluster: Cluster,
    pub store: Store,
    pub swarm: Swarm,
}

/// The nodes of a cluster as they stand in its etcd. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodesOnRecord {
    pub name: String,
    pub nodes: Vec<InventoryNode>,
}

impl Platform {
    /// The platform of `cluster`.
    pub fn new(cluster: Cluster) -> Self {
        Self { store: Store::new(cluster.clone()), swarm: Swarm::new(cluster.clone()), cluster }
    }

    /// The nodes as an earlier `install` wrote them down.
    pub async fn nodes_on_record(&self) -> Result<Option<NodesOnRecord>, Failure> {
        let entry = self.store.get(NODES_KEY).await.map_err(|error| self.store.failure(error))?;
        Ok(entry.and_then(|entry| serde_json::from_str(&entry.value).ok()))
    }

    /// Writes down which nodes there are, when that is not what is written already.
    pub async fn record_nodes(&self) -> Result<(), Failure> {
        let nodes = self.cluster.nodes().iter().map(|node| node.facts().clone()).collect();
        let record = NodesOnRecord { name: self.cluster.name().to_owned(), nodes };
        if self.nodes_on_record().await?.as_ref() == Some(&record) {
            return Ok(());
        }
        let text = serde_json::to_string(&record).map_err(anyhow::Error::from)?;
        let written = self.store.commit(&Transaction::new().put(NODES_KEY, &text)).await;
        written.map(drop).map_err(|error| self.store.failure(error))
    }
}
