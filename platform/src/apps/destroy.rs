//! Removes an app and everything that is only its own.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{ListNetworksOptions, ListVolumesOptions, RemoveVolumeOptions};
use futures::future::join_all;
use tokio::time::Instant;

use super::{AppName, Apps};
use crate::swarm::NAMESPACE_LABEL;
use nodes::cluster::{DockerError, Node};
use report::Failure;
use report::mark::{DEGRADED, GOOD};

const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Containers have a grace period before they end, and what they use can go only then.
const DEADLINE: Duration = Duration::from_secs(120);
const IN_USE: u16 = 409;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Destroyed {
    pub services: Vec<String>,
    pub networks: Vec<String>,
    /// `volume on node`
    pub volumes: Vec<String>,
}

impl Destroyed {
    /// Whether there was nothing.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }
}

impl Apps {
    /// Removes services, networks, configs and volumes, then the record. What is gone already does not matter, so it can
    /// be repeated; volumes of nodes that do not answer stay, which is said.
    pub async fn destroy(&self, name: &AppName) -> Result<(Destroyed, bool), Failure> {
        self.reporter.note(format!("{GOOD} {name}: removing its services, networks and volumes"));
        let existed = self.get(name).await?.is_some();
        let mut destroyed = Destroyed::default();
        if self.platform.swarm.members().await?.is_some() {
            let namespace = name.namespace();
            destroyed.services = self.remove_services(&namespace).await?;
            let deadline = Instant::now() + DEADLINE;
            destroyed.volumes = self.remove_volumes(&namespace, deadline).await?;
            destroyed.networks = self.remove_networks(&namespace, deadline).await?;
            self.platform.swarm.remove_unused_configs(&namespace).await?;
        }
        self.forget(name).await?;
        Ok((destroyed, existed))
    }

    async fn remove_networks(&self, namespace: &str, deadline: Instant) -> Result<Vec<String>, Failure> {
        let options = ListNetworksOptions { filters: Some(of_namespace(namespace)) };
        let listed = self.platform.swarm.ask("listing networks", |docker| {
            let options = options.clone();
            async move { docker.list_networks(Some(options)).await }
        });
        let names: Vec<String> = listed.await?.into_iter().filter_map(|network| network.name).collect();
        for name in &names {
            while !self.platform.swarm.remove_network(name).await? {
                if Instant::now() > deadline {
                    return Err(still_used(format!("network `{name}`")));
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        }
        Ok(names)
    }

    async fn remove_volumes(&self, namespace: &str, deadline: Instant) -> Result<Vec<String>, Failure> {
        let (nodes, unreachable) = self.platform.cluster.connect().await;
        for (node, error) in unreachable {
            self.reporter.note(format!(
                "{DEGRADED} {node} does not answer, so volumes that it may hold stay; the same command removes them later: {error}"
            ));
        }
        let removed = join_all(nodes.iter().map(|node| remove_volumes_of(node, namespace, deadline))).await;
        let mut names = Vec::new();
        for removed in removed {
            names.extend(removed?);
        }
        Ok(names)
    }
}

/// Removes a node's volumes of a namespace.
async fn remove_volumes_of(node: &Node, namespace: &str, deadline: Instant) -> Result<Vec<String>, Failure> {
    let options = ListVolumesOptions { filters: Some(of_namespace(namespace)) };
    let listed = node.ask("listing volumes", |docker| {
        let options = options.clone();
        async move { docker.list_volumes(Some(options)).await }
    });
    let volumes = listed.await?.volumes.unwrap_or_default();
    let mut removed = Vec::new();
    for volume in volumes {
        while !remove_volume(node, &volume.name).await? {
            if Instant::now() > deadline {
                return Err(still_used(format!("volume `{}` on {}", volume.name, node.name())));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        removed.push(format!("{} on {}", volume.name, node.name()));
    }
    Ok(removed)
}

/// Whether the volume is gone; one that a container uses stays.
async fn remove_volume(node: &Node, name: &str) -> Result<bool, DockerError> {
    let removed = node.ask(format!("removing volume `{name}`"), |docker| async move {
        docker.remove_volume(name, None::<RemoveVolumeOptions>).await
    });
    match removed.await {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(true),
        Err(error) if error.status() == Some(IN_USE) => Ok(false),
        Err(error) => Err(error),
    }
}

fn of_namespace(namespace: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{NAMESPACE_LABEL}={namespace}")])])
}

fn still_used(what: String) -> Failure {
    Failure::Unhealthy {
        reasons: vec![format!("{what} is still used after {} s", DEADLINE.as_secs())],
        hint: "run the same command again when its containers have ended".into(),
    }
}
