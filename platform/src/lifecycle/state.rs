//! What runs of an installed bundle, in systemd's words, which users of fleet know: `active`/`running`.

use serde::Serialize;

use super::{Installation, Selection};
use crate::Platform;
use crate::bundle::{Component, ComponentKind};
use crate::settings::Settings;
use crate::swarm::{Member, Service, Tally, Task};
use crate::target::Instances;
use report::Failure;

/// A component's state.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ComponentState {
    pub component: String,
    pub subsystem: String,
    /// `active`, `activating`, `inactive` or `failed`.
    pub active: &'static str,
    /// `running`; `dead` when it is stopped; `uninstalled`; else the state of its newest task in Docker's words.
    pub sub: String,
    pub running: usize,
    pub wanted: usize,
    pub image: Option<String>,
    pub version: Option<String>,
    pub instances: Vec<InstanceState>,
}

/// A task's state.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InstanceState {
    /// The slot, or the place of the node among the nodes.
    pub number: Option<u32>,
    pub machine: String,
    /// Docker's word.
    pub state: String,
    /// RFC 3339.
    pub since: String,
    pub error: Option<String>,
    /// Whether it is meant to run; what is not, is history.
    pub wanted: bool,
}

/// The states of the selected components that are enabled, in the bundle's order.
pub(crate) async fn states(
    platform: &Platform,
    installation: &Installation,
    selection: &Selection,
) -> Result<Vec<ComponentState>, Failure> {
    let bundle = &installation.bundle;
    let members = platform.swarm.members().await?.unwrap_or_default();
    let services = platform.swarm.services(Some(&bundle.name)).await?;
    let tasks = platform.swarm.tasks(&services.iter().collect::<Vec<_>>(), &members).await?;
    let values = Settings::new(platform).load().await?;
    let mut states = Vec::new();
    for subsystem in &bundle.subsystems {
        for component in &subsystem.components {
            if !selection.contains(&component.name) || !bundle.is_enabled(component, &values) {
                continue;
            }
            let service = services.iter().find(|service| service.component() == component.name);
            states.push(match (component.kind, service) {
                (ComponentKind::Host, _) => host(platform, component, &subsystem.name).await,
                (ComponentKind::Service, None) => empty(component, &subsystem.name, "inactive", "uninstalled"),
                (ComponentKind::Service, Some(service)) => {
                    let tasks = tasks.iter().filter(|task| task.service_id == service.id);
                    of_service(platform, component, &subsystem.name, service, tasks.collect(), &members)
                }
            });
        }
    }
    Ok(states)
}

fn empty(component: &Component, subsystem: &str, active: &'static str, sub: &str) -> ComponentState {
    ComponentState {
        component: component.name.clone(),
        subsystem: subsystem.to_owned(),
        active,
        sub: sub.to_owned(),
        running: 0,
        wanted: 0,
        image: None,
        version: None,
        instances: Vec::new(),
    }
}

/// The nodes' own etcd: it has just answered about the settings, so most members run.
async fn host(platform: &Platform, component: &Component, subsystem: &str) -> ComponentState {
    let command = "systemctl is-active etcd-member.service; systemctl show -P ActiveEnterTimestamp etcd-member.service";
    let members: Vec<_> = platform.cluster.members().cloned().collect();
    let answers = futures::future::join_all(members.iter().map(|node| node.succeed(command))).await;
    let mut state = empty(component, subsystem, "active", "running");
    state.wanted = members.len();
    for (index, (node, answer)) in members.iter().zip(answers).enumerate() {
        let (active, since, error) = match answer {
            Ok(Ok(text)) => {
                let mut lines = text.lines().map(str::to_owned);
                (lines.next().unwrap_or_default() == "active", lines.next().unwrap_or_default(), None)
            }
            Ok(Err(reason)) => (false, String::new(), Some(reason)),
            Err(error) => (false, String::new(), Some(error.to_string())),
        };
        state.running += usize::from(active);
        state.instances.push(InstanceState {
            number: u32::try_from(index + 1).ok(),
            machine: node.name().to_owned(),
            state: if active { "running" } else { "failed" }.to_owned(),
            since,
            error,
            wanted: true,
        });
    }
    if state.running < state.wanted {
        state.active = "activating";
        state.sub = "degraded".into();
    }
    state
}

fn of_service(
    platform: &Platform,
    component: &Component,
    subsystem: &str,
    service: &Service,
    tasks: Vec<&Task>,
    members: &[Member],
) -> ComponentState {
    let Tally { wanted, running, unsettled, keeps_failing } = Tally::of(service, &tasks, members);
    let newest = unsettled.or(tasks.last().copied());
    let newest_state = newest.map_or_else(|| "new".to_owned(), |task| task.state.to_string());
    let (active, sub) = match (service.is_started(), running >= wanted) {
        (false, _) => ("inactive", "dead".to_owned()),
        (true, true) if !service.is_updating() => ("active", "running".to_owned()),
        (true, true) => ("activating", "updating".to_owned()),
        (true, false) if keeps_failing => ("failed", newest_state),
        (true, false) => ("activating", newest_state),
    };
    let instances = instances(platform, tasks, members);
    ComponentState {
        active,
        sub,
        running,
        wanted,
        image: Some(service.image().to_owned()),
        version: service.label(super::install::VERSION_LABEL).map(str::to_owned),
        instances,
        ..empty(component, subsystem, active, "")
    }
}

/// The newest task of each place first, then what came before it.
fn instances(platform: &Platform, tasks: Vec<&Task>, members: &[Member]) -> Vec<InstanceState> {
    let nodes = platform.cluster.ordered_names();
    let mut instances: Vec<InstanceState> = tasks
        .into_iter()
        .rev()
        .map(|task| {
            let silent = !task.node.is_empty()
                && task.wanted
                && !members.iter().any(|member| member.ready && member.name == task.node);
            let silence = silent.then(|| "the machine does not answer the swarm's managers".to_owned());
            InstanceState {
                number: Instances::number_of(task.slot, &task.node, &nodes),
                machine: task.node.clone(),
                state: if silent { "unknown".to_owned() } else { task.state.to_string() },
                since: task.since.clone(),
                error: silence.or_else(|| task.error.clone()),
                wanted: task.wanted,
            }
        })
        .collect();
    instances.sort_by_key(|instance| (instance.number, !instance.wanted));
    instances
}
