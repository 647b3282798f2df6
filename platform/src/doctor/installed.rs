//! Asks what is installed as its clients do: components on their nodes, the load balancer, DNS, TLS.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use futures::future::join_all;

use super::examine::{Swarm, now};
use super::health::Question;
use super::{CLUSTER, Finding, certificate, health, name, public, service};
use crate::bundle::PortProbe;
use crate::bundle::{Bundle, Health, Values};
use nodes::cluster::{Cluster, Node};
use nodes::inventory::InventoryPort;

const RESOLVE_DEADLINE: Duration = Duration::from_secs(8);
/// Any name below the domain must lead to the load balancer; nobody has this one.
const ANY_NAME: &str = "platformctl-doctor";

/// What is installed, and where it can be asked.
pub(super) struct Installed<'a> {
    /// All nodes.
    pub cluster: &'a Cluster,
    /// Those that answer.
    pub nodes: &'a [Node],
    pub bundle: &'a Bundle,
    pub values: &'a Values,
    pub swarm: Option<&'a Swarm>,
}

impl Installed<'_> {
    /// Everything that clients can see.
    pub(super) async fn all(&self) -> Vec<Finding> {
        let (health, balancer, names, certificates) =
            tokio::join!(self.health(), self.balancer(), self.names(), self.public_certificate(),);
        let missing = self.swarm.map(|swarm| service::judge_missing(self.bundle, self.values, &swarm.services));
        let missing = missing.unwrap_or_default();
        [missing, health, balancer, names, certificates].concat()
    }

    /// Each component's check on each node where a task of it should run.
    async fn health(&self) -> Vec<Finding> {
        let Some(swarm) = self.swarm else { return Vec::new() };
        let mut asked = Vec::new();
        for component in self.bundle.components().filter(|component| self.bundle.is_enabled(component, self.values)) {
            let Health::Http { port, path, status } = &component.health else { continue };
            let question = Question { component: &component.name, port: *port, path, status: *status };
            let service = swarm.services.iter().find(|service| service.component() == component.name);
            let Some(service) = service.filter(|service| service.is_started()) else { continue };
            let tasks = swarm.tasks.iter().filter(|task| task.service_id == service.id && task.wanted);
            let places: BTreeSet<&str> = tasks.map(|task| task.node.as_str()).collect();
            for node in self.nodes.iter().filter(|node| places.contains(node.name())) {
                asked.push((node, question.clone()));
            }
        }
        let ask = async |(node, question): &(&Node, Question<'_>)| {
            let answer = node.get(question.port, question.path).await;
            health::judge_node(node.name(), question, answer.as_ref().copied().map_err(String::as_str))
        };
        join_all(asked.iter().map(ask)).await
    }

    /// The load balancer's ports that have a check of their own.
    async fn balancer(&self) -> Vec<Finding> {
        let facts = self.cluster.facts();
        let ask = async |port: &InventoryPort| {
            let probe = self.bundle.ports.iter().find(|known| known.port == port.port).map(|known| &known.probe);
            let Some(PortProbe::Http(path)) = probe else { return None };
            let endpoint = format!("{}:{}", port.endpoint.host, port.endpoint.port);
            let answer = public::get(&port.endpoint, path).await;
            let answer = answer.as_ref().copied().map_err(String::as_str);
            Some(health::judge_balancer(&facts.name, &port.name, &endpoint, path, answer))
        };
        let findings: Vec<Finding> = join_all(facts.ports.iter().map(ask)).await.into_iter().flatten().collect();
        match findings.is_empty() {
            true => vec![Finding::warn(
                "load balancer",
                CLUSTER,
                "opens no port that the platform's routers serve",
                format!("azure-coreos-cluster {} --deis", facts.name),
            )],
            false => findings,
        }
    }

    /// The domain and any name below it.
    async fn names(&self) -> Vec<Finding> {
        let Some(domain) = self.bundle.settings.value(self.values, "platform", "domain") else { return Vec::new() };
        let balancer = IpAddr::V4(self.cluster.facts().public_address);
        let names = [(domain.to_owned(), domain.to_owned()), (format!("*.{domain}"), format!("{ANY_NAME}.{domain}"))];
        let resolve = async |(record, name): &(String, String)| {
            let found = tokio::time::timeout(RESOLVE_DEADLINE, tokio::net::lookup_host((name.as_str(), 80))).await;
            let found: Result<Vec<IpAddr>, String> = match found {
                Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip()).collect()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {} s", RESOLVE_DEADLINE.as_secs())),
            };
            name::judge(record, balancer, found.as_deref().map_err(String::as_str))
        };
        join_all(names.iter().map(resolve)).await
    }

    /// The certificate that browsers see.
    async fn public_certificate(&self) -> Vec<Finding> {
        let Some(domain) = self.bundle.settings.value(self.values, "platform", "domain") else { return Vec::new() };
        let is_tls = |port: &&InventoryPort| self.bundle.ports.iter().any(|known| known.port == port.port && known.tls);
        let name = format!("{ANY_NAME}.{domain}");
        let ask = async |port: &InventoryPort| match public::certificate(&port.endpoint, &name).await {
            Ok(certificate) => certificate::judge_public(&name, &certificate, now()),
            Err(reason) => Finding::warn(
                "certificate",
                format!("https://{name}"),
                format!("no TLS at {}:{}: {reason}", port.endpoint.host, port.endpoint.port),
                "platformctl journal router -n 100",
            ),
        };
        join_all(self.cluster.facts().ports.iter().filter(is_tls).map(ask)).await
    }
}
