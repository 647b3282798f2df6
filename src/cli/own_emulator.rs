//! Whether the local emulator that is asked is the one that the cluster was made on: another says that nothing of it exists,
//! so that `create` would make it a second time, and `destroy` erase its keys.

use crate::directory::{Cloud, StoredCluster};
use azure_local::directory::Directory;
use report::Failure;

/// An error when the cluster is on another emulator, which still holds resources; `again` is the command that was given.
pub(super) fn check(stored: &StoredCluster, again: &str) -> Result<(), Failure> {
    let (Cloud::Local, Some(own)) = (stored.cloud, &stored.emulator) else { return Ok(()) };
    let asked = crate::local::directory()?;
    // One that is gone holds no machines.
    if own == asked.root() || !Directory::new(own).resources().exists() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "the cluster was made on the local emulator in `{}`, and the one in `{}` is another; \
         `AZURE_LOCAL_DIR='{}' {again}` asks that one",
        own.display(),
        asked.root().display(),
        own.display()
    )))
}
