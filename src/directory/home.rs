//! Where clusters' directories lie, and which there are.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{INVENTORY, SPEC, access};
use crate::report::Mendable;

/// The program's folder below the user's state folder.
const STATE_FOLDER: &str = "azure-coreos-cluster";

/// `$XDG_STATE_HOME`, else `~/.local/state`.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
pub fn state_home() -> anyhow::Result<PathBuf> {
    Ok(xdg_home(std::env::var_os, "XDG_STATE_HOME", ".local/state")?)
}

/// `$XDG_CACHE_HOME`, else `~/.cache`.
pub fn cache_home() -> anyhow::Result<PathBuf> {
    Ok(xdg_home(std::env::var_os, "XDG_CACHE_HOME", ".cache")?)
}

/// The user's own folder.
pub fn home() -> Option<PathBuf> {
    absolute(std::env::var_os, "HOME")
}

/// What is empty or relative counts as not set, as the specification asks.
fn absolute(variable: impl Fn(&'static str) -> Option<OsString>, name: &'static str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn xdg_home(
    variable: impl Fn(&'static str) -> Option<OsString> + Copy,
    name: &'static str,
    below_home: &str,
) -> Result<PathBuf, Mendable> {
    if let Some(path) = absolute(variable, name) {
        return Ok(path);
    }
    match absolute(variable, "HOME") {
        Some(home) => Ok(home.join(below_home)),
        None => Err(Mendable::usage(
            format!("neither `{name}` nor `HOME` is set to an absolute path, so there is no place for files of yours"),
            format!("export HOME=DIR or {name}=DIR; clusters' directories alone can be named with --state-dir DIR"),
        )),
    }
}

/// The folder that holds one directory per cluster: the named one, else the one below the user's state folder.
pub fn clusters_home(state_directory: Option<&Path>) -> anyhow::Result<PathBuf> {
    match state_directory {
        Some(directory) => Ok(std::path::absolute(directory)?),
        None => Ok(state_home()?.join(STATE_FOLDER)),
    }
}

/// Says that there is no such cluster in `home`, and which there are.
pub fn unknown_cluster(home: &Path, name: &str) -> anyhow::Result<String> {
    let known = clusters_with(home, &[INVENTORY, SPEC])?;
    let list = if known.is_empty() { "none is".to_owned() } else { format!("these are: {}", known.join(", ")) };
    Ok(format!("no cluster `{name}` is known in `{}`; {list}", home.display()))
}

/// Names of the clusters that have an inventory in `home`, sorted; none when there is no such folder.
pub fn known_clusters(home: &Path) -> anyhow::Result<Vec<String>> {
    clusters_with(home, &[INVENTORY])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_absolute_or_a_matter_of_usage() {
        for (state, home, expected) in [
            (Some("/state"), None, Some("/state")),
            (Some("/state"), Some("/home/a"), Some("/state")),
            (Some("state"), Some("/home/a"), Some("/home/a/.local/state")),
            (None, Some("/home/a"), Some("/home/a/.local/state")),
            (Some(""), Some(""), None),
            (None, Some("home"), None),
            (None, None, None),
        ] {
            let variable = |name: &str| if name == "HOME" { home } else { state }.map(OsString::from);
            let found = xdg_home(variable, "XDG_STATE_HOME", ".local/state");
            assert_eq!(found.as_deref().ok(), expected.map(Path::new), "{state:?} {home:?}");
            if let Err(error) = found {
                assert!(error.message.contains("`XDG_STATE_HOME` nor `HOME`") && error.hint.contains("export HOME="));
            }
        }
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
