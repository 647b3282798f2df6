//! All settings of a bundle.

use std::collections::BTreeMap;

use super::{Setting, SettingKey, SettingType, Values};
use diagnostics::suggestion;

/// The settings that a bundle knows, its own and those that every component has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsSchema {
    settings: BTreeMap<SettingKey, Setting>,
    /// Targets that count only when a setting holds.
    conditions: BTreeMap<String, SettingKey>,
    /// Targets of which more than one task is safe only when a setting holds.
    scaling: BTreeMap<String, SettingKey>,
}

impl SettingsSchema {
    /// Adds a setting; false when there is one of that name.
    pub(super) fn add(&mut self, setting: Setting) -> bool {
        let is_new = !self.settings.contains_key(&setting.name);
        self.settings.entry(setting.name.clone()).or_insert(setting);
        is_new
    }

    /// Says when a target counts.
    pub(super) fn add_condition(&mut self, target: &str, condition: SettingKey) {
        self.conditions.insert(target.to_owned(), condition);
    }

    /// Says when more than one task of a target is safe.
    pub(super) fn add_scaling(&mut self, target: &str, condition: SettingKey) {
        self.scaling.insert(target.to_owned(), condition);
    }

    /// The targets of which more than one task is safe only under a condition.
    pub(super) fn scalable(&self) -> impl Iterator<Item = &str> {
        self.scaling.keys().map(String::as_str)
    }

    /// The setting that must hold for more than one task of a target.
    pub(super) fn scaling(&self, target: &str) -> Option<&SettingKey> {
        self.scaling.get(target)
    }

    /// Says what a setting is when nobody sets it.
    pub(super) fn set_default(&mut self, target: &str, key: &str, value: String) {
        if let Some(setting) = self.settings.get_mut(&name(target, key)) {
            setting.default = Some(value);
        }
    }

    /// All settings by name.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.values()
    }

    /// One setting.
    pub fn get(&self, target: &str, key: &str) -> Option<&Setting> {
        self.settings.get(&name(target, key))
    }

    /// Says what is expected when there is no such setting or it does not take the value.
    pub fn check(&self, target: &str, key: &str, value: &str) -> Result<(), String> {
        match self.get(target, key) {
            Some(setting) => setting.kind.check(value),
            None if !self.target_names().contains(&target) => {
                Err(format!("there is no target `{target}`; these are: {}", self.target_names().join(", ")))
            }
            None => {
                let keys: Vec<&str> = self.of_target(target).map(|setting| setting.name.key.as_str()).collect();
                Err(format!("`{target}` has no setting `{key}`; these are: {}", keys.join(", ")))
            }
        }
    }

    /// The name of the setting that was probably meant by one that does not exist.
    pub fn suggestion(&self, target: &str, key: &str) -> Option<String> {
        let target = match self.target_names().contains(&target) {
            true => target,
            false => suggestion(target, self.target_names().into_iter())?,
        };
        let keys = self.of_target(target).map(|setting| setting.name.key.as_str());
        suggestion(key, keys).map(|key| format!("{target}/{key}"))
    }

    /// Settings that must be set and are not.
    pub fn missing(&self, values: &Values) -> Vec<&Setting> {
        let unset = |setting: &&Setting| {
            setting.required && !self.is_set(values, setting) && self.counts(values, &setting.name.target)
        };
        self.settings.values().filter(unset).collect()
    }

    /// Whether a setting is a secret.
    pub fn is_secret(&self, target: &str, key: &str) -> bool {
        self.get(target, key).is_some_and(|setting| setting.kind == SettingType::Secret)
    }

    /// All targets in order.
    pub fn target_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.settings.keys().map(|name| name.target.as_str()).collect();
        names.dedup();
        names
    }

    /// The settings of a target.
    pub fn of_target(&self, target: &str) -> impl Iterator<Item = &Setting> {
        self.settings.values().filter(move |setting| setting.name.target == target)
    }

    /// What a setting is: what was set, else its default.
    pub fn value<'a>(&'a self, values: &'a Values, target: &str, key: &str) -> Option<&'a str> {
        values.get(target, key).or_else(|| self.get(target, key)?.default.as_deref())
    }

    /// Whether a setting is true or, if it is not a boolean, set.
    pub fn holds(&self, values: &Values, name: &SettingKey) -> bool {
        match self.settings.get(name) {
            Some(Setting { kind: SettingType::Boolean, .. }) => {
                self.value(values, &name.target, &name.key) == Some("true")
            }
            Some(setting) => self.is_set(values, setting),
            None => false,
        }
    }

    /// Whether a target's settings count: it is always there, or its condition holds.
    fn counts(&self, values: &Values, target: &str) -> bool {
        self.conditions.get(target).is_none_or(|condition| self.holds(values, condition))
    }

    fn is_set(&self, values: &Values, setting: &Setting) -> bool {
        let SettingKey { target, key } = &setting.name;
        match setting.kind {
            SettingType::Secret => values.has_secret(target, key),
            _ => self.value(values, target, key).is_some(),
        }
    }
}

fn name(target: &str, key: &str) -> SettingKey {
    SettingKey { target: target.to_owned(), key: key.to_owned() }
}
