//! Nodes that leave the swarm for good: their tasks are seen running elsewhere before they go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bollard::models::{MountType, NodeSpec, NodeSpecAvailabilityEnum, NodeSpecRoleEnum, TaskState};
use bollard::query_parameters::{DeleteNodeOptionsBuilder, LeaveSwarmOptionsBuilder, ListVolumesOptions};
use tokio::time::Instant;

use super::form::change;
use super::{Member, Role, Service, Swarm, Tally, Task};
use nodes::cluster::{DockerError, Node};
use report::mark::GOOD;
use report::{Failure, Reporter};

/// From draining a node to its tasks running elsewhere: each ends in its own time and is pulled and started anew.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// From demoting a manager to the others knowing it.
const DEMOTION_DEADLINE: Duration = Duration::from_secs(2 * 60);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Docker's own name for a volume that nobody named.
const ANONYMOUS_NAME_LENGTH: usize = 64;

impl Swarm {
    /// The volumes on this node, by name, that are nowhere else. What a service that runs on every node keeps is on every
    /// node; what has no name belongs to one container.
    pub async fn volumes_only_on(&self, node: &Node) -> Result<Vec<String>, DockerError> {
        let listed = node
            .ask("listing its volumes", |docker| async move { docker.list_volumes(None::<ListVolumesOptions>).await })
            .await?;
        let services = match self.members().await? {
            Some(_) => self.services(None).await?,
            None => Vec::new(),
        };
        let everywhere: BTreeSet<&str> =
            services.iter().filter(|service| service.is_global()).flat_map(volumes).collect();
        let names = listed.volumes.into_iter().flatten().map(|volume| volume.name);
        let mut names: Vec<String> =
            names.filter(|name| !is_anonymous(name) && !everywhere.contains(name.as_str())).collect();
        names.sort();
        Ok(names)
    }

