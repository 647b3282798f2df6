//! The platform's settings: `/platform/<target>/<key>` in etcd, secrets in the swarm. Which settings there are, and what
//! they take, says the bundle; here they are read and written.

mod assignment;
mod key_pair;

pub(crate) use assignment::Assignment;

use std::collections::{BTreeSet, HashMap};

use super::Platform;
use super::bundle::{self, SettingsSchema, Values};
use super::repetition::repeated;
use super::swarm::SecretVersion;
use diagnostics::{Origin, Problems};
use nodes::etcd::Transaction;
use report::Failure;

/// Below this, one folder a target; names that start with a dot are not targets.
const PREFIX: &str = "/platform/";

/// Settings of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    platform: &'a Platform,
}

impl<'a> Settings<'a> {
    /// The settings of `platform`.
    pub(crate) fn new(platform: &'a Platform) -> Self {
        Self { platform }
    }

    /// Everything that is set; of secrets only that they are.
    pub(crate) async fn load(&self) -> Result<Values, Failure> {
        self.load_with(&self.platform.swarm.secrets().await?).await
    }

    /// The same, with the swarm's secrets at hand.
    async fn load_with(&self, secrets: &HashMap<String, SecretVersion>) -> Result<Values, Failure> {
        let store = &self.platform.store;
        let mut values = Values::new();
        for entry in store.range(PREFIX).await.map_err(|error| store.failure(error))? {
            if let Some((target, key)) = entry.key.strip_prefix(PREFIX).and_then(|name| name.split_once('/'))
                && !target.starts_with('.')
            {
                values.set(target, key, &entry.value);
            }
        }
        for logical_name in secrets.keys() {
            if let Some((target, key)) = logical_name.split_once('.') {
                values.set_secret(target, key);
            }
        }
        Ok(values)
    }

    /// Sets all of `assignments`, the plain ones in one transaction. A secret needs a swarm; there must be one.
    ///
    /// Names and values are checked before ([`check`]); what does not go together with other settings is refused here.
    pub(crate) async fn set(
        &self,
        schema: &SettingsSchema,
        target: &str,
        assignments: &[Assignment],
    ) -> Result<(), Failure> {
        let secrets = self.platform.swarm.secrets().await?;
        let before = self.load_with(&secrets).await?;
        let mut after = before.clone();
        for Assignment { key, value } in assignments {
            match schema.is_secret(target, key) {
                true => after.set_secret(target, key),
                false => after.set(target, key, value),
            }
        }
        check_change(schema, &before, &after)?;
        let public_keys = key_pair::check(schema, target, assignments, &before, &|key| {
            secrets.get(&secret_name(target, key))?.public_key.clone()
        })?;
        let mut transaction = Transaction::new();
        for assignment in assignments {
            let Assignment { key, value } = assignment;
            if schema.is_secret(target, key) {
                let public_key = public_keys.get(key).map(String::as_str);
                self.platform.swarm.set_secret(&secret_name(target, key), value.as_bytes(), public_key).await?;
            } else {
                transaction = transaction.put(&key_of(target, key), value);
            }
        }
        self.commit(transaction).await
    }

    /// Forgets settings, which then have their defaults; those of them that were set.
    pub(crate) async fn unset(
        &self,
        schema: &SettingsSchema,
        target: &str,
        keys: &[String],
    ) -> Result<BTreeSet<String>, Failure> {
        let before = self.load().await?;
        let mut after = before.clone();
        for key in keys {
            after.unset(target, key);
        }
        check_change(schema, &before, &after)?;
        let is_set = |key: &&String| before.get(target, key).is_some() || before.has_secret(target, key);
        let were_set = keys.iter().filter(is_set).cloned().collect();
        let mut transaction = Transaction::new();
        for key in keys {
            let is_unread_secret = schema.get(target, key).is_none() && before.has_secret(target, key);
            if schema.is_secret(target, key) || is_unread_secret {
                let logical_name = secret_name(target, key);
                if self.platform.swarm.remove_secret(&logical_name).await? {
                    return Err(Failure::Unhealthy {
                        reasons: vec![format!("a running service uses the secret `{target}/{key}`")],
                        hint: format!("platformctl uninstall {target}, or set another value"),
                    });
                }
            } else {
                transaction = transaction.delete(&key_of(target, key));
            }
        }
        self.commit(transaction).await?;
        Ok(were_set)
    }

