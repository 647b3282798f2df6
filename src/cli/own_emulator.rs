//! Whether the local emulator that is asked is the one that the cluster was made on: another says that nothing of it exists,
//! so that `create` would make it a second time, and `destroy` erase its keys.

use std::path::{Path, PathBuf};

use crate::directory::{Cloud, StoredCluster};
use azure_local::directory::Directory;
use report::Failure;

/// The folder of the emulator that the cluster is on, when that is another than the one that is asked and still holds resources.
pub(super) fn elsewhere(stored: &StoredCluster) -> Result<Option<PathBuf>, Failure> {
    let (Cloud::Local, Some(own)) = (stored.cloud, &stored.emulator) else { return Ok(None) };
    let asked = crate::local::directory()?;
    let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // One that is gone holds no machines.
    let is_elsewhere = resolved(own) != resolved(asked.root()) && Directory::new(own).resources().exists();
    Ok(is_elsewhere.then(|| own.clone()))
}

/// An error when the cluster is on another emulator, which still holds resources; `again` is the command that was given.
pub(super) fn check(stored: &StoredCluster, again: &str) -> Result<(), Failure> {
    let Some(own) = elsewhere(stored)? else { return Ok(()) };
    let asked = crate::local::directory()?;
    Err(Failure::Usage(format!(
        "the cluster was made on the local emulator in `{}`, and the one in `{}` is another; \
         `AZURE_LOCAL_DIR='{}' {again}` asks that one",
        own.display(),
        asked.root().display(),
        own.display()
    )))
}
