//! A whole Compose file.

use std::collections::BTreeMap;

use super::Service;
use diagnostics::Problems;
use diagnostics::yaml::Document;

/// A Compose file; the keys of the maps are those of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stack {
    /// Top-level `name`. Names in the swarm come from [`super::Naming`], not from here.
    pub name: Option<String>,
    pub services: BTreeMap<String, Service>,
    pub networks: BTreeMap<String, Network>,
    pub volumes: BTreeMap<String, Volume>,
    pub configs: BTreeMap<String, Config>,
    pub secrets: BTreeMap<String, Secret>,
    /// Top-level `x-…` keys.
    pub extensions: BTreeMap<String, serde_json::Value>,
}

/// An overlay network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Exists already and is not made.
    pub external: bool,
    /// The name in the swarm as it is, instead of the key within the namespace.
    pub name: Option<String>,
    /// Has no way out.
    pub internal: bool,
    /// Containers that belong to no service may join.
    pub attachable: bool,
    pub driver_options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// A volume; each node makes its own when a task needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Exists already; it is used by its name as it is.
    pub external: bool,
    /// The name on the nodes as it is, instead of the key within the namespace.
    pub name: Option<String>,
    /// `local` when none.
    pub driver: Option<String>,
    pub driver_options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// A file that Swarm hands to containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Its text.
    pub content: String,
    pub labels: BTreeMap<String, String>,
}

/// A secret that somebody else keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// Its name outside the file, instead of its key.
    pub name: Option<String>,
}

/// What has no effect in a swarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Of the file, counted from 1.
    pub line: Option<usize>,
    /// With its key path.
    pub message: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub stack: Stack,
    /// What was read and has no effect in a swarm.
    pub warnings: Vec<Warning>,
}

/// What could be read of a file.
#[derive(Debug)]
pub(crate) struct Examined {
    /// None when the file is no Compose file at all; without its wrong parts when there are problems.
    pub stack: Option<Stack>,
    pub warnings: Vec<Warning>,
    pub problems: Problems,
}

impl Stack {
    /// Reads a Compose file; `file` is the name that mistakes bear. Finds all mistakes at once.
    ///
    /// Variables (`${NAME}`) are not taken from anywhere: `${NAME:-default}` is its default, one without a default is a
    /// mistake; `$$` is a dollar sign.
    pub fn parse(text: &str, file: &str) -> Result<Parsed, Problems> {
        match Self::examine(text, file, Vec::new()) {
            Examined { stack: Some(stack), warnings, problems } if problems.is_empty() => {
                Ok(Parsed { stack, warnings })
            }
            Examined { problems, .. } => Err(problems),
        }
    }

    /// Reads what can be read of a Compose file that was rendered out of a template; `lines` has the template's line of
    /// each line.
    pub(crate) fn examine(text: &str, file: &str, lines: Vec<usize>) -> Examined {
        match Document::parse_rendered(file, text, lines) {
            Ok(document) => super::read::examine(document),
            Err(problems) => Examined { stack: None, warnings: Vec::new(), problems },
        }
    }
}
