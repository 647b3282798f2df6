//! What a run settles about a cluster: the next run starts from it.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::ClusterDirectory;
use crate::spec::ClusterSpec;

/// Where a cluster lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    Azure,
    Local,
}

impl Cloud {
    /// As it stands in the inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Local => "local",
        }
    }
}

/// A cluster as the last run resolved it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredCluster {
    pub cloud: Cloud,
    pub subscription: String,
    /// The operator's private key, when the user named a key that lies beside one.
    pub identity: Option<std::path::PathBuf>,
    pub spec: ClusterSpec,
}

impl ClusterDirectory {
    /// What an earlier run settled; none when there was none.
    pub fn stored_cluster(&self) -> anyhow::Result<Option<StoredCluster>> {
        self.read_json(&self.spec())
    }

    /// Forgets what runs settled; keys stay.
    pub fn forget_cluster(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(self.spec()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing `{}`", self.spec().display()))
            }
            _ => Ok(()),
        }
    }

    /// Keeps what this run settled.
    pub fn store_cluster(&self, cluster: &StoredCluster) -> anyhow::Result<()> {
        self.write_json(&self.spec(), cluster)
    }
}
