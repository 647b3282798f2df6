//! One run at a time per cluster: two runs that write the same resources would only get in each other's way.

use std::fs::{File, OpenOptions, TryLockError};

use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::Context as _;

use super::ClusterDirectory;

/// The lock's file in a cluster's directory.
pub(super) const FILE: &str = "lock";

/// Held while a command writes; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock; an error when another run holds it.
    pub fn acquire(directory: &ClusterDirectory) -> anyhow::Result<Self> {
        let path = directory.path(FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("opening `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                anyhow::bail!("another run works on this cluster (it holds `{}`)", path.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking `{}`", path.display())),
        }
    }
}
