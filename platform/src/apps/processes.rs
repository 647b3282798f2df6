//! What runs of an app, and where.

use serde::Serialize;

use super::compose_file::Owner;
use super::render::Blueprint;
use super::{App, Apps};
use crate::swarm::{Service, Task};
use crate::target::Instances;
use report::Failure;

/// A task as people and programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    pub service: String,
    /// The slot, or the place of the node among the nodes.
    pub number: Option<u32>,
    /// Empty as long as none is chosen.
    pub machine: String,
    /// Docker's word.
    pub state: String,
    /// RFC 3339.
    pub since: String,
    pub error: Option<String>,
    /// Whether it is meant to run; what is not, is the last failure in this place.
    pub wanted: bool,
}

/// A service's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    pub service: String,
    pub image: String,
    pub running: usize,
    pub wanted: usize,
}

impl Apps {
    /// Keys of the services that the app's newest release has.
    pub fn services(&self, app: &App) -> Result<Vec<String>, Failure> {
        let Some(release) = app.intended().or(app.releases.last()) else { return Ok(Vec::new()) };
        let owner = Owner { app: &app.name, config: &release.content.config, on: None };
        Ok(Blueprint::read(&release.content.source, owner)?.services().into_keys().collect())
    }

    /// The services and tasks of an app that runs something.
    pub async fn processes(&self, app: &App) -> Result<(Vec<ServiceState>, Vec<Process>), Failure> {
        let swarm = &self.platform.swarm;
        let members = swarm.require().await?;
        let services = swarm.services(Some(&app.name.namespace())).await?;
        let tasks = swarm.tasks(&services.iter().collect::<Vec<_>>(), &members).await?;
        let nodes = self.platform.cluster.ordered_names();
        let mut states = Vec::new();
        let mut processes = Vec::new();
        for service in &services {
            let of_service: Vec<&Task> = tasks.iter().filter(|task| task.service_id == service.id).collect();
            states.push(ServiceState {
                service: service.component().to_owned(),
                image: service.image().to_owned(),
                running: of_service.iter().filter(|task| task.is_running()).count(),
                wanted: service.desired_tasks(&members),
            });
            processes.extend(worth_showing(&of_service).into_iter().map(|task| process(service, task, &nodes)));
        }
        Ok((states, processes))
    }
}

fn process(service: &Service, task: &Task, nodes: &[&str]) -> Process {
    Process {
        service: service.component().to_owned(),
        number: Instances::number_of(task.slot, &task.node, nodes),
        machine: task.node.clone(),
        state: task.state.to_string(),
        since: task.since.clone(),
        error: task.error.clone(),
        wanted: task.wanted,
    }
}

/// Tasks that are meant to run, and of each place where none runs the last failure.
fn worth_showing<'t>(tasks: &[&'t Task]) -> Vec<&'t Task> {
    let mut shown: Vec<&Task> = tasks.iter().copied().filter(|task| task.wanted).collect();
    let runs = |place: &str| tasks.iter().any(|task| task.is_running() && task.place() == place);
    for task in tasks.iter().rev().filter(|task| !task.wanted && task.has_failed()) {
        let place = task.place();
        if !runs(&place) && !shown.iter().any(|other| !other.wanted && other.place() == place) {
            shown.push(task);
        }
    }
    shown.sort_by(|one, other| (one.slot, &one.node, one.wanted).cmp(&(other.slot, &other.node, other.wanted)));
    shown
}
