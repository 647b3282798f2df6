//! What services refer to: overlay networks and configs. Both are made when missing and never changed.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::models::{ConfigSpec, NetworkCreateRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListConfigsOptions};

use super::Swarm;
use nodes::cluster::DockerError;

const FORBIDDEN: u16 = 403;
const BAD_REQUEST: u16 = 400;

impl Swarm {
    /// Makes a network when there is none of its name.
    pub async fn ensure_network(&self, request: &NetworkCreateRequest) -> Result<(), DockerError> {
        let name = &request.name;
        if self.has_network(name).await? {
            return Ok(());
        }
        let created = self.ask(format!("creating the network `{name}`"), |docker| {
            let request = request.clone();
            async move { docker.create_network(request).await }
        });
        match created.await {
            // An earlier try got through.
            Err(error)
                if (error.is_conflict() || error.status() == Some(FORBIDDEN)) && error.message().contains("exists") =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// Whether there is a network of exactly this name: Docker also finds networks by the beginning of their id.
    pub async fn has_network(&self, name: &str) -> Result<bool, DockerError> {
        let found = self.ask(format!("looking for the network `{name}`"), |docker| async move {
            docker.inspect_network(name, None::<InspectNetworkOptions>).await
        });
        match found.await {
            Ok(found) => Ok(found.name.as_deref() == Some(name)),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a network; one that still has tasks, or is gone already, is left. Says whether it is gone.
    pub async fn remove_network(&self, name: &str) -> Result<bool, DockerError> {
        let removed = self
            .ask(format!("removing the network `{name}`"), |docker| async move { docker.remove_network(name).await });
        match removed.await {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) if error.is_conflict() || matches!(error.status(), Some(FORBIDDEN | BAD_REQUEST)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ids of all configs by name.
    pub async fn config_ids(&self) -> Result<HashMap<String, String>, DockerError> {
        let configs = self
            .ask("listing configs", |docker| async move { docker.list_configs(None::<ListConfigsOptions>).await })
            .await?;
        Ok(configs.into_iter().filter_map(|config| Some((config.spec?.name?, config.id?))).collect())
    }

    /// Makes a config; its name says its content, so one of the same name is the same.
    pub async fn ensure_config(
        &self,
        namespace: &str,
        name: &str,
        content: &str,
        known: &mut HashMap<String, String>,
    ) -> Result<(), DockerError> {
        if known.contains_key(name) {
            return Ok(());
        }
        let spec = ConfigSpec {
            name: Some(name.to_owned()),
            labels: Some(HashMap::from([(super::service::NAMESPACE_LABEL.to_owned(), namespace.to_owned())])),
            data: Some(STANDARD.encode(content)),
            ..ConfigSpec::default()
        };
        let created = self.ask(format!("creating the config `{name}`"), |docker| {
            let spec = spec.clone();
            async move { docker.create_config(spec).await }
        });
        match created.await {
            Ok(created) => {
                known.insert(name.to_owned(), created.id);
                Ok(())
            }
            Err(error) if error.is_conflict() => {
                *known = self.config_ids().await?;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Removes configs of a namespace that no service uses.
    pub async fn remove_unused_configs(&self, namespace: &str) -> Result<(), DockerError> {
        let configs = self
            .ask("listing configs", |docker| async move { docker.list_configs(None::<ListConfigsOptions>).await })
            .await?;
        for config in configs {
            let Some((spec, id)) = config.spec.zip(config.id) else { continue };
            let label = spec.labels.and_then(|labels| labels.get(super::service::NAMESPACE_LABEL).cloned());
            if label.as_deref() != Some(namespace) {
                continue;
            }
            let removed = self.ask("removing a config", |docker| {
                let id = id.clone();
                async move { docker.delete_config(&id).await }
            });
            match removed.await {
                // 400: a service uses it.
                Err(error) if error.is_not_found() || error.status() == Some(BAD_REQUEST) => {}
                other => other?,
            }
        }
        Ok(())
    }
}
