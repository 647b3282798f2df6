//! What a run settles about a cluster: the next run starts from it.

use nodes::portable_path::{portable, resolved};
use serde::{Deserialize, Serialize};

use super::{ClusterDirectory, SPEC_COPY};
use crate::spec::{AzureCloud, SettledSpec};

/// Where a cluster lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cloud {
    Azure,
    Local,
}

impl Cloud {
    /// The one that an inventory names so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Azure, Self::Local].into_iter().find(|cloud| cloud.as_str() == name)
    }

    /// As it stands in the inventory.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Local => "local",
        }
    }
}

/// How far what was settled binds the next run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bound {
    /// No machine exists, nor anything that is made for one: only where the resources are cannot change.
    Resources,
    /// Machines exist, or may.
    #[default]
    Machines,
}

/// A cluster as the last run resolved it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredCluster {
    pub cloud: Cloud,
    pub subscription: String,
    /// The operator's private key, when the user named a key that lies beside one.
    pub identity: Option<std::path::PathBuf>,
    #[serde(default)]
    pub bound: Bound,
    /// The folder of the emulator that it was made on; another emulator knows nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulator: Option<std::path::PathBuf>,
    /// Nodes from this index on are being taken away: they may have left etcd and the swarm, and their machines still exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrinking_to: Option<u32>,
    pub spec: SettledSpec,
}

/// Where a cluster is: what a connection must know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClusterPlace {
    pub cloud: Cloud,
    /// Which of Azure's; none when only its inventory is left, which does not tell.
    pub azure_cloud: Option<AzureCloud>,
    pub subscription: String,
}

impl StoredCluster {
    /// Where the cluster is.
    pub(crate) fn place(&self) -> ClusterPlace {
        let (cloud, subscription) = (self.cloud, self.subscription.clone());
        ClusterPlace { cloud, azure_cloud: Some(self.spec.cloud), subscription }
    }
}

impl ClusterDirectory {
    /// What an earlier run settled; none when there was none. A file that is lost or damaged is made good by its copy.
    pub(crate) fn stored_cluster(&self) -> anyhow::Result<Option<StoredCluster>> {
        let spec = self.read_json(&self.spec());
        let stored = match spec {
            Ok(Some(stored)) => Some(stored),
            lost_or_damaged => match (lost_or_damaged, self.read_json(&self.path(SPEC_COPY))) {
                (_, Ok(Some(copy))) => Some(copy),
                (Ok(None), copy) => copy?,
                (damaged, _) => damaged?,
            },
        };
        let resolved = |stored: StoredCluster| StoredCluster {
            identity: stored.identity.as_deref().map(|path| resolved(self.root(), path)),
            emulator: stored.emulator.as_deref().map(|path| resolved(self.root(), path)),
            ..stored
        };
        Ok(stored.map(resolved))
    }

    /// Why what an earlier run settled comes from its copy; none when it does not, or when the copy cannot be read either.
    pub(crate) fn spec_damage(&self) -> Option<String> {
        let damage = match self.read_json::<StoredCluster>(&self.spec()) {
            Ok(Some(_)) => return None,
            Ok(None) => format!("`{}` is gone", self.spec().display()),
            Err(error) => error.to_string(),
        };
        let copy = self.read_json::<StoredCluster>(&self.path(SPEC_COPY));
        matches!(copy, Ok(Some(_))).then_some(damage)
    }

    /// Forgets what runs settled, and the keys of nodes, which name their addresses; the authority's and the operator's
    /// stay. Only for a cluster without machines.
    pub(crate) fn forget_cluster(&self) -> anyhow::Result<()> {
        self.forget_nodes()?;
        Self::remove_file(&self.spec())?;
        Self::remove_file(&self.path(SPEC_COPY))
    }

    /// Keeps of what runs settled only what binds a cluster that has no machines.
    pub(crate) fn loosen_cluster(&self) -> anyhow::Result<()> {
        self.forget_nodes()?;
        match self.stored_cluster()? {
            Some(stored) => self.store_cluster(&StoredCluster { bound: Bound::Resources, ..stored }),
            None => Ok(()),
        }
    }

    /// Keeps what this run settled.
    pub(crate) fn store_cluster(&self, cluster: &StoredCluster) -> anyhow::Result<()> {
        let identity = cluster.identity.as_deref().map(|path| portable(self.root(), path));
        let emulator = cluster.emulator.as_deref().map(|path| portable(self.root(), path));
        let portable = StoredCluster { identity, emulator, ..cluster.clone() };
        self.unretire()?;
        self.write_json(&self.spec(), &portable)?;
        self.write_json(&self.path(SPEC_COPY), &portable)
    }
}
