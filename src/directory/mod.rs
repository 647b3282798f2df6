//! A cluster's directory: what cannot be asked of Azure again, and what a user goes on with.
//!
//! Every file is written whole, mode 0600, and renamed into place, so that a run that is killed leaves either the old
//! file or the new one. No file needs the directory to stay where it is: paths in them are relative to it.

mod file;
mod inventory;
mod lock;
mod material;
mod retire;
mod stored;

pub(crate) use lock::DirectoryLock;
pub(crate) use retire::{clear_leftovers, removed_cluster};
pub(crate) use stored::{Bound, Cloud, ClusterPlace, StoredCluster};

use std::path::{Path, PathBuf};

use nodes::clusters::{self, SPEC_FILE, clusters_home};
use report::access;

use crate::spec::ClusterName;

/// The same once more: what users edit or a disk loses is one file.
const SPEC_COPY: &str = "spec.copy.json";

/// The directory of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterDirectory {
    root: PathBuf,
}

impl ClusterDirectory {
    /// The cluster's directory: below `state_directory` when given, else below the user's state folder.
    pub(crate) fn locate(state_directory: Option<&Path>, name: &ClusterName) -> anyhow::Result<Self> {
        Ok(Self { root: clusters_home(state_directory)?.join(name.as_str()) })
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is such a directory; an error when that may not be seen.
    pub(crate) fn exists(&self) -> anyhow::Result<bool> {
        access(self.root.try_exists(), &self.root, "looking for")
    }

    /// The cluster's name.
    pub(crate) fn name(&self) -> &str {
        self.root.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or("NAME")
    }

    /// A file of the directory.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// The spec as it was resolved when the cluster was last created.
    pub(crate) fn spec(&self) -> PathBuf {
        self.path(SPEC_FILE)
    }

    /// What exists, for people and programs.
    pub(crate) fn inventory(&self) -> PathBuf {
        self.path(clusters::INVENTORY_FILE)
    }

    /// For `ssh -F`.
    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.path("ssh_config")
    }

    /// The nodes' pinned host keys.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }

    /// The operator's private key, when we made it.
    pub(crate) fn identity(&self) -> PathBuf {
        self.path("id_ed25519")
    }

    /// The keys of the cluster's certificate authority.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("authority.json")
    }

    /// The keys of a node.
    pub(crate) fn node_keys(&self, node: &str) -> PathBuf {
        self.path(&format!("nodes/{node}.json"))
    }
}

#[cfg(test)]
mod tests;
