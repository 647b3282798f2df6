//! Where a bundle comes from: a folder, a folder of folders, or the program itself.

use std::path::{Path, PathBuf};

use super::{Bundle, MANIFEST, PLATFORM_TARGET};
use crate::config::yaml::suggestion;
use crate::spec::{Origin, Problems};

/// The bundle that is meant when nothing is said.
const DEFAULT_NAME: &str = PLATFORM_TARGET;

/// Finds bundles.
#[derive(Clone, Copy, Debug)]
pub struct BundleSource;

impl BundleSource {
    /// Variables that name folders with bundles; the first that is set counts. A folder may be a bundle itself.
    pub const VARIABLES: [&str; 2] = ["PLATFORMCTL_UNITS", "DEISCTL_UNITS"];

    /// The bundle that `flag` (a name or a folder) or, without one, the environment means; else the shipped `platform`.
    pub fn resolve(flag: Option<&str>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Bundle, Problems> {
        Self::resolve_for("--bundle", flag, environment)
    }

    /// The same for a flag of another name.
    pub fn resolve_for(
        flag_name: &'static str,
        flag: Option<&str>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Bundle, Problems> {
        let folders = folders(environment);
        match flag {
            Some(text) if is_path(text) => Bundle::load(Path::new(text)),
            Some(name) => named(flag_name, name, &folders),
            None => match folders.as_slice() {
                [] => named(flag_name, DEFAULT_NAME, &[]),
                [only] => Bundle::load(only),
                several => named(flag_name, DEFAULT_NAME, several),
            },
        }
    }

    /// All bundles that can be named, those of the environment first, and the mistakes of those that cannot be read.
    pub fn known(environment: &dyn Fn(&str) -> Option<String>) -> (Vec<Bundle>, Problems) {
        let mut problems = Problems::new();
        let mut bundles = Vec::new();
        for folder in folders(environment) {
            match Bundle::load(&folder) {
                Ok(bundle) => bundles.push(bundle),
                Err(mistakes) => problems.extend(mistakes),
            }
        }
        bundles.extend(Bundle::shipped());
        (bundles, problems)
    }
}

/// A name has no separators; whatever has one is a folder.
fn is_path(text: &str) -> bool {
    text.contains(std::path::MAIN_SEPARATOR) || text == "." || text == ".." || Path::new(text).join(MANIFEST).is_file()
}

fn named(flag: &'static str, name: &str, folders: &[PathBuf]) -> Result<Bundle, Problems> {
    // A broken bundle of that name is its mistakes, so its folder's name counts before what it says inside.
    if let Some(folder) = folders.iter().find(|folder| folder.file_name().is_some_and(|last| last == name)) {
        return Bundle::load(folder);
    }
    let (own, mut known): (Vec<Bundle>, Vec<String>) =
        (folders.iter().filter_map(|folder| Bundle::load(folder).ok()).collect(), Vec::new());
    for bundle in own.into_iter().chain(Bundle::shipped()) {
        if bundle.name == name {
            return Ok(bundle);
        }
        known.push(bundle.name);
    }
    let mut problems = Problems::new();
    let message = format!("there is no bundle `{name}`; these are: {}", known.join(", "));
    match suggestion(name, known.iter().map(String::as_str)) {
        Some(right) => problems.add_with_hint(Origin::Flag(flag), message, format!("did you mean `{right}`?")),
        None => problems.add_with_hint(Origin::Flag(flag), message, "a folder is told from a name by a `/`: ./DIR"),
    }
    Err(problems)
}

/// The bundles' folders that the environment names, in order.
fn folders(environment: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let Some(value) =
        BundleSource::VARIABLES.iter().find_map(|variable| environment(variable).filter(|value| !value.is_empty()))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for place in std::env::split_paths(&value) {
        if place.join(MANIFEST).is_file() {
            found.push(place);
            continue;
        }
        let entries = std::fs::read_dir(&place).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut inside: Vec<PathBuf> = entries.filter(|folder| folder.join(MANIFEST).is_file()).collect();
        inside.sort();
        found.extend(inside);
    }
    found
}
