//! A platform as data: a folder with `platform.yaml` (what it is, its settings, the order it starts in) and `stack.yaml`
//! (a Compose file, a template over the settings). Pure but for reading the folder.
//!
//! The format is described in docs/platform-bundles.md.

mod app_routing;
mod component;
mod image;
mod lint;
mod manifest;
mod mistake;
mod port;
mod render;
mod schema;
mod setting;
mod shipped;
mod source;
mod template;
mod values;

#[cfg(test)]
mod tests;

pub use app_routing::AppRouting;
pub use component::{Component, ComponentKind, Health, Subsystem};
pub use mistake::{Mistake, MistakeKind, refused};
pub use port::{BundlePort, PortProbe, deis_ports};
pub use schema::SettingsSchema;
pub use setting::{Setting, SettingKey, SettingType};
pub use source::BundleSource;
pub use values::Values;

use std::collections::BTreeMap;
use std::path::Path;

use diagnostics::{Origin, Problems, given_file};

/// The file that describes a bundle.
pub const MANIFEST: &str = "platform.yaml";
/// The file that holds its services.
pub const STACK: &str = "stack.yaml";
/// The target of settings that belong to no component.
pub const PLATFORM_TARGET: &str = "platform";

/// A bundle without mistakes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// Also the namespace of everything in the swarm: `<name>_<component>`.
    pub name: String,
    pub version: semver::Version,
    pub description: String,
    /// What the load balancer opens.
    pub ports: Vec<BundlePort>,
    /// How apps are reached; none when the bundle has nothing that leads requests to them.
    pub apps: Option<AppRouting>,
    pub settings: SettingsSchema,
    /// In the order in which they start.
    pub subsystems: Vec<Subsystem>,
    /// Where it comes from: a folder, or `shipped`.
    pub origin: String,
    files: BTreeMap<String, String>,
    networks: Vec<String>,
}

/// Which rules the ports of a bundle are held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PortRules {
    All,
    /// Those of the versions before: not what services publish.
    Earlier,
}

impl Bundle {
    /// Reads a bundle's folder; finds all mistakes at once.
    pub fn load(folder: &Path) -> Result<Self, Problems> {
        let mut files = BTreeMap::new();
        let mut problems = Problems::new();
        for name in [MANIFEST, STACK] {
            let path = folder.join(name);
            match given_file::read_text(&path) {
                Ok(text) => drop(files.insert(name.to_owned(), text)),
                Err(error) => {
                    let origin = Origin::File { path: path.display().to_string(), line: None };
                    problems.add_with_hint(
                        origin,
                        format!("reading the bundle: {error}"),
                        format!("a bundle is a folder with `{MANIFEST}` and `{STACK}`"),
                    );
                }
            }
        }
        if problems.is_empty() { Self::from_files(files, &folder.display().to_string()) } else { Err(problems) }
    }

    /// A bundle from the texts of its files, by name; `origin` is the folder that mistakes name.
    pub fn from_files(files: BTreeMap<String, String>, origin: &str) -> Result<Self, Problems> {
        Self::read(files, origin, PortRules::All)
    }

    /// The same for a bundle that is installed. What an earlier version took, whose rules for ports were laxer, can
    /// still be looked at, upgraded and removed.
    pub(crate) fn installed(files: BTreeMap<String, String>, origin: &str) -> Result<Self, Problems> {
        Self::read(files, origin, PortRules::Earlier)
    }

    fn read(files: BTreeMap<String, String>, origin: &str, rules: PortRules) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let path = |name: &str| format!("{}/{name}", origin.trim_end_matches('/'));
        for name in [MANIFEST, STACK].into_iter().filter(|name| !files.contains_key(*name)) {
            problems.add(Origin::File { path: path(name), line: None }, "the file is missing");
        }
        let (Some(manifest), Some(stack)) = (files.get(MANIFEST), files.get(STACK)) else { return Err(problems) };
        let manifest = manifest::read(&path(MANIFEST), manifest);
        let mut bundle = Self { origin: origin.to_owned(), files: files.clone(), ..manifest.bundle };
        problems.extend(manifest.problems);
        problems.extend(lint::stack(&mut bundle, &path(MANIFEST), &path(STACK), stack, rules));
        if problems.is_empty() { Ok(bundle) } else { Err(problems) }
    }

    /// The bundles that are part of the program.
    pub fn shipped() -> Vec<Self> {
        shipped::all()
    }

    /// The bundle that is meant when nothing is said.
    pub fn default_platform() -> Option<Self> {
        Self::shipped_named(source::DEFAULT_NAME)
    }

    /// One of the bundles that are part of the program.
    pub fn shipped_named(name: &str) -> Option<Self> {
        Self::shipped().into_iter().find(|bundle| bundle.name == name)
    }

    /// The texts of its files by name; [`Bundle::from_files`] takes them again.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Names in the swarm of the networks that it makes, whatever the settings.
    pub fn network_names(&self) -> impl Iterator<Item = &String> {
        self.networks.iter()
    }

    /// All components, in the order in which they start.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.subsystems.iter().flat_map(|subsystem| &subsystem.components)
    }

    /// A component by name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components().find(|component| component.name == name)
    }

    /// Whether a component is to run: its condition, if it has one, holds.
    pub fn is_enabled(&self, component: &Component, values: &Values) -> bool {
        component.when.as_ref().is_none_or(|condition| self.settings.holds(values, condition))
    }
}
