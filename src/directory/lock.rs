//! One run at a time per cluster: two runs that write the same resources would only get in each other's way.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use report::{Mendable, access};

use super::ClusterDirectory;

/// The lock's file in a cluster's directory.
pub(super) const FILE: &str = "lock";

/// How often the directory may be replaced while its lock is taken.
const TRIES: usize = 5;

/// Held while a command writes; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock; an error when another run holds it. Clears what killed runs left beside the directory.
    pub(crate) fn acquire(directory: &ClusterDirectory) -> anyhow::Result<Self> {
        let path = directory.path(FILE);
        super::clear_leftovers(directory.root().parent().unwrap_or(directory.root()))?;
        for _ in 0..TRIES {
            let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
            let file = access(opened, &path, "opening")?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let message = format!("another run works on this cluster (it holds `{}`)", path.display());
                    return Err(Mendable::usage(message, "wait for it, then run again").into());
                }
                Err(TryLockError::Error(error)) => access(Err(error), &path, "locking")?,
            }
            // A directory that was removed meanwhile has taken its lock along.
            let is_same = |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
            match std::fs::metadata(&path) {
                Ok(named) if is_same(&named, &access(file.metadata(), &path, "reading")?) => {
                    return Ok(Self { _file: file });
                }
                Err(error) if error.kind() != ErrorKind::NotFound => access(Err(error), &path, "reading")?,
                _ => directory.create()?,
            }
        }
        Err(Mendable::usage("other runs are removing and making this cluster", "wait for them, then run again").into())
    }
}
