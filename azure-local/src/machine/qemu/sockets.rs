//! Where unix sockets lie: their paths must stay shorter than 108 bytes, however deep the machines' folder is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::folder::{create_private, short_hash};

/// `sun_path` holds 108 bytes with its final zero.
const LONGEST_PATH_BYTES: usize = 107;

/// `/` and the eight digits and the ending of a socket's name.
const NAME_BYTES: usize = 14;

/// The folder that holds them.
pub(super) struct Sockets {
    folder: PathBuf,
}

impl Sockets {
    /// Makes the folder: beside the machines when their path is short enough, else in the user's runtime folder or the
    /// folder for temporary files.
    pub(super) fn new(machines_directory: &Path) -> Result<Self> {
        let beside = machines_directory.join("sockets");
        let folder = if beside.as_os_str().len() + NAME_BYTES <= LONGEST_PATH_BYTES {
            beside
        } else {
            let name = format!("azure-local-{}", short_hash(&machines_directory.to_string_lossy()));
            std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from).join(name)
        };
        create_private(&folder).with_context(|| format!("creating `{}`", folder.display()))?;
        // The name can be known beforehand: in a folder open to all, somebody else may have been quicker.
        let metadata = fs::symlink_metadata(&folder).with_context(|| format!("looking at `{}`", folder.display()))?;
        let own = fs::metadata("/proc/self").context("looking at `/proc/self`")?.uid();
        if !metadata.is_dir() || metadata.uid() != own || metadata.mode() & 0o077 != 0 {
            bail!("`{}` is not a private folder of this user", folder.display());
        }
        Ok(Self { folder })
    }

    /// The socket of a virtual network's segment.
    pub(super) fn of_network(&self, network: &str) -> PathBuf {
        self.folder.join(format!("{}.sock", short_hash(network)))
    }

    /// Removes the folder and what is left in it.
    pub(super) fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_machines_folder_gets_short_sockets() {
        let directory = tempfile::tempdir().expect("a folder");
        let near = Sockets::new(directory.path()).expect("a folder");
        assert!(near.of_network("/x/vnet").starts_with(directory.path()));
        near.remove();
        assert!(!directory.path().join("sockets").exists());

        let deep = Sockets::new(&directory.path().join("d".repeat(100))).expect("a folder");
        let path = deep.of_network("/x/vnet");
        assert!(path.as_os_str().len() <= LONGEST_PATH_BYTES, "{}", path.display());
        deep.remove();
        assert!(!path.parent().expect("a folder").exists());
    }
}
