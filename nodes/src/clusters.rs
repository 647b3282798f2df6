//! The clusters that are known on this machine: a folder with one directory per cluster, and each one's inventory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::base_directory::state_home;
use crate::inventory::Inventory;

/// The program's folder below the user's state folder.
const STATE_FOLDER: &str = "azure-coreos-cluster";
/// In a cluster's directory.
const INVENTORY_FILE: &str = "inventory.json";

/// The folder that holds one directory per cluster: the named one, else the one below the user's state folder.
pub fn clusters_home(state_directory: Option<&Path>) -> anyhow::Result<PathBuf> {
    match state_directory {
        Some(directory) => Ok(std::path::absolute(directory)?),
        None => Ok(state_home()?.join(STATE_FOLDER)),
    }
}

/// Says that there is no such cluster in `home`, and which there are.
pub fn unknown_cluster(home: &Path, name: &str) -> String {
    let known = known_clusters(home);
    let list = if known.is_empty() { "none is".to_owned() } else { format!("these are: {}", known.join(", ")) };
    format!("no cluster `{name}` is known in `{}`; {list}", home.display())
}

/// Names of the clusters that have an inventory in `home`, sorted.
pub fn known_clusters(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join(INVENTORY_FILE).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The inventory of the cluster `name`, a folder's name; none when there is none.
pub fn inventory(home: &Path, name: &str) -> anyhow::Result<Option<Inventory>> {
    let file = home.join(name).join(INVENTORY_FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", file.display())),
    };
    let damaged = || {
        let remedy = format!("remove it, and run `azure-coreos-cluster {name}`: it is written anew");
        format!("`{}` is damaged; {remedy}", file.display())
    };
    serde_json::from_str(&text).map(Some).with_context(damaged)
}
