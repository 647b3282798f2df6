//! Tasks: a service's containers on nodes, past and present.

use std::collections::HashMap;

use bollard::models::{Task as TaskObject, TaskSpec, TaskState};
use bollard::query_parameters::ListTasksOptions;

use super::{Member, Service, Swarm, health_check};
use nodes::cluster::DockerError;

/// One task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: String,
    pub service_id: String,
    /// Of a replicated service; counts from 1.
    pub slot: Option<i64>,
    pub node_id: Option<String>,
    /// The node's name; empty as long as no node is chosen.
    pub node: String,
    pub state: TaskState,
    /// Whether the swarm means it to run.
    pub wanted: bool,
    /// Docker's word on what went wrong, with the exit code where there is one.
    pub error: Option<String>,
    pub container_id: Option<String>,
    pub image: String,
    /// When it took its state, in RFC 3339 with whole seconds.
    pub since: String,
    /// When it was made, in RFC 3339.
    pub created_at: String,
    spec: TaskSpec,
}

impl Task {
    pub(super) fn read(task: TaskObject, members: &[Member]) -> Option<Self> {
        let status = task.status.unwrap_or_default();
        let container = status.container_status.unwrap_or_default();
        let spec = task.spec.unwrap_or_default();
        let error = status.err.filter(|error| !error.is_empty()).map(|error| match container.exit_code {
            Some(code) if code != 0 && !error.contains("exit") => format!("{error}: exit status {code}"),
            _ => error,
        });
        let node = task.node_id.as_ref().and_then(|id| members.iter().find(|member| &member.id == id));
        Some(Self {
            id: task.id?,
            service_id: task.service_id?,
            slot: task.slot.filter(|slot| *slot > 0),
            node: node.map(|member| member.name.clone()).unwrap_or_default(),
            node_id: task.node_id.filter(|id| !id.is_empty()),
            state: status.state.unwrap_or(TaskState::NEW),
            wanted: matches!(task.desired_state, Some(TaskState::RUNNING | TaskState::READY | TaskState::ACCEPTED)),
            error,
            container_id: container.container_id.filter(|id| !id.is_empty()),
            image: spec.container_spec.as_ref().and_then(|container| container.image.clone()).unwrap_or_default(),
            since: whole_seconds(status.timestamp.unwrap_or_default()),
            created_at: task.created_at.unwrap_or_default(),
            spec,
        })
    }

    /// Whether it runs and is meant to; with a health check in its image or spec, Docker calls it running once that
    /// passes.
    pub fn is_running(&self) -> bool {
        self.wanted && self.state == TaskState::RUNNING
    }

    /// Whether it ended badly or was never started.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, TaskState::FAILED | TaskState::REJECTED)
    }

    /// Whether it was made from the service's current spec, rather than from an earlier one.
    pub fn follows(&self, service: &Service) -> bool {
        let Some(current) = &service.spec.task_template else { return true };
        let forced = |spec: &TaskSpec| spec.force_update.unwrap_or_default();
        health_check::same_but_for_it(&self.spec, current) && forced(&self.spec) == forced(current)
    }

    /// Where it belongs: its slot, or its node.
    pub fn place(&self) -> String {
        match self.slot {
            Some(slot) => slot.to_string(),
            None => self.node.clone(),
        }
    }
}

/// RFC 3339 without fractions of a second; Docker's times are in UTC.
fn whole_seconds(time: String) -> String {
    time.split_once('.').map(|(seconds, _)| format!("{seconds}Z")).unwrap_or(time)
}

impl Swarm {
    /// All tasks of these services that the swarm remembers, oldest first.
    pub async fn tasks(&self, services: &[&Service], members: &[Member]) -> Result<Vec<Task>, DockerError> {
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let names = services.iter().map(|service| service.name.clone()).collect();
        let options = ListTasksOptions { filters: Some(HashMap::from([("service".to_owned(), names)])) };
        let listed = self.ask("listing tasks", |docker| {
            let options = options.clone();
            async move { docker.list_tasks(Some(options)).await }
        });
        let mut tasks: Vec<Task> = listed.await?.into_iter().filter_map(|task| Task::read(task, members)).collect();
        tasks.sort_by(|one, other| one.created_at.cmp(&other.created_at));
        Ok(tasks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::{ContainerStatus, TaskStatus};

    #[test]
    fn docker_words_become_reasons() {
        for (error, code, expected) in [
            (Some("No such image: x:1"), None, Some("No such image: x:1")),
            (Some("task: non-zero exit (3)"), Some(3), Some("task: non-zero exit (3)")),
            (Some("starting container failed"), Some(127), Some("starting container failed: exit status 127")),
            (Some(""), Some(0), None),
            (None, None, None),
        ] {
            let task = TaskObject {
                id: Some("1".into()),
                service_id: Some("2".into()),
                status: Some(TaskStatus {
                    err: error.map(str::to_owned),
                    container_status: Some(ContainerStatus { exit_code: code, ..ContainerStatus::default() }),
                    ..TaskStatus::default()
                }),
                ..TaskObject::default()
            };
            assert_eq!(Task::read(task, &[]).unwrap().error.as_deref(), expected);
        }
    }
}
