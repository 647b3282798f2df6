//! A cluster's directory: what cannot be asked of Azure again, and what a user goes on with.
//!
//! Every file is written whole, mode 0600, and renamed into place, so that a run that is killed leaves either the old
//! file or the new one.

mod lock;
mod material;
mod stored;

pub use lock::DirectoryLock;
pub use stored::{Cloud, StoredCluster};

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nodes::clusters::clusters_home;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::spec::ClusterName;

/// The directory of one cluster.
#[derive(Clone, Debug)]
pub struct ClusterDirectory {
    root: PathBuf,
}

impl ClusterDirectory {
    /// The cluster's directory: below `state_directory` when given, else below the user's state folder.
    pub fn locate(state_directory: Option<&Path>, name: &ClusterName) -> anyhow::Result<Self> {
        Ok(Self { root: clusters_home(state_directory)?.join(name.as_str()) })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the directory.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// The spec as it was resolved when the cluster was last created.
    pub fn spec(&self) -> PathBuf {
        self.path("spec.json")
    }

    /// What exists, for people and programs.
    pub fn inventory(&self) -> PathBuf {
        self.path("inventory.json")
    }

    /// For `ssh -F`.
    pub fn ssh_config(&self) -> PathBuf {
        self.path("ssh_config")
    }

    /// The nodes' pinned host keys.
    pub fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }

    /// The operator's private key, when we made it.
    pub fn identity(&self) -> PathBuf {
        self.path("id_ed25519")
    }

    /// Makes the directory, mode 0700.
    pub fn create(&self) -> anyhow::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .with_context(|| format!("creating `{}`", self.root.display()))
    }

    /// Writes `content` to `file` atomically, mode 0600.
    pub fn write(&self, file: &Path, content: &str) -> anyhow::Result<()> {
        let write = || -> anyhow::Result<()> {
            let folder = file.parent().unwrap_or(&self.root);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let mut temporary =
                tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
            temporary.write_all(content.as_bytes())?;
            temporary.as_file().sync_all()?;
            temporary.persist(file)?;
            Ok(())
        };
        write().with_context(|| format!("writing `{}`", file.display()))
    }

    /// Writes `value` as JSON.
    pub fn write_json(&self, file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.write(file, &text)
    }

    /// The JSON document in `file`; none when there is no such file.
    pub fn read_json<T: DeserializeOwned>(&self, file: &Path) -> anyhow::Result<Option<T>> {
        let Some(text) = self.read(file)? else { return Ok(None) };
        let value = serde_json::from_str(&text).with_context(|| self.damaged(file))?;
        Ok(Some(value))
    }

    /// What to do about a file that we wrote and that cannot be read any more.
    fn damaged(&self, file: &Path) -> String {
        let remedy = if file == self.spec() {
            "remove it, and create the cluster again with the options of the first time: what exists is taken up"
        } else if file == self.inventory() {
            "remove it, and run `azure-coreos-cluster` with the cluster's name: it is written anew"
        } else {
            "restore it from a copy: machines that exist hold the other half of these keys"
        };
        format!("`{}` is damaged; {remedy}", file.display())
    }

    /// The text of `file`; none when there is no such file.
    pub fn read(&self, file: &Path) -> anyhow::Result<Option<String>> {
        match fs::read_to_string(file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading `{}`", file.display())),
        }
    }

    /// Removes the directory when there is nothing in it but a lock, so that a copy can take its place.
    pub fn remove_unused(&self) -> anyhow::Result<()> {
        let mut entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        if entries.all(|entry| entry.file_name() == lock::FILE) { self.remove() } else { Ok(()) }
    }

    /// Removes the directory with everything in it.
    pub fn remove(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing `{}`", self.root.display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_private_and_replaced_whole() {
        let home = tempfile::tempdir().unwrap();
        let directory = ClusterDirectory::locate(Some(home.path()), &"mycluster".parse().unwrap()).unwrap();
        directory.create().unwrap();
        let file = directory.path("nodes/secret.json");
        assert_eq!(directory.read_json::<String>(&file).unwrap(), None);
        for text in ["one", "two"] {
            directory.write_json(&file, &text).unwrap();
            assert_eq!(directory.read_json::<String>(&file).unwrap().as_deref(), Some(text));
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(directory.root())), (0o600, 0o700));
        assert_eq!(fs::read_dir(directory.path("nodes")).unwrap().count(), 1, "no temporary file is left");
        for (name, remedy) in
            [("spec.json", "options of the first time"), ("inventory.json", "written anew"), ("nodes/a.json", "a copy")]
        {
            let file = directory.path(name);
            directory.write(&file, "{\"cut").unwrap();
            let said = format!("{:#}", directory.read_json::<String>(&file).unwrap_err());
            assert!(said.contains(&file.display().to_string()) && said.contains(remedy), "{said}");
        }
        directory.remove_unused().unwrap();
        assert!(directory.root().exists());
        directory.remove().unwrap();
        assert!(!directory.root().exists());
        directory.create().unwrap();
        directory.write(&directory.path(lock::FILE), "").unwrap();
        directory.remove_unused().unwrap();
        assert!(!directory.root().exists());
    }
}
