//! Nodes that leave the swarm for good: their tasks are seen running elsewhere before they go.

use std::collections::BTreeSet;
use std::time::Duration;

use bollard::models::{NodeSpec, NodeSpecAvailabilityEnum, NodeSpecRoleEnum, TaskState};
use bollard::query_parameters::{DeleteNodeOptionsBuilder, LeaveSwarmOptionsBuilder};
use tokio::time::Instant;

use super::form::change;
use super::held::{Held, held_by};
use super::{Member, Role, Service, Swarm, Tally, Task};
use nodes::cluster::{DockerError, Node};
use report::mark::{DEGRADED, GOOD};
use report::{Failure, Reporter};

/// From draining a node to its tasks running elsewhere: each ends in its own time and is pulled and started anew.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// From demoting a manager to the others knowing it.
const DEMOTION_DEADLINE: Duration = Duration::from_secs(2 * 60);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// On nodes that were drained because they are to leave, so that they take tasks again when they stay after all.
const LEAVING_LABEL: &str = "platform.leaving";

/// Nodes that are to leave, and what may go with them.
#[derive(Clone, Debug)]
pub struct Departure<'d> {
    pub nodes: &'d [Node],
    /// Services that use it cannot run elsewhere.
    pub lost: BTreeSet<Held>,
    /// Whether what finds no place elsewhere is given up.
    pub gives_up: bool,
}

impl Departure<'_> {
    fn has(&self, name: &str) -> bool {
        self.nodes.iter().any(|node| node.name() == name)
    }
}

