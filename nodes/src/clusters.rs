//! The clusters that are known on this machine: a folder with one directory per cluster, and each one's inventory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use diagnostics::given_file::{self, GivenFileError};
use report::{Mendable, access};

use crate::base_directory::state_home;
use crate::inventory::{Inventory, InventorySsh};
use crate::portable_path::resolved;

/// The program's folder below the user's state folder.
const STATE_FOLDER: &str = "azure-coreos-cluster";
/// In a cluster's directory: what exists, for people and programs.
pub const INVENTORY_FILE: &str = "inventory.json";
/// In a cluster's directory: what its first run settled.
pub const SPEC_FILE: &str = "spec.json";

/// The folder that holds one directory per cluster: the named one, else the one below the user's state folder.
pub fn clusters_home(state_directory: Option<&Path>) -> anyhow::Result<PathBuf> {
    match state_directory {
        Some(directory) => Ok(std::path::absolute(directory)?),
        None => Ok(state_home()?.join(STATE_FOLDER)),
    }
}

/// Says that there is no such cluster in `home`, and which there are.
pub fn unknown_cluster(home: &Path, name: &str) -> anyhow::Result<String> {
    let known = directories(home)?;
    let list = if known.is_empty() { "none is".to_owned() } else { format!("these are: {}", known.join(", ")) };
    Ok(format!("no cluster `{name}` is known in `{}`; {list}", home.display()))
}

/// Names of the clusters that have a directory in `home`, with an inventory or what their first run settled, sorted.
pub fn directories(home: &Path) -> anyhow::Result<Vec<String>> {
    clusters_with(home, &[INVENTORY_FILE, SPEC_FILE])
}

/// Names of the clusters that have an inventory in `home`, sorted; none when there is no such folder.
pub fn known_clusters(home: &Path) -> anyhow::Result<Vec<String>> {
    clusters_with(home, &[INVENTORY_FILE])
}

fn clusters_with(home: &Path, files: &[&str]) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(home) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => access(entries, home, "listing")?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("listing `{}`", home.display()))?;
        // Folders of clusters that are on their way out begin with a full stop, which no cluster's name has.
        let Some(name) = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.')) else { continue };
        // What may not be looked into is told by whoever names it.
        let there = |file: &&str| match entry.path().join(file).try_exists() {
            Err(error) => error.kind() == ErrorKind::PermissionDenied,
            Ok(there) => there,
        };
        if files.iter().any(there) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The inventory of the cluster `name`, a folder's name, with paths that are absolute; none when there is none.
pub fn inventory(home: &Path, name: &str) -> anyhow::Result<Option<Inventory>> {
    let root = home.join(name);
    let file = root.join(INVENTORY_FILE);
    let damaged = |cause: String| {
        let remedy = format!("rm '{}', then `azure-coreos-cluster {name}` writes it anew", file.display());
        Mendable::file(file.display(), format!("is damaged: {cause}"), remedy)
    };
    let text = match given_file::read_own_text(&file) {
        Ok(text) => text,
        Err(GivenFileError::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(GivenFileError::Io(error)) => return access(Err(error), &file, "reading"),
        Err(other) => return Err(damaged(other.to_string()).into()),
    };
    let read: Inventory = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    let ssh = InventorySsh {
        identity: read.ssh.identity.as_deref().map(|path| resolved(&root, path)),
        config: resolved(&root, &read.ssh.config),
        known_hosts: resolved(&root, &read.ssh.known_hosts),
        user: read.ssh.user.clone(),
    };
    Ok(Some(Inventory { ssh, ..read }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_that_is_no_text_file_is_damaged_and_none_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a").join(INVENTORY_FILE);
        fs::create_dir(home.path().join("a")).unwrap();
        let too_large = || fs::File::create(&file).unwrap().set_len(given_file::MOST_OWN_BYTES + 1).unwrap();
        let socket = || drop(std::os::unix::net::UnixListener::bind(&file).unwrap());
        let rows: [(&dyn Fn(), &str); 3] = [
            (&|| fs::write(&file, [0xff]).unwrap(), "is damaged: it is not UTF-8 text"),
            (&too_large, "is damaged: it is larger than the 64 MiB"),
            (&socket, "is damaged: it is a socket, not a file"),
        ];
        for (make, expected) in rows {
            make();
            let error = inventory(home.path(), "a").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            fs::remove_file(&file).unwrap();
        }
        assert_eq!(inventory(home.path(), "a").unwrap(), None);
    }

    #[test]
    fn only_clusters_are_listed() {
        let home = tempfile::tempdir().unwrap();
        for file in ["a/inventory.json", "b/spec.json", ".removing-c-x/inventory.json", "d/other", "file"] {
            let file = home.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        assert_eq!(known_clusters(home.path()).unwrap(), ["a"]);
        let said = unknown_cluster(home.path(), "x").unwrap();
        assert!(said.ends_with("these are: a, b"), "{said}");
        assert_eq!(known_clusters(&home.path().join("missing")).unwrap(), Vec::<String>::new());
        let error = known_clusters(&home.path().join("file")).unwrap_err();
        assert!(format!("{error:#}").contains("file"), "{error:#}");
    }
}
