//! The end of a cluster's directory: one rename, so that whoever is killed leaves no secret under a cluster's name, then
//! the removal; and a record, by which a second `destroy` tells a cluster that is gone from one that never was.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nodes::clusters::SPEC_FILE;
use report::access;
use serde::{Deserialize, Serialize};

use super::{ClusterDirectory, SPEC_COPY};
use crate::spec::ClusterName;

/// What folders are called that are on their way out. No cluster's name begins with a full stop.
const REMOVING: &str = ".removing-";
/// Records of removed clusters, one file each, nothing secret in them.
const REMOVED: &str = ".removed";

/// A cluster that `destroy` removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedCluster {
    /// When, RFC 3339.
    pub removed: String,
}

impl ClusterDirectory {
    /// Removes the directory with everything in it, and keeps a record that says so.
    pub(crate) fn retire(&self, now: &str) -> anyhow::Result<()> {
        self.write_json(&self.record(), &RemovedCluster { removed: now.to_owned() })?;
        let home = self.home();
        let away = tempfile::Builder::new().prefix(&format!("{REMOVING}{}-", self.name())).tempdir_in(home);
        // A folder takes the place of an empty one in one step; rename(2).
        let away = access(away, home, "writing to")?.keep();
        match fs::rename(self.root(), &away) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            renamed => access(renamed, self.root(), "renaming")?,
        }
        access(fs::File::open(home).and_then(|home| home.sync_all()), home, "writing to")?;
        access(fs::remove_dir_all(&away), &away, "removing")
    }

    /// Forgets that a cluster of this name was removed.
    pub(super) fn unretire(&self) -> anyhow::Result<()> {
        Self::remove_file(&self.record())
    }

    /// The folder that holds the clusters' directories.
    pub(super) fn home(&self) -> &Path {
        self.root().parent().unwrap_or(self.root())
    }

    fn record(&self) -> PathBuf {
        self.home().join(REMOVED).join(format!("{}.json", self.name()))
    }
}

/// The record of a cluster that was removed from `home`; none when none of this name was.
pub(crate) fn removed_cluster(home: &Path, name: &ClusterName) -> anyhow::Result<Option<RemovedCluster>> {
    let directory = ClusterDirectory { root: home.join(name.as_str()) };
    directory.read_json(&directory.record())
}

/// What a cluster's directory has in it, by which a folder of ours is told from a user's that happens to be called so. A
/// removal that was stopped may have left any of them.
const OURS: [&str; 6] = ["lock", SPEC_FILE, SPEC_COPY, "authority.json", "id_ed25519", "nodes"];

/// Whether this is what is left of a cluster's directory, or the empty folder that was to take its place.
fn is_leftover(entry: &fs::DirEntry) -> std::io::Result<bool> {
    if !entry.file_name().to_string_lossy().starts_with(REMOVING) || !entry.file_type()?.is_dir() {
        return Ok(false);
    }
    let is_empty = fs::read_dir(entry.path())?.next().is_none();
    Ok(is_empty || OURS.iter().any(|file| entry.path().join(file).symlink_metadata().is_ok()))
}

/// Removes what runs left in `home` that were killed while they removed a directory.
pub(crate) fn clear_leftovers(home: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(home) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => access(entries, home, "listing")?,
    };
    for entry in entries {
        let entry = access(entry, home, "listing")?;
        let removed = is_leftover(&entry)
            .and_then(|is_leftover| if is_leftover { fs::remove_dir_all(entry.path()) } else { Ok(()) });
        match removed {
            // The run that is at it was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => access(removed, &entry.path(), "removing")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_of_clusters_is_cleared() {
        let home = tempfile::tempdir().unwrap();
        let made = |path: &str| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        };
        for file in ["a/lock", "b/spec.json", "c/id_ed25519", "d/nodes/n.json", "theirs/notes.txt"] {
            made(&format!("{REMOVING}{file}"));
        }
        made(&format!("{REMOVING}plain"));
        made("mycluster/spec.json");
        fs::create_dir(home.path().join(format!("{REMOVING}empty"))).unwrap();
        std::os::unix::fs::symlink("mycluster", home.path().join(format!("{REMOVING}link"))).unwrap();
        clear_leftovers(home.path()).unwrap();
        let entries = fs::read_dir(home.path()).unwrap();
        let mut left: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [".removing-link", ".removing-plain", ".removing-theirs", "mycluster"]);
        assert!(home.path().join("mycluster/spec.json").exists());
        clear_leftovers(&home.path().join("none")).unwrap();
    }
}
