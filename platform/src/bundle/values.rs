//! What a user set.

use std::collections::{BTreeMap, BTreeSet};

/// Settings by target and key as stored text, without defaults; of secrets only that they are set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    settings: BTreeMap<(String, String), String>,
    secrets: BTreeSet<(String, String)>,
}

impl Values {
    /// Nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a setting that is no secret.
    pub fn set(&mut self, target: &str, key: &str, value: &str) {
        self.settings.insert((target.to_owned(), key.to_owned()), value.to_owned());
    }

    /// Notes that a secret is set.
    pub fn set_secret(&mut self, target: &str, key: &str) {
        self.secrets.insert((target.to_owned(), key.to_owned()));
    }

    /// Forgets a setting or a secret.
    pub fn unset(&mut self, target: &str, key: &str) {
        let name = (target.to_owned(), key.to_owned());
        self.settings.remove(&name);
        self.secrets.remove(&name);
    }

    /// The text that a setting was set to.
    pub fn get(&self, target: &str, key: &str) -> Option<&str> {
        self.settings.get(&(target.to_owned(), key.to_owned())).map(String::as_str)
    }

    /// Whether a secret is set.
    pub fn has_secret(&self, target: &str, key: &str) -> bool {
        self.secrets.contains(&(target.to_owned(), key.to_owned()))
    }

    /// Target and key of every secret that is set.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.secrets.iter().map(|(target, key)| (target.as_str(), key.as_str()))
    }

    /// Target, key and text of everything that is set and no secret.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.settings.iter().map(|((target, key), value)| (target.as_str(), key.as_str(), value.as_str()))
    }
}
