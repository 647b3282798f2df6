//! What is on one node and nowhere else: it goes with the node.

use std::collections::BTreeSet;
use std::fmt;

use bollard::models::MountType;
use bollard::query_parameters::ListVolumesOptions;

use super::{BUNDLE_LABEL, Service, Swarm, Task};
use nodes::cluster::{DockerError, Node};

/// Docker's own name for a volume that nobody named is so long.
const ANONYMOUS_NAME_LENGTH: usize = 64;
/// Folders of the system, which each node has.
const SYSTEM_FOLDERS: [&str; 9] = ["/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var/run"];
/// What Docker itself keeps there; volumes are told by their names.
const DOCKER_FOLDER: &str = "/var/lib/docker";

/// Something that a node keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    Volume(String),
    /// A folder of the node that a container writes to.
    Folder(String),
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(name) => write!(formatter, "volume `{name}`"),
            Self::Folder(path) => write!(formatter, "folder `{path}`"),
        }
    }
}

/// What the swarm says of all nodes together, to be held against each.
#[derive(Debug)]
pub struct Placed {
    services: Vec<Service>,
    tasks: Vec<Task>,
}

impl Swarm {
    /// Its services and their tasks; none of them where there is no swarm.
    pub async fn placed(&self) -> Result<Placed, DockerError> {
        let Some(members) = self.members().await? else {
            return Ok(Placed { services: Vec::new(), tasks: Vec::new() });
        };
        let services = self.services(None).await?;
        let tasks = self.tasks(&services.iter().collect::<Vec<_>>(), &members).await?;
        Ok(Placed { services, tasks })
    }
}

impl Placed {
    /// What this node keeps for itself: each volume with a name, but for those that a component of the platform has on every
    /// node, and each folder that a task there writes to. An error is the node's own: it does not say which volumes it has.
    pub async fn only_on(&self, node: &Node) -> Result<BTreeSet<Held>, DockerError> {
        let list = |docker: bollard::Docker| async move { docker.list_volumes(None::<ListVolumesOptions>).await };
        let listed = node.ask("listing its volumes", list).await?;
        let names = listed.volumes.into_iter().flatten().map(|volume| volume.name);
        Ok(self.kept(node.name(), names))
    }

    fn kept(&self, node: &str, volumes: impl Iterator<Item = String>) -> BTreeSet<Held> {
        let is_everywhere = |service: &&Service| service.is_global() && service.label(BUNDLE_LABEL).is_some();
        let everywhere: BTreeSet<Held> = self.services.iter().filter(is_everywhere).flat_map(held_by).collect();
        let named = volumes.filter(|name| !is_anonymous(name)).map(Held::Volume);
        let has_task =
            |service: &&Service| self.tasks.iter().any(|task| task.service_id == service.id && task.node == node);
        let of_tasks = self.services.iter().filter(has_task).flat_map(held_by);
        let folders = of_tasks.filter(|held| matches!(held, Held::Folder(_)));
        named.chain(folders).filter(|held| !everywhere.contains(held)).collect()
    }
}

/// Volumes that a service mounts, and folders that it writes to.
pub(super) fn held_by(service: &Service) -> impl Iterator<Item = Held> {
    let container = service.spec.task_template.as_ref().and_then(|task| task.container_spec.as_ref());
    let mounts = container.and_then(|container| container.mounts.as_ref()).into_iter().flatten();
    mounts.filter_map(|mount| {
        let source = mount.source.clone()?;
        match mount.typ {
            Some(MountType::VOLUME) => Some(Held::Volume(source)),
            Some(MountType::BIND) if mount.read_only != Some(true) && !is_of_the_system(&source) => {
                Some(Held::Folder(source))
            }
            _ => None,
        }
    })
}

fn is_of_the_system(path: &str) -> bool {
    let is_below = |folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
    SYSTEM_FOLDERS.into_iter().any(is_below) || is_below(DOCKER_FOLDER)
}

fn is_anonymous(volume: &str) -> bool {
    volume.len() == ANONYMOUS_NAME_LENGTH && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::Member;
    use crate::swarm::leave::tests::{member, service, task};
    use bollard::models::{Mount, TaskState};

    fn bind(source: &str, read_only: bool) -> Mount {
        Mount {
            typ: Some(MountType::BIND),
            source: Some(source.into()),
            read_only: Some(read_only),
            ..Mount::default()
        }
    }

    fn volume(source: &str) -> Mount {
        Mount { typ: Some(MountType::VOLUME), source: Some(source.into()), ..Mount::default() }
    }

    #[test]
    fn what_goes_with_a_node() {
        let members: Vec<Member> = ["n0", "n1"].map(|name| member(name, false)).into();
        let labelled = |mut service: Service| {
            service.spec.labels = Some([(BUNDLE_LABEL.to_owned(), "platform".to_owned())].into());
            service
        };
        let placed = Placed {
            services: vec![
                labelled(service("router", None, vec![volume("router-data"), bind("/var/run/docker.sock", false)])),
                // Each node's is another one.
                service("counter", None, vec![volume("counts")]),
                service("captain", Some(1), vec![bind("/captain", false), bind("/srv/read", true)]),
                service("registry", Some(1), vec![volume("registry")]),
            ],
            tasks: vec![
                task("router", "n0", TaskState::RUNNING, true, &members),
                task("captain", "n0", TaskState::SHUTDOWN, false, &members),
                task("registry", "n1", TaskState::RUNNING, true, &members),
            ],
        };
        let anonymous = "0123456789abcdef".repeat(4);
        for (node, volumes, expected) in [
            ("n0", &["router-data", "counts"][..], &["volume `counts`", "folder `/captain`"][..]),
            ("n1", &["router-data", "registry", &anonymous], &["volume `registry`"]),
            ("n1", &["mine"], &["volume `mine`"]),
            ("n1", &[], &[]),
        ] {
            let kept = placed.kept(node, volumes.iter().map(|name| (*name).to_owned()));
            assert_eq!(kept.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{node} {volumes:?}");
        }
    }

    #[test]
    fn names_and_folders() {
        assert!(is_anonymous(&"0123456789abcdef".repeat(4)));
        for named in ["platform_registry", "x", &"g".repeat(64)] {
            assert!(!is_anonymous(named), "{named}");
        }
        for (path, expected) in [
            ("/captain", false),
            ("/etc", true),
            ("/etc/environment", true),
            ("/etcetera", false),
            ("/var/lib/docker/containers", true),
            ("/var/lib/data1", false),
            ("/var/run/docker.sock", true),
        ] {
            assert_eq!(is_of_the_system(path), expected, "{path}");
        }
    }
}
