//! Containers of the swarm's tasks as each node's own Docker knows them: found also when the managers are gone.
//!
//! `platformctl ssh`, `dock`, `journal` and `doctor` look for what runs where with it.

use std::collections::HashMap;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::apps;
use super::compose::NAMESPACE_LABEL;
use super::target::Instances;
use nodes::cluster::{DockerError, Node};

/// Swarm labels every task's container. <https://github.com/moby/moby/blob/master/daemon/cluster/executor/container/container.go>
const SERVICE_NAME_LABEL: &str = "com.docker.swarm.service.name";
const TASK_NAME_LABEL: &str = "com.docker.swarm.task.name";

/// How far a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not started yet.
    Created,
    Running,
    Ended,
}

/// A container of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskContainer {
    pub id: String,
    /// What targets call it: `router`, `app/hello.web`.
    pub name: String,
    /// Which instance it is, from 1 on.
    pub number: Option<u32>,
    /// The node's name.
    pub node: String,
    pub phase: Phase,
    /// Seconds since 1970.
    pub created_seconds: i64,
}

/// All containers of tasks on a node; `nodes` are the cluster's names in natural order.
pub(crate) async fn on_node(node: &Node, nodes: &[&str]) -> Result<Vec<TaskContainer>, DockerError> {
    let filters = HashMap::from([("label", vec![SERVICE_NAME_LABEL])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = node.ask("listing containers", |docker| {
        let options = options.clone();
        async move { docker.list_containers(Some(options)).await }
    });
    Ok(listed.await?.into_iter().filter_map(|container| read(container, node.name(), nodes)).collect())
}

fn read(container: ContainerSummary, node: &str, nodes: &[&str]) -> Option<TaskContainer> {
    let labels = container.labels?;
    let service = labels.get(SERVICE_NAME_LABEL)?;
    let slot = labels.get(TASK_NAME_LABEL).and_then(|task| slot(task, service));
    Some(TaskContainer {
        id: container.id?,
        name: target_name(service, labels.get(NAMESPACE_LABEL).map(String::as_str)),
        number: Instances::number_of(slot, node, nodes),
        node: node.to_owned(),
        phase: match container.state {
            Some(ContainerSummaryStateEnum::CREATED) => Phase::Created,
            Some(ContainerSummaryStateEnum::EXITED | ContainerSummaryStateEnum::DEAD) => Phase::Ended,
            _ => Phase::Running,
        },
        created_seconds: container.created.unwrap_or_default(),
    })
}

/// A task's name is `<service>.<slot>.<id>`, or `<service>.<node's id>.<id>` of a global service.
fn slot(task: &str, service: &str) -> Option<i64> {
    let place = task.strip_prefix(service)?.strip_prefix('.')?;
    place.split_once('.')?.0.parse().ok()
}

/// What targets call a service: its name without its namespace, or `app/NAME.service`.
pub(crate) fn target_name(service: &str, namespace: Option<&str>) -> String {
    let Some(namespace) = namespace else { return service.to_owned() };
    let Some(key) = service.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('_')) else {
        return service.to_owned();
    };
    apps::target_name(namespace, key).unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_which_instance() {
        for (service, task, namespace, expected) in [
            ("platform_registry", "platform_registry.2.abc", Some("platform"), ("registry", Some(2))),
            ("platform_router", "platform_router.z9qtu2r.abc", Some("platform"), ("router", Some(3))),
            ("app-shop_web", "app-shop_web.2.abc", Some("app-shop"), ("app/shop.web", Some(2))),
            ("web.1", "web.1.4.abc", None, ("web.1", Some(4))),
            ("lonely", "", Some("platform"), ("lonely", Some(3))),
        ] {
            let mut labels = HashMap::from([
                (SERVICE_NAME_LABEL.to_owned(), service.to_owned()),
                (TASK_NAME_LABEL.to_owned(), task.to_owned()),
            ]);
            labels.extend(namespace.map(|namespace| (NAMESPACE_LABEL.to_owned(), namespace.to_owned())));
            let summary =
                ContainerSummary { id: Some("1".into()), labels: Some(labels), ..ContainerSummary::default() };
            let container = read(summary, "n-10", &["n-1", "n-9", "n-10"]).unwrap();
            assert_eq!((container.name.as_str(), container.number), expected, "{service}");
        }
        assert_eq!(read(ContainerSummary::default(), "n", &["n"]), None);
    }
}
