//! Secrets of the swarm. Swarm never gives a secret's value back and never changes it, so each value that is set is a new
//! secret with a higher number. <https://docs.docker.com/engine/swarm/secrets/>

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::models::{Secret, SecretSpec};

use super::Swarm;
use nodes::cluster::DockerError;

/// Names, for our own, what the secret is: `database.password`.
const LABEL: &str = "platform.secret";
/// Of a secret that is a private key: what its public half is.
const PUBLIC_KEY_LABEL: &str = "platform.public-key";
/// Answer to a change of something that is used.
const IN_USE: u16 = 400;

/// The newest value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    /// `database.password`
    pub logical_name: String,
    pub id: String,
    /// In the swarm: `database.password.3`.
    pub name: String,
    /// When it was set, in RFC 3339.
    pub created_at: Option<String>,
    /// As it was given with the value.
    pub public_key: Option<String>,
    number: u64,
}

impl Swarm {
    /// The newest version of every secret that is ours, by logical name; empty without a swarm.
    pub async fn secrets(&self) -> Result<HashMap<String, SecretVersion>, DockerError> {
        let mut newest: HashMap<String, SecretVersion> = HashMap::new();
        for version in self.secret_versions().await? {
            let known = newest.get(&version.logical_name);
            if known.is_none_or(|known| known.number < version.number) {
                newest.insert(version.logical_name.clone(), version);
            }
        }
        Ok(newest)
    }

    async fn secret_versions(&self) -> Result<Vec<SecretVersion>, DockerError> {
        let listed = self.ask("listing secrets", |docker| async move {
            docker.list_secrets(None::<bollard::query_parameters::ListSecretsOptions>).await
        });
        match listed.await {
            Ok(secrets) => Ok(secrets.into_iter().filter_map(read).collect()),
            Err(error) if super::is_no_swarm(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Sets a secret; services take the new value when they are updated next. What it replaces goes unless a service uses it.
    /// Swarm never shows a value: what is to be known of it stands beside it, as `public_key` of a private key does.
    pub async fn set_secret(
        &self,
        logical_name: &str,
        value: &[u8],
        public_key: Option<&str>,
    ) -> Result<(), DockerError> {
        let number = self.secrets().await?.get(logical_name).map_or(1, |version| version.number + 1);
        let labels = [(LABEL, Some(logical_name)), (PUBLIC_KEY_LABEL, public_key)];
        let labels = labels.into_iter().filter_map(|(label, text)| Some((label.to_owned(), text?.to_owned())));
        let spec = SecretSpec {
            name: Some(format!("{logical_name}.{number}")),
            labels: Some(labels.collect()),
            data: Some(STANDARD.encode(value)),
            ..SecretSpec::default()
        };
        let created = self.ask(format!("creating the secret `{logical_name}`"), |docker| {
            let spec = spec.clone();
            async move { docker.create_secret(spec).await }
        });
        if let Err(error) = created.await {
            // Managers that are slow may have done it and said so too late.
            match self.secrets().await {
                Ok(secrets) if secrets.get(logical_name).is_some_and(|version| version.number == number) => {}
                _ => return Err(error),
            }
        }
        for version in self.secret_versions().await? {
            if version.logical_name == logical_name && version.number < number {
                self.remove_secret_version(&version).await?;
            }
        }
        Ok(())
    }

    /// Removes every version of a secret that no service uses; says whether one is left in use.
    pub async fn remove_secret(&self, logical_name: &str) -> Result<bool, DockerError> {
        let mut in_use = false;
        for version in self.secret_versions().await? {
            if version.logical_name == logical_name {
                in_use |= !self.remove_secret_version(&version).await?;
            }
        }
        Ok(in_use)
    }

    /// Removes versions that newer ones have replaced and no service uses any more.
    pub async fn remove_old_secrets(&self) -> Result<(), DockerError> {
        let newest = self.secrets().await?;
        for version in self.secret_versions().await? {
            if newest.get(&version.logical_name).is_some_and(|newest| newest.number > version.number) {
                self.remove_secret_version(&version).await?;
            }
        }
        Ok(())
    }

    /// Whether it is gone now.
    async fn remove_secret_version(&self, version: &SecretVersion) -> Result<bool, DockerError> {
        let doing = format!("removing the secret `{}`", version.name);
        let removed = self.ask(doing, |docker| {
            let id = version.id.clone();
            async move { docker.delete_secret(&id).await }
        });
        match removed.await {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) if error.status() == Some(IN_USE) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn read(secret: Secret) -> Option<SecretVersion> {
    let spec = secret.spec?;
    let mut labels = spec.labels?;
    let (logical_name, public_key) = (labels.remove(LABEL)?, labels.remove(PUBLIC_KEY_LABEL));
    let name = spec.name?;
    let number = name.rsplit_once('.')?.1.parse().ok()?;
    Some(SecretVersion { logical_name, id: secret.id?, name, created_at: secret.created_at, public_key, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ours_count() {
        let secret = |name: &str, label: Option<&str>| Secret {
            id: Some("x".into()),
            spec: Some(SecretSpec {
                name: Some(name.into()),
                labels: label.map(|label| HashMap::from([(LABEL.to_owned(), label.to_owned())])),
                ..SecretSpec::default()
            }),
            ..Secret::default()
        };
        for (name, label, expected) in [
            ("database.password.12", Some("database.password"), Some(12)),
            ("database.password", Some("database.password"), None),
            ("theirs.1", None, None),
        ] {
            assert_eq!(read(secret(name, label)).map(|version| version.number), expected, "{name}");
        }
    }
}