    async fn commit(&self, transaction: Transaction) -> Result<(), Failure> {
        if transaction.is_empty() {
            return Ok(());
        }
        let store = &self.platform.store;
        store.commit(&transaction).await.map(drop).map_err(|error| store.failure(error))
    }
}

/// Every mistake in names and values, and in certificates and keys as far as they are given together.
pub(crate) fn check(schema: &SettingsSchema, target: &str, assignments: &[Assignment]) -> Result<(), Problems> {
    let mut problems = Problems::new();
    given_twice(&mut problems, target, assignments.iter().map(|assignment| assignment.key.as_str()));
    for Assignment { key, value } in assignments {
        if let Err(expected) = schema.check(target, key, value) {
            // A value that is wrong is not repeated when it is a secret.
            let message = if schema.is_secret(target, key) { "not a value for a secret".to_owned() } else { expected };
            add(&mut problems, schema, target, key, format!("{target}/{key}: {message}"));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    key_pair::check(schema, target, assignments, &Values::new(), &|_| None).map(drop)
}

/// A key that is named more than once in what etcd takes as one change.
/// <https://etcd.io/docs/v3.5/learning/api/#transaction>
fn given_twice<'a>(problems: &mut Problems, target: &str, keys: impl Iterator<Item = &'a str>) {
    for key in repeated(keys) {
        problems.add(Origin::Flag("KEY"), format!("{target}/{key} is given twice"));
    }
}

/// No key is named twice.
pub(crate) fn check_once(target: &str, keys: &[String]) -> Result<(), Problems> {
    let mut problems = Problems::new();
    given_twice(&mut problems, target, keys.iter().map(String::as_str));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Every name that is no setting.
pub(crate) fn check_names(schema: &SettingsSchema, target: &str, keys: &[String]) -> Result<(), Problems> {
    let mut problems = Problems::new();
    for key in keys.iter().filter(|key| schema.get(target, key).is_none()) {
        let message = format!("there is no setting `{target}/{key}`");
        add(&mut problems, schema, target, key, message);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn add(problems: &mut Problems, schema: &SettingsSchema, target: &str, key: &str, message: String) {
    let origin = Origin::Flag("KEY");
    match schema.get(target, key).is_none().then(|| schema.suggestion(target, key)).flatten() {
        Some(suggestion) => problems.add_with_hint(origin, message, format!("did you mean `{suggestion}`?")),
        None => problems.add(origin, message),
    }
}

/// What is wrong with the settings once they are changed, as far as the change makes it wrong.
pub(crate) fn check_change(schema: &SettingsSchema, before: &Values, after: &Values) -> Result<(), Problems> {
    bundle::refused(schema.mistakes_of_change(before, after))
}

fn key_of(target: &str, key: &str) -> String {
    format!("{PREFIX}{target}/{key}")
}

/// A secret's logical name in the swarm.
fn secret_name(target: &str, key: &str) -> String {
    format!("{target}.{key}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;

    #[test]
    fn a_key_is_given_once() {
        let schema = Bundle::shipped_named("platform").unwrap().settings;
        let assign = |value: &str| Assignment { key: "domain".into(), value: value.into() };
        assert!(check(&schema, "platform", &[assign("a.test")]).is_ok());
        let twice = check(&schema, "platform", &[assign("a.test"), assign("b.test"), assign("c.test")]).unwrap_err();
        assert_eq!(Failure::from(twice).to_string().matches("platform/domain is given twice").count(), 1);
        assert!(check_once("platform", &["domain".into(), "domain".into()]).is_err());
    }
}
