//! Where a bundle comes from: a folder, a folder of folders, or the program itself.

use std::path::{Path, PathBuf};

use super::{Bundle, MANIFEST, PLATFORM_TARGET, STACK};
use diagnostics::suggestion;
use diagnostics::{Origin, Problems};

/// The bundle that is meant when nothing is said.
pub(super) const DEFAULT_NAME: &str = PLATFORM_TARGET;

/// Finds bundles.
#[derive(Clone, Copy, Debug)]
pub struct BundleSource;

impl BundleSource {
    /// Variables that name folders with bundles; the first that is set counts. A folder may be a bundle itself.
    pub const VARIABLES: [&str; 2] = ["PLATFORMCTL_UNITS", "DEISCTL_UNITS"];

    /// The bundle that `flag` (a name or a folder) or, without one, the environment means; else the shipped `platform`.
    pub fn resolve(flag: Option<&str>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Bundle, Problems> {
        Self::resolve_for(Origin::Flag("--bundle"), flag, environment)
    }

    /// The same for a flag of another name.
    pub fn resolve_for(
        origin: Origin,
        flag: Option<&str>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Bundle, Problems> {
        if let Some(folder) = flag.filter(|text| is_path(text)) {
            return Bundle::load(Path::new(folder));
        }
        let folders = folders(environment)?;
        match (flag, folders.as_slice()) {
            (Some(name), _) => named(origin, name, &folders),
            (None, []) => named(origin, DEFAULT_NAME, &[]),
            (None, [only]) => Bundle::load(only),
            (None, several) => one_of(origin, several),
        }
    }

    /// All bundles that can be named, those of the environment first, and the mistakes of those that cannot be read.
    pub fn known(environment: &dyn Fn(&str) -> Option<String>) -> (Vec<Bundle>, Problems) {
        let (folders, mut problems) = match folders(environment) {
            Ok(folders) => (folders, Problems::new()),
            Err(problems) => (Vec::new(), problems),
        };
        let (mut bundles, broken) = load_all(&folders);
        problems.extend(broken);
        bundles.extend(Bundle::shipped());
        (bundles, problems)
    }
}

/// A name has no separators; whatever has one is a folder.
fn is_path(text: &str) -> bool {
    text.contains(std::path::MAIN_SEPARATOR) || text == "." || text == ".."
}

/// The default among several.
fn one_of(origin: Origin, folders: &[PathBuf]) -> Result<Bundle, Problems> {
    let (own, broken) = load_all(folders);
    let names: Vec<String> = own.iter().map(|bundle| bundle.name.clone()).collect();
    match own.into_iter().find(|bundle| bundle.name == DEFAULT_NAME) {
        Some(bundle) => Ok(bundle),
        None => {
            let mut problems = Problems::new();
            let message = format!("there are several bundles, name one: {}", names.join(", "));
            problems.add(origin, message);
            problems.extend(broken);
            Err(problems)
        }
    }
}

/// The bundles that can be read, and the mistakes of the others: what is meant may be one of them.
fn load_all(folders: &[PathBuf]) -> (Vec<Bundle>, Problems) {
    let (mut bundles, mut broken) = (Vec::new(), Problems::new());
    for folder in folders {
        match Bundle::load(folder) {
            Ok(bundle) => bundles.push(bundle),
            Err(mistakes) => broken.extend(mistakes),
        }
    }
    (bundles, broken)
}

fn named(origin: Origin, name: &str, folders: &[PathBuf]) -> Result<Bundle, Problems> {
    // A broken bundle of that name is its mistakes, so its folder's name counts before what it says inside.
    if let Some(folder) = folders.iter().find(|folder| folder.file_name().is_some_and(|last| last == name)) {
        return Bundle::load(folder);
    }
    let (own, broken) = load_all(folders);
    let mut known: Vec<String> = Vec::new();
    for bundle in own.into_iter().chain(Bundle::shipped()) {
        if bundle.name == name {
            return Ok(bundle);
        }
        known.push(bundle.name);
    }
    let mut problems = Problems::new();
    let message = format!("there is no bundle `{name}`; these are: {}", known.join(", "));
    let hint = match suggestion(name, known.iter().map(String::as_str)) {
        _ if Path::new(name).join(MANIFEST).is_file() => format!("for the folder write ./{name}"),
        Some(right) => format!("did you mean `{right}`?"),
        None => "a folder is told from a name by a `/`: ./DIR".into(),
    };
    problems.add_with_hint(origin, message, hint);
    problems.extend(broken);
    Err(problems)
}

/// The bundles' folders that the environment names, in order. The older variable may still name a folder of units.
fn folders(environment: &dyn Fn(&str) -> Option<String>) -> Result<Vec<PathBuf>, Problems> {
    let is_set = |variable: &&str| environment(variable).is_some_and(|value| !value.is_empty());
    let Some(variable) = BundleSource::VARIABLES.into_iter().find(is_set) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut problems = Problems::new();
    for place in std::env::split_paths(&environment(variable).unwrap_or_default()) {
        if place.join(MANIFEST).is_file() {
            found.push(place);
            continue;
        }
        let entries = std::fs::read_dir(&place).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut inside: Vec<PathBuf> = entries.filter(|folder| folder.join(MANIFEST).is_file()).collect();
        inside.sort();
        if inside.is_empty() && variable == BundleSource::VARIABLES[0] {
            let message = format!("`{}` neither is a bundle nor holds one", place.display());
            let hint = format!("a bundle is a folder with `{MANIFEST}` and `{STACK}`");
            problems.add_with_hint(Origin::Flag(BundleSource::VARIABLES[0]), message, hint);
        }
        found.extend(inside);
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bundle of one service in `folder`.
    fn write(folder: &Path, name: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let manifest = format!(
            "name: {name}\nversion: 1.0.0\ndescription: x\nsubsystems: [{{name: All, components: [{{name: web}}]}}]\n"
        );
        std::fs::write(folder.join(MANIFEST), manifest).unwrap();
        std::fs::write(folder.join(STACK), "services: {web: {image: 'web:1'}}\n").unwrap();
    }

    #[test]
    fn a_bundle_is_found_by_flag_then_environment_then_at_home() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name).display().to_string();
        for (folder, name) in
            [("one/shop", "shop"), ("two/a", "first"), ("two/b", "platform"), ("three/a", "a"), ("three/b", "b")]
        {
            write(&home.path().join(folder), name);
        }
        std::fs::create_dir(home.path().join("empty")).unwrap();
        std::fs::create_dir_all(home.path().join("broken/bad")).unwrap();
        std::fs::write(home.path().join("broken/bad").join(MANIFEST), "name: bad\n").unwrap();
        let both = format!("{}:{}", path("one"), path("two/a"));
        for (flag, units, deis_units, expected) in [
            (None, None, None, Ok(("platform", "shipped".to_owned()))),
            (None, Some(path("one")), None, Ok(("shop", path("one/shop")))),
            (None, Some(path("one/shop")), None, Ok(("shop", path("one/shop")))),
            (None, None, Some(path("one")), Ok(("shop", path("one/shop")))),
            (None, Some(path("one")), Some(path("two")), Ok(("shop", path("one/shop")))),
            (None, Some(String::new()), Some(path("one")), Ok(("shop", path("one/shop")))),
            (None, Some(path("two")), None, Ok(("platform", path("two/b")))),
            (None, Some(path("three")), None, Err("there are several bundles, name one: a, b")),
            (None, Some(path("empty")), None, Err("neither is a bundle nor holds one")),
            (None, None, Some(path("empty")), Ok(("platform", "shipped".to_owned()))),
            (Some("caprover".to_owned()), None, None, Ok(("caprover", "shipped".to_owned()))),
            (Some("platform".to_owned()), Some(path("two")), None, Ok(("platform", path("two/b")))),
            (Some("first".to_owned()), Some(both.clone()), None, Ok(("first", path("two/a")))),
            (Some(path("two/a")), Some(path("one")), None, Ok(("first", path("two/a")))),
            (
                Some("caprove".to_owned()),
                None,
                None,
                Err("there is no bundle `caprove`; these are: caprover, platform"),
            ),
            (Some("fist".to_owned()), Some(both), None, Err("these are: shop, first, caprover, platform")),
            (Some("bad".to_owned()), Some(path("broken")), None, Err("stack.yaml`: reading the bundle")),
            (Some("good".to_owned()), Some(path("broken")), None, Err("broken/bad/stack.yaml`: reading the bundle")),
            (Some(path("nowhere")), None, None, Err("No such file")),
        ] {
            let environment = |variable: &str| match variable {
                "PLATFORMCTL_UNITS" => units.clone(),
                "DEISCTL_UNITS" => deis_units.clone(),
                _ => None,
            };
            let found = BundleSource::resolve(flag.as_deref(), &environment);
            match (found, expected) {
                (Ok(bundle), Ok((name, origin))) => assert_eq!((bundle.name.as_str(), bundle.origin), (name, origin)),
                (Err(problems), Err(part)) => assert!(problems.to_string().contains(part), "{flag:?}: {problems}"),
                (found, expected) => panic!("{flag:?} {units:?} {deis_units:?}: {found:?}, not {expected:?}"),
            }
        }
    }
}
