//! An app's configuration: names and values that its containers get as environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// The platform says on which port an app is expected to listen.
pub(super) const PORT: &str = "PORT";
/// Linux takes one `NAME=value` of so many bytes, `MAX_ARG_STRLEN` of
/// <https://man7.org/linux/man-pages/man2/execve.2.html>.
const LARGEST_BYTES: usize = 128 * 1024;

/// The configuration. Values may be secret, so it shows its names only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Config(BTreeMap<String, String>);

/// A change of several names at once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConfigChange {
    set: BTreeMap<String, String>,
    unset: BTreeSet<String>,
}

/// Why a change cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Not a name that every shell can read.
    #[error("`{0}` is no name of a variable: letters, digits and `_`, not first a digit")]
    Name(String),
    /// The platform sets it.
    #[error("`{PORT}` is set by the platform: `platformctl apps deploy NAME --port N` chooses it")]
    Port,
    /// The same name twice in one change.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// A value that no environment can hold.
    #[error("the value of `{0}` holds a NUL byte")]
    Nul(String),
    /// Too large for an environment.
    #[error("the value of `{name}` has {bytes} bytes; {LARGEST_BYTES} are the most")]
    TooLarge { name: String, bytes: usize },
    /// All values together.
    #[error("the configuration would have {0} bytes; {LARGEST_BYTES} are the most")]
    AllTooLarge(usize),
}

impl Config {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The configuration after a change.
    pub fn changed(&self, change: &ConfigChange) -> Result<Self, InvalidConfig> {
        let mut changed = self.0.clone();
        changed.retain(|name, _| !change.unset.contains(name));
        changed.extend(change.set.clone());
        let bytes = changed.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if bytes > LARGEST_BYTES {
            return Err(InvalidConfig::AllTooLarge(bytes));
        }
        Ok(Self(changed))
    }
}

impl fmt::Debug for Config {
    /// Values may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for ConfigChange {
    /// Values may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ConfigChange({})", self.what())
    }
}

impl ConfigChange {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a name.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, InvalidConfig> {
        let name = checked(name)?.to_owned();
        if value.contains('\0') {
            return Err(InvalidConfig::Nul(name));
        }
        if name.len() + value.len() + 2 > LARGEST_BYTES {
            return Err(InvalidConfig::TooLarge { name, bytes: value.len() });
        }
        match self.set.insert(name.clone(), value.to_owned()) {
            Some(_) => Err(InvalidConfig::Twice(name)),
            None => Ok(self),
        }
    }

    /// Takes a name away; whether it is there does not matter.
    pub fn unset(mut self, name: &str) -> Result<Self, InvalidConfig> {
        self.unset.insert(checked(name)?.to_owned());
        Ok(self)
    }

    /// Names to take away that `config` does not have.
    pub fn absent<'c>(&'c self, config: &'c Config) -> impl Iterator<Item = &'c str> {
        self.unset.iter().map(String::as_str).filter(|name| config.get(name).is_none())
    }

    /// For people: `set GREETING, NAME`.
    pub fn what(&self) -> String {
        let named = |verb: &str, names: Vec<&String>| {
            let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
            (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
        };
        let parts = [named("set", self.set.keys().collect()), named("unset", self.unset.iter().collect())];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

fn checked(name: &str) -> Result<&str, InvalidConfig> {
    match is_name(name) {
        true if name == PORT => Err(InvalidConfig::Port),
        true => Ok(name),
        false => Err(InvalidConfig::Name(name.to_owned())),
    }
}

/// Whether every shell can read it: POSIX.1-2017 §8.1.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_checked() {
        for (name, value, right) in [
            ("GREETING", "hi", true),
            ("_a1", "", true),
            ("1A", "x", false),
            ("A-B", "x", false),
            ("", "x", false),
            ("PORT", "80", false),
            ("A", "\0", false),
            ("A", &"x".repeat(LARGEST_BYTES), false),
        ] {
            assert_eq!(ConfigChange::new().set(name, value).is_ok(), right, "{name}");
        }
        let twice = ConfigChange::new().set("A", "1").unwrap().set("A", "1");
        assert_eq!(twice, Err(InvalidConfig::Twice("A".into())));
    }

    #[test]
    fn a_change_is_made_whole() {
        let old =
            Config::default().changed(&ConfigChange::new().set("A", "1").unwrap().set("B", "2").unwrap()).unwrap();
        let change = ConfigChange::new().set("A", "3").unwrap().unset("B").unwrap().unset("C").unwrap();
        assert_eq!(change.what(), "set A; unset B, C");
        let only_b = Config::default().changed(&ConfigChange::new().set("B", "1").unwrap()).unwrap();
        assert_eq!(change.absent(&only_b).collect::<Vec<_>>(), ["C"]);
        let new = old.changed(&change).unwrap();
        assert_eq!(new.iter().collect::<Vec<_>>(), [("A", "3")]);
        let half = "x".repeat(LARGEST_BYTES / 2);
        let large = ConfigChange::new().set("A", &half).unwrap().set("B", &half).unwrap();
        assert!(matches!(old.changed(&large), Err(InvalidConfig::AllTooLarge(_))));
    }

    #[test]
    fn values_are_not_shown() {
        let change = ConfigChange::new().set("TOKEN", "hunter2").unwrap();
        let config = Config::default().changed(&change).unwrap();
        assert_eq!(format!("{config:?} {change:?}"), "{\"TOKEN\"} ConfigChange(set TOKEN)");
    }
}
