//! Fills in the ids of secrets and configs, by which the swarm knows what a spec names.

use std::collections::HashMap;

use bollard::models::ServiceSpec;

use super::{SecretVersion, Swarm};
use crate::compose::Rendered;
use nodes::cluster::DockerError;

/// Secrets by logical name and ids of configs by name.
#[derive(Clone, Debug, Default)]
pub struct References {
    pub secrets: HashMap<String, SecretVersion>,
    pub config_ids: HashMap<String, String>,
}

/// A secret that a service needs and nobody has set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret `{logical_name}` is not set")]
pub struct UnknownSecret {
    /// `database.password`
    pub logical_name: String,
}

impl Swarm {
    /// Makes the networks and configs that rendered services refer to, and finds the ids of all they refer to by name.
    pub async fn ensure_references(&self, namespace: &str, rendered: &Rendered) -> Result<References, DockerError> {
        for network in &rendered.networks {
            self.ensure_network(network).await?;
        }
        let mut config_ids = self.config_ids().await?;
        for config in &rendered.configs {
            self.ensure_config(namespace, &config.name, &config.content, &mut config_ids).await?;
        }
        Ok(References { secrets: self.secrets().await?, config_ids })
    }
}

impl References {
    /// `spec` with the ids and real names of what it refers to by name.
    pub fn resolve(&self, mut spec: ServiceSpec) -> Result<ServiceSpec, UnknownSecret> {
        let Some(container) = spec.task_template.as_mut().and_then(|task| task.container_spec.as_mut()) else {
            return Ok(spec);
        };
        for reference in container.secrets.iter_mut().flatten() {
            let logical_name = reference.secret_name.clone().unwrap_or_default();
            let Some(version) = self.secrets.get(&logical_name) else { return Err(UnknownSecret { logical_name }) };
            reference.secret_id = Some(version.id.clone());
            reference.secret_name = Some(version.name.clone());
        }
        for reference in container.configs.iter_mut().flatten() {
            let name = reference.config_name.as_deref().unwrap_or_default();
            reference.config_id = self.config_ids.get(name).cloned();
        }
        Ok(spec)
    }
}
