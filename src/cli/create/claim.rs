//! A run's claim to a cluster: its directory, locked. A run that comes to nothing leaves no directory behind.

use std::path::{Path, PathBuf};

use crate::directory::{ClusterDirectory, DirectoryLock};
use crate::spec::ClusterName;
use report::Failure;

/// Held while a cluster is created or changed.
#[derive(Debug)]
pub(super) struct Claim {
    directory: ClusterDirectory,
    /// Folders around it that were not there before, the innermost first.
    made: Vec<PathBuf>,
    _lock: DirectoryLock,
}

impl Claim {
    /// Claims the cluster of this name in the folder of clusters; an error when another run has it.
    pub(super) fn take(state_dir: Option<&Path>, name: &ClusterName) -> Result<Self, Failure> {
        let directory = ClusterDirectory::locate(state_dir, name)?;
        let around = directory.root().ancestors().skip(1);
        let made = around.take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        directory.create()?;
        let lock = DirectoryLock::acquire(&directory)?;
        Ok(Self { directory, made, _lock: lock })
    }
}

impl Drop for Claim {
    /// A copy of the directory from elsewhere can then take its place.
    fn drop(&mut self) {
        if let Err(error) = self.directory.remove_unused() {
            tracing::warn!("{error:#}");
        }
        // Only folders that are empty can be removed so.
        let is_left = |folder: &PathBuf| std::fs::remove_dir(folder).is_ok();
        let _ = self.made.iter().all(is_left);
    }
}