    /// Takes the tasks off these nodes, and returns when none is left there and as many run elsewhere as ran before; `lost`
    /// are volumes that go with the nodes, whose services cannot run elsewhere.
    pub async fn drain(&self, leaving: &[&str], lost: &BTreeSet<String>, reporter: &Reporter) -> Result<(), Failure> {
        let Some(members) = self.members().await? else { return Ok(()) };
        let services = self.services(None).await?;
        let movable = |service: &&Service| !volumes(service).any(|volume| lost.contains(volume));
        let services: Vec<&Service> = services.iter().filter(movable).collect();
        let before = running(&services, &self.tasks(&services, &members).await?, &members);
        for member in members.iter().filter(|member| leaving.contains(&member.name.as_str())) {
            let drain = |spec: &mut NodeSpec| {
                spec.availability = Some(NodeSpecAvailabilityEnum::DRAIN);
            };
            change(self, &member.id, drain).await?;
        }
        let deadline = Instant::now() + DRAIN_DEADLINE;
        loop {
            let members = self.require().await?;
            let tasks = self.tasks(&services, &members).await?;
            let reasons = unmoved(&services, &tasks, &members, leaving, &before);
            if reasons.is_empty() {
                reporter.note(format!("{GOOD} swarm: {} drained", leaving.join(", ")));
                return Ok(());
            }
            if Instant::now() > deadline {
                let waited = format!("after {} s:", DRAIN_DEADLINE.as_secs());
                return Err(Failure::Unhealthy {
                    reasons: reasons.into_iter().map(|reason| format!("{waited} {reason}")).collect(),
                    hint: "platformctl status, and `platformctl apps ps APP`, tell why; the nodes take no tasks until \
                           `docker node update --availability active NODE` on a manager"
                        .into(),
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
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
            let members = self.require().await?;
            let is_manager = |now: &Member| now.id == member.id && (now.leader || now.reachable);
            if !members.iter().any(is_manager) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Failure::Unhealthy {
                    reasons: vec![format!(
                        "{} is a manager of the swarm still, {} s after it was made a worker",
                        member.name,
                        DEMOTION_DEADLINE.as_secs()
                    )],
                    hint: "platformctl doctor".into(),
                });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
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

/// The volumes that a service mounts, by name.
fn volumes(service: &Service) -> impl Iterator<Item = &str> {
    let container = service.spec.task_template.as_ref().and_then(|task| task.container_spec.as_ref());
    let mounts = container.and_then(|container| container.mounts.as_ref()).into_iter().flatten();
    mounts.filter(|mount| mount.typ == Some(MountType::VOLUME)).filter_map(|mount| mount.source.as_deref())
}

fn is_anonymous(volume: &str) -> bool {
    volume.len() == ANONYMOUS_NAME_LENGTH && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// How many tasks of each service run.
fn running<'s>(services: &[&'s Service], tasks: &[Task], members: &[Member]) -> BTreeMap<&'s str, usize> {
    let count = |service: &Service| {
        let tasks: Vec<&Task> = tasks.iter().filter(|task| task.service_id == service.id).collect();
        Tally::of(service, &tasks, members).running
    };
    services.iter().map(|service| (service.name.as_str(), count(service))).collect()
}

/// What is on the leaving nodes still, and what does not run as before.
fn unmoved(
    services: &[&Service],
    tasks: &[Task],
    members: &[Member],
    leaving: &[&str],
    before: &BTreeMap<&str, usize>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    for service in services {
        let own: Vec<&Task> = tasks.iter().filter(|task| task.service_id == service.id).collect();
        // What a dead node ran is said to run there for hours.
        let is_heard = |node: &str| members.iter().any(|member| member.ready && member.name == node);
        let stays = |task: &&&Task| {
            task.state == TaskState::RUNNING && leaving.contains(&task.node.as_str()) && is_heard(&task.node)
        };
        for task in own.iter().filter(stays) {
            reasons.push(format!("`{}` runs on {}", service.name, task.node));
        }
        let tally = Tally::of(service, &own, members);
        let wanted = tally.wanted.min(before.get(service.name.as_str()).copied().unwrap_or_default());
        if tally.running < wanted {
            reasons.push(format!("`{}` runs {} of {wanted} tasks", service.name, tally.running));
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::{
        Mount, Node as NodeObject, NodeDescription, NodeState, NodeStatus, ObjectVersion, Service as ServiceObject,
        ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated, Task as TaskObject, TaskSpec, TaskSpecContainerSpec,
        TaskStatus,
    };

    fn service(name: &str, replicas: Option<i64>, volume: Option<&str>) -> Service {
        let mount =
            |source: &str| Mount { typ: Some(MountType::VOLUME), source: Some(source.to_owned()), ..Mount::default() };
        let container =
            TaskSpecContainerSpec { mounts: Some(volume.map(mount).into_iter().collect()), ..Default::default() };
        let mode = match replicas {
            Some(replicas) => ServiceSpecMode {
                replicated: Some(ServiceSpecModeReplicated { replicas: Some(replicas) }),
                ..ServiceSpecMode::default()
            },
            None => ServiceSpecMode { global: Some(Default::default()), ..ServiceSpecMode::default() },
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

    fn member(name: &str, drained: bool) -> Member {
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

    fn task(service: &str, node: &str, state: TaskState, wanted: bool, members: &[Member]) -> Task {
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
        let (web, router) = (service("web", Some(2), None), service("router", None, None));
        let services = [&web, &router];
        let before = BTreeMap::from([("web", 2), ("router", 2)]);
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
            assert_eq!(unmoved(&services, &all(tasks), &members, &["n1"], &before), expected);
        }
        // What did not run before is not waited for.
        let never = BTreeMap::from([("web", 0), ("router", 0)]);
        assert_eq!(unmoved(&services, &[], &members, &["n1"], &never), [""; 0]);
    }

    #[test]
    fn names_that_nobody_gave() {
        assert!(is_anonymous(&"0123456789abcdef".repeat(4)));
        for named in ["platform_registry", "x", &"g".repeat(64)] {
            assert!(!is_anonymous(named), "{named}");
        }
        let database = service("database", Some(1), Some("platform_database"));
        assert_eq!(volumes(&database).collect::<Vec<_>>(), ["platform_database"]);
    }
}