impl Swarm {
    /// Takes the tasks off these nodes, and returns when none is left there and every service has all of its tasks elsewhere. A
    /// service that was short of tasks while nothing had been drained yet does not hold it up.
    pub async fn drain(&self, departure: &Departure<'_>, reporter: &Reporter) -> Result<(), Failure> {
        let Some(members) = self.members().await? else { return Ok(()) };
        let leaving: Vec<&Member> = members.iter().filter(|member| departure.has(&member.name)).collect();
        if leaving.is_empty() {
            return Ok(());
        }
        let services = self.services(None).await?;
        let is_movable = |service: &&Service| !held_by(service).any(|held| departure.lost.contains(&held));
        let mut services: Vec<&Service> = services.iter().filter(is_movable).collect();
        if leaving.iter().all(|member| member.ready && member.available) {
            let tasks = self.tasks(&services, &members).await?;
            services.retain(|service| !is_short(service, &tasks, &members));
        }
        let drain = |spec: &mut NodeSpec| {
            spec.availability = Some(NodeSpecAvailabilityEnum::DRAIN);
            spec.labels.get_or_insert_default().insert(LEAVING_LABEL.to_owned(), "true".to_owned());
        };
        for member in leaving.iter().filter(|member| member.available) {
            change(self, &member.id, drain).await?;
        }
        let names: Vec<&str> = leaving.iter().map(|member| member.name.as_str()).collect();
        let names = names.join(", ");
        let deadline = Instant::now() + DRAIN_DEADLINE;
        loop {
            // A manager that is busy, or was the leader, may be no answer for a while.
            let reasons = match self.unmoved_now(&services, departure).await {
                Ok(reasons) => reasons,
                Err(error) => vec![error.to_string()],
            };
            if reasons.is_empty() {
                reporter.note(format!("{GOOD} swarm: {names} drained"));
                return Ok(());
            }
            if Instant::now() > deadline && departure.gives_up {
                reporter.note(format!("{DEGRADED} swarm: {names} drained; given up: {}", reasons.join("; ")));
                return Ok(());
            }
            if Instant::now() > deadline {
                let waited = format!("after {} s:", DRAIN_DEADLINE.as_secs());
                return Err(Failure::Unhealthy {
                    reasons: reasons.into_iter().map(|reason| format!("{waited} {reason}")).collect(),
                    hint: "platformctl status tells why".into(),
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn unmoved_now(&self, services: &[&Service], departure: &Departure<'_>) -> Result<Vec<String>, DockerError> {
        let members = self.members().await?.unwrap_or_default();
        let tasks = self.tasks(services, &members).await?;
        Ok(unmoved(services, &tasks, &members, &|node| departure.has(node)))
    }

    /// Lets nodes of this cluster take tasks again that were drained because they were to leave, and have stayed.
    pub async fn stay(&self, reporter: &Reporter) -> Result<(), Failure> {
        for member in self.members().await?.unwrap_or_default() {
            if !member.labels.contains_key(LEAVING_LABEL) || self.cluster().node(&member.name).is_none() {
                continue;
            }
            let stay = |spec: &mut NodeSpec| {
                spec.availability = Some(NodeSpecAvailabilityEnum::ACTIVE);
                spec.labels.get_or_insert_default().remove(LEAVING_LABEL);
            };
            change(self, &member.id, stay).await?;
            reporter.note(format!("{GOOD} swarm: {} stays, and takes tasks again", member.name));
        }
        Ok(())
    }

    /// Takes nodes out of the swarm, those among `leaving` too that do not answer any more. The swarm's own cluster must be
    /// without them: somebody has to manage it after them.
    pub async fn forget(&self, leaving: &[Node], reporter: &Reporter) -> Result<(), Failure> {
        let Some(members) = self.members().await? else { return Ok(()) };
        // One that came again under the same name is known twice.
        let is_leaving = |member: &&Member| leaving.iter().any(|node| node.name() == member.name);
        for member in members.iter().filter(is_leaving) {
            if member.role == Role::Manager {
                change(self, &member.id, |spec| spec.role = Some(NodeSpecRoleEnum::WORKER)).await?;
                self.wait_until_demoted(member).await?;
            }
            if let Some(node) = leaving.iter().find(|node| node.name() == member.name) {
                leave(node).await;
            }
            let id = &member.id;
            let remove = |docker: bollard::Docker| async move {
                docker.delete_node(id, Some(DeleteNodeOptionsBuilder::default().force(true).build())).await
            };
            match self.ask("removing a node from the swarm", remove).await {
                Err(error) if error.is_not_found() => {}
                other => other?,
            }
            reporter.note(format!("{GOOD} swarm: {} left", member.name));
        }
        Ok(())
    }

    /// Until the managers decide without this one.
    async fn wait_until_demoted(&self, member: &Member) -> Result<(), Failure> {
        let deadline = Instant::now() + DEMOTION_DEADLINE;
        loop {
            // The leader may be the one that was demoted: another one comes.
            let reason = match self.members().await {
                Ok(members) => {
                    let is_manager = |now: &Member| now.id == member.id && (now.leader || now.reachable);
                    if !members.iter().flatten().any(is_manager) {
                        return Ok(());
                    }
                    "it is a manager still".to_owned()
                }
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                return Err(Failure::Unhealthy {
                    reasons: vec![format!(
                        "{} was made a worker of the swarm, and after {} s: {reason}",
                        member.name,
                        DEMOTION_DEADLINE.as_secs()
                    )],
                    hint: "platformctl doctor".into(),
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Those of these nodes that are in a swarm of which this one knows nothing.
    pub async fn strangers<'n>(&self, nodes: &'n [Node]) -> Result<Vec<&'n str>, DockerError> {
        if self.members().await?.is_some() {
            return Ok(Vec::new());
        }
        let mut strangers = Vec::new();
        for node in nodes {
            let info = node.ask("reading its state", |docker| async move { docker.info().await }).await;
            // One that does not answer manages no swarm either.
            let state = info.ok().and_then(|info| info.swarm?.local_node_state);
            if state == Some(bollard::models::LocalNodeState::ACTIVE) {
                strangers.push(node.name());
            }
        }
        Ok(strangers)
    }
}

/// The node's own part; the managers forget it whether it answers or not.
async fn leave(node: &Node) {
    let leave = |docker: bollard::Docker| async move {
        docker.leave_swarm(Some(LeaveSwarmOptionsBuilder::default().force(true).build())).await
    };
    if let Err(error) = node.ask("leaving the swarm", leave).await {
        tracing::debug!(node = node.name(), %error, "it is forgotten without its own word");
    }
}

fn tally(service: &Service, tasks: &[Task], members: &[Member]) -> (usize, usize) {
    let own: Vec<&Task> = tasks.iter().filter(|task| task.service_id == service.id).collect();
    let tally = Tally::of(service, &own, members);
    (tally.running, tally.wanted)
}

fn is_short(service: &Service, tasks: &[Task], members: &[Member]) -> bool {
    let (running, wanted) = tally(service, tasks, members);
    running < wanted
}

/// What is on the leaving nodes still, and what does not run elsewhere.
fn unmoved(
    services: &[&Service],
    tasks: &[Task],
    members: &[Member],
    is_leaving: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut reasons = Vec::new();
    for service in services {
        // What a dead node ran is said to run there for hours.
        let is_heard = |node: &str| members.iter().any(|member| member.ready && member.name == node);
        let stays = |task: &&Task| {
            task.service_id == service.id
                && task.state == TaskState::RUNNING
                && is_leaving(&task.node)
                && is_heard(&task.node)
        };
        for task in tasks.iter().filter(stays) {
            reasons.push(format!("`{}` runs on {}", service.name, task.node));
        }
        let (running, wanted) = tally(service, tasks, members);
        if running < wanted {
            reasons.push(format!("`{}` runs {running} of {wanted} tasks", service.name));
        }
    }
    reasons
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::HashMap;

    use bollard::models::{
        Mount, Node as NodeObject, NodeDescription, NodeState, NodeStatus, ObjectVersion, Service as ServiceObject,
        ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated, Task as TaskObject, TaskSpec, TaskSpecContainerSpec,
        TaskStatus,
    };

    /// A service of so many replicas, or a global one.
    pub(in super::super) fn service(name: &str, replicas: Option<i64>, mounts: Vec<Mount>) -> Service {
        let container = TaskSpecContainerSpec { mounts: Some(mounts), ..TaskSpecContainerSpec::default() };
        let mode = match replicas {
            Some(replicas) => ServiceSpecMode {
                replicated: Some(ServiceSpecModeReplicated { replicas: Some(replicas) }),
                ..ServiceSpecMode::default()
            },
            None => ServiceSpecMode { global: Some(HashMap::default()), ..ServiceSpecMode::default() },
        };
        Service::read(ServiceObject {
            id: Some(name.to_owned()),
            version: Some(ObjectVersion { index: Some(1) }),
            spec: Some(ServiceSpec {
                name: Some(name.to_owned()),
                mode: Some(mode),
                task_template: Some(TaskSpec { container_spec: Some(container), ..TaskSpec::default() }),
                ..ServiceSpec::default()
            }),
            ..ServiceObject::default()
        })
        .unwrap()
    }

    pub(in super::super) fn member(name: &str, drained: bool) -> Member {
        let availability = if drained { NodeSpecAvailabilityEnum::DRAIN } else { NodeSpecAvailabilityEnum::ACTIVE };
        Member::read(NodeObject {
            id: Some(name.into()),
            description: Some(NodeDescription { hostname: Some(name.into()), ..NodeDescription::default() }),
            spec: Some(NodeSpec { availability: Some(availability), ..NodeSpec::default() }),
            status: Some(NodeStatus { state: Some(NodeState::READY), ..NodeStatus::default() }),
            ..NodeObject::default()
        })
        .unwrap()
    }

    pub(in super::super) fn task(
        service: &str,
        node: &str,
        state: TaskState,
        wanted: bool,
        members: &[Member],
    ) -> Task {
        let desired = if wanted { TaskState::RUNNING } else { TaskState::SHUTDOWN };
        let object = TaskObject {
            id: Some(format!("{service}-{node}")),
            service_id: Some(service.into()),
            node_id: Some(node.into()),
            desired_state: Some(desired),
            status: Some(TaskStatus { state: Some(state), ..TaskStatus::default() }),
            ..TaskObject::default()
        };
        Task::read(object, members).unwrap()
    }

    #[test]
    fn a_node_is_left_when_what_ran_there_runs_elsewhere() {
        let members = [member("n0", false), member("n1", true)];
        let (web, router) = (service("web", Some(2), Vec::new()), service("router", None, Vec::new()));
        let services = [&web, &router];
        let all = |tasks: &[(&str, &str, TaskState, bool)]| -> Vec<Task> {
            tasks.iter().map(|(service, node, state, wanted)| task(service, node, *state, *wanted, &members)).collect()
        };
        use TaskState::{RUNNING as RUNS, SHUTDOWN as ENDED, STARTING as STARTS};
        for (tasks, expected) in [
            (&[("web", "n0", RUNS, true), ("web", "n0", RUNS, true), ("router", "n0", RUNS, true)][..], &[][..]),
            // Both run, and the old one has not ended.
            (
                &[
                    ("web", "n0", RUNS, true),
                    ("web", "n0", RUNS, true),
                    ("web", "n1", RUNS, false),
                    ("router", "n0", RUNS, true),
                ],
                &["`web` runs on n1"],
            ),
            (
                &[
                    ("web", "n0", RUNS, true),
                    ("web", "n0", STARTS, true),
                    ("web", "n1", ENDED, false),
                    ("router", "n0", RUNS, true),
                ],
                &["`web` runs 1 of 2 tasks"],
            ),
            (
                &[("web", "n0", RUNS, true), ("web", "n1", RUNS, true), ("router", "n1", RUNS, false)],
                &["`web` runs on n1", "`router` runs on n1", "`router` runs 0 of 1 tasks"],
            ),
        ] {
            assert_eq!(unmoved(&services, &all(tasks), &members, &|node| node == "n1"), expected);
        }
    }
}
