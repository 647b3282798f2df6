//! What is wrong with settings taken together. The one rule that a change, an installation and `doctor` hold them by.

use super::{Setting, SettingKey, SettingType, SettingsSchema, Values};
use diagnostics::{Origin, Problems};

/// A setting that nothing can be installed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub name: SettingKey,
    pub kind: MistakeKind,
    pub message: String,
    /// The command that mends it.
    pub remedy: String,
}

/// What kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MistakeKind {
    /// It must be set and is not.
    Missing,
    /// Its type does not take the value.
    Value,
    /// More tasks than are safe with the other settings.
    Tasks,
}

impl SettingsSchema {
    /// Every mistake of `values`: what is missing, then what is wrong, then what does not go together. Settings that the
    /// bundle does not know are none: an earlier version may have had more.
    pub fn mistakes(&self, values: &Values) -> Vec<Mistake> {
        let missing = self.missing(values).into_iter().map(|setting| self.unset(&setting.name));
        let wrong = values.iter().filter_map(|(target, key, value)| {
            let setting = self.get(target, key)?;
            let message = setting.kind.check(value).err()?;
            let remedy = format!("platformctl config {target} set {}", form(setting));
            Some(Mistake { name: setting.name.clone(), kind: MistakeKind::Value, message, remedy })
        });
        let tasks = self.scalable().filter_map(|target| {
            let count = self.value(values, target, "replicas")?.parse().ok()?;
            let (message, remedy) = self.unsafe_tasks(target, count, values)?;
            let name = SettingKey { target: target.to_owned(), key: "replicas".to_owned() };
            Some(Mistake { name, kind: MistakeKind::Tasks, message, remedy })
        });
        missing.chain(wrong).chain(tasks).collect()
    }

    /// Settings and secrets that are set and that nothing reads, each with the command that removes it.
    pub fn unread(&self, values: &Values) -> Vec<(SettingKey, String)> {
        let names = values.iter().map(|(target, key, _)| (target, key)).chain(values.secrets());
        let unread = names.filter(|(target, key)| self.get(target, key).is_none());
        unread
            .map(|(target, key)| {
                let name = SettingKey { target: target.to_owned(), key: key.to_owned() };
                let remove = format!("platformctl config {target} rm {key}");
                match self.suggestion(target, key) {
                    Some(right) => (name, format!("did you mean `{right}`? {remove}")),
                    None => (name, remove),
                }
            })
            .collect()
    }

    /// The mistakes that a change from `before` to `after` makes. What is missing may be set by the next command.
    pub fn mistakes_of_change(&self, before: &Values, after: &Values) -> Vec<Mistake> {
        let known = self.mistakes(before);
        let is_new = |mistake: &Mistake| mistake.kind != MistakeKind::Missing && !known.contains(mistake);
        self.mistakes(after).into_iter().filter(is_new).collect()
    }

    /// Why `target` must not have so many tasks, and what helps.
    pub(super) fn unsafe_tasks(&self, target: &str, count: u32, values: &Values) -> Option<(String, String)> {
        let condition = self.scaling(target)?;
        if count <= 1 || self.holds(values, condition) {
            return None;
        }
        let message = format!("{count} tasks; more than one is safe only with the setting `{condition}`");
        let set = match self.get(&condition.target, &condition.key) {
            Some(setting) => format!("platformctl config {} set {}", condition.target, form(setting)),
            None => format!("platformctl config {} set {}=VALUE", condition.target, condition.key),
        };
        Some((message, format!("{set}, or platformctl config {target} set replicas=1")))
    }

    /// A setting, perhaps of a secret that only the stack names, that must be set.
    pub(super) fn unset(&self, name: &SettingKey) -> Mistake {
        let SettingKey { target, key } = name;
        let (help, form) = match self.get(target, key) {
            Some(setting) => (format!(": {}", setting.help), form(setting)),
            None => (String::new(), format!("{key}=VALUE")),
        };
        Mistake {
            name: name.clone(),
            kind: MistakeKind::Missing,
            message: format!("missing {target} {key}{help}"),
            remedy: format!("platformctl config {target} set {form}"),
        }
    }
}

/// How it is set: `domain=example.com`, `sslKey --stdin`.
fn form(setting: &Setting) -> String {
    let key = &setting.name.key;
    match (&setting.kind, &setting.example) {
        (SettingType::Secret, _) => format!("{key} --stdin"),
        (SettingType::File, _) => format!("{key}=@FILE"),
        (_, Some(example)) => format!("{key}={example}"),
        (SettingType::Boolean, None) => format!("{key}=true"),
        (kind, None) => format!("{key}=<{}>", kind.name()),
    }
}

/// All of them as mistakes of a spec, or nothing.
pub fn refused(mistakes: Vec<Mistake>) -> Result<(), Problems> {
    let mut problems = Problems::new();
    for Mistake { name, kind, message, remedy } in mistakes {
        let origin = match kind {
            MistakeKind::Missing => Origin::Flag("settings"),
            MistakeKind::Value | MistakeKind::Tasks => Origin::Setting(name.to_string()),
        };
        problems.add_with_hint(origin, message, remedy);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
