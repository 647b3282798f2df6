//! A [`Stack`] to what the Engine's API takes. Ids of secrets and configs are not known here: the engine fills them in.

mod container;
mod mounts;
mod service;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{NetworkCreateRequest, ServiceSpec};

use super::read::networks::DEFAULT;
use super::{Naming, Network, Stack};

/// The label by which Docker's own tools know what belongs together.
pub const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";

/// A stack as the swarm takes it; make networks and configs before services.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// In the order of their keys.
    pub services: Vec<RenderedService>,
    /// Networks that a service uses and that are not external.
    pub networks: Vec<NetworkCreateRequest>,
    /// Configs that a service uses.
    pub configs: Vec<RenderedConfig>,
}

/// One service.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedService {
    /// Its key in the file.
    pub component: String,
    /// Complete but for the ids of secrets and configs: their references bear names only. A secret's name is its logical
    /// one.
    pub spec: ServiceSpec,
    /// Logical names of the secrets that the spec refers to.
    pub secrets: Vec<String>,
}

/// A config; its name changes with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedConfig {
    pub name: String,
    pub content: String,
    pub labels: HashMap<String, String>,
}

impl Stack {
    /// The stack within a namespace.
    pub fn render(&self, naming: &Naming<'_>) -> Rendered {
        let services: Vec<RenderedService> =
            self.services.iter().map(|(key, service)| service::render(self, naming, key, service)).collect();
        Rendered { services, networks: self.networks(naming), configs: self.configs(naming) }
    }

    fn networks(&self, naming: &Naming<'_>) -> Vec<NetworkCreateRequest> {
        let used: BTreeSet<&str> = self
            .services
            .values()
            .flat_map(|service| match service.networks.is_empty() {
                true => vec![DEFAULT],
                false => service.networks.keys().map(String::as_str).collect(),
            })
            .collect();
        let default = Network::default();
        let networks = used.into_iter().map(|key| (key, self.networks.get(key).unwrap_or(&default)));
        networks
            .filter(|(_, network)| !network.external)
            .map(|(key, network)| NetworkCreateRequest {
                name: self.network_name(naming, key),
                driver: Some("overlay".into()),
                scope: Some("swarm".into()),
                internal: Some(network.internal),
                attachable: Some(network.attachable),
                options: some(&network.driver_options),
                labels: Some(labelled(naming, &network.labels)),
                ..NetworkCreateRequest::default()
            })
            .collect()
    }

    fn network_name(&self, naming: &Naming<'_>, key: &str) -> String {
        match self.networks.get(key) {
            Some(Network { name: Some(name), .. }) => name.clone(),
            Some(Network { external: true, .. }) => key.to_owned(),
            _ => naming.name(key),
        }
    }

    fn configs(&self, naming: &Naming<'_>) -> Vec<RenderedConfig> {
        let used: BTreeSet<&str> =
            self.services.values().flat_map(|service| &service.configs).map(|config| config.source.as_str()).collect();
        let configs = self.configs.iter().filter(|(key, _)| used.contains(key.as_str()));
        configs
            .map(|(key, config)| RenderedConfig {
                name: naming.config(key, &config.content),
                content: config.content.clone(),
                labels: labelled(naming, &config.labels),
            })
            .collect()
    }
}

/// Labels with the namespace's among them.
fn labelled(naming: &Naming<'_>, labels: &BTreeMap<String, String>) -> HashMap<String, String> {
    let namespace = (NAMESPACE_LABEL.to_owned(), naming.namespace.to_owned());
    labels.clone().into_iter().chain([namespace]).collect()
}

/// None for an empty map, which the API takes as nothing said.
fn some(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}

/// None for an empty list.
fn some_list(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// The API's nanoseconds. Durations were read with this limit.
fn nanoseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
