//! What components, apps and machines wrote: containers' logs from the Docker of each node, units' from its journald.
//! Each node is asked for its own, so neither a dead node nor a swarm without managers hides what others say.
//!
//! `platformctl journal` and `doctor`'s archive call it.

mod follow;
mod line;

pub(crate) use follow::Followed;
pub(crate) use line::{Line, Stream};

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptions;
use futures::TryStreamExt as _;
use futures::future::{join_all, try_join_all};
use time::OffsetDateTime;

use super::container::{self, TaskContainer};
use super::target::{HOST_COMPONENTS, HostComponent, Instances};
use nodes::cluster::{Cluster, DockerError, Node};
use nodes::ssh::SshError;

/// One node's answer to everything that is asked of it.
const DEADLINE: Duration = Duration::from_secs(90);

/// Something that writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Containers of a component or of an app's service.
    Service { name: String, instances: Instances },
    /// A component that members of etcd run as a unit.
    Host { component: HostComponent, instances: Instances },
    /// A machine: one unit, or everything.
    Machine { name: String, unit: Option<String> },
}

/// What is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    cluster: Cluster,
    /// Names in natural order; places in it are the numbers of instances of global services.
    nodes: Vec<String>,
    sources: Vec<Source>,
    since: Option<OffsetDateTime>,
    most: Option<usize>,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Extract {
    /// In order of time.
    pub lines: Vec<Line>,
    /// Nodes whose lines are missing.
    pub unreachable: Vec<(String, SshError)>,
    /// What else is missing, and why.
    pub missing: Vec<String>,
    /// Up to where each origin on each machine was read.
    marks: Marks,
}

/// Time of the last line by machine and origin.
type Marks = HashMap<(String, String), OffsetDateTime>;

/// A unit on a node, as it is asked for.
#[derive(Clone, Debug)]
struct UnitJournal {
    name: String,
    number: Option<u32>,
    unit: Option<String>,
}

/// Why a node's lines are missing.
#[derive(Debug)]
enum NodeError {
    Ssh(SshError),
    Docker(DockerError),
    Said(String),
}

impl Journal {
    /// Of each source at most the last `most` lines, and none from before `since`.
    pub(crate) fn new(
        cluster: Cluster,
        sources: Vec<Source>,
        since: Option<OffsetDateTime>,
        most: Option<usize>,
    ) -> Self {
        let nodes = cluster.ordered_names().into_iter().map(str::to_owned).collect();
        Self { cluster, nodes, sources, since, most }
    }

    /// Reads what is there now.
    pub(crate) async fn read(&self) -> Extract {
        let read = async |node: &Node| {
            let units = self.units(node);
            let containers = async {
                match tokio::time::timeout(DEADLINE, self.containers(node)).await {
                    Ok(result) => result,
                    Err(_) => Err(NodeError::late("the containers' logs")),
                }
            };
            let units = async {
                match tokio::time::timeout(DEADLINE, try_join_all(units.iter().map(|unit| self.unit(node, unit)))).await
                {
                    Ok(result) => result.map(|lines| lines.concat()),
                    Err(_) => Err(NodeError::late("the journal")),
                }
            };
            tokio::join!(containers, units)
        };
        let mut extract = Extract::default();
        let mut lines = Vec::new();
        for (node, (containers, units)) in
            self.cluster.nodes().iter().zip(join_all(self.cluster.nodes().iter().map(read)).await)
        {
            for result in [containers, units] {
                match result {
                    Ok(some) => lines.extend(some),
                    Err(error) => extract.miss(node.name(), error),
                }
            }
        }
        for line in &lines {
            let mark = extract.marks.entry((line.machine.clone(), line.origin.clone())).or_insert(line.time);
            *mark = line.time.max(*mark);
        }
        extract.lines = line::last(lines, self.most);
        extract
    }

    /// Containers on a node that are meant.
    async fn meant(&self, node: &Node) -> Result<Vec<TaskContainer>, DockerError> {
        let services: Vec<(&str, &Instances)> = self
            .sources
            .iter()
            .filter_map(|source| match source {
                Source::Service { name, instances } => Some((name.as_str(), instances)),
                _ => None,
            })
            .collect();
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let nodes: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
        let mut containers = container::on_node(node, &nodes).await?;
        containers.retain(|container| {
            let includes = |instances: &Instances| match container.number {
                Some(number) => instances.include(number),
                None => *instances == Instances::All,
            };
            services.iter().any(|(name, instances)| container.name == *name && includes(instances))
        });
        Ok(containers)
    }

    async fn containers(&self, node: &Node) -> Result<Vec<Line>, NodeError> {
        let containers = self.meant(node).await.map_err(NodeError::Docker)?;
        let read = async |container: &TaskContainer| {
            let output: Vec<LogOutput> = node
                .ask(format!("reading the log of a container of `{}`", container.name), |docker| {
                    let stream = logs(&docker, &container.id, self.since, self.most, false);
                    async move { stream.try_collect().await }
                })
                .await?;
            Ok(output.iter().filter_map(|output| container_line(container, output)).collect::<Vec<Line>>())
        };
        Ok(try_join_all(containers.iter().map(read)).await.map_err(NodeError::Docker)?.concat())
    }

    /// Units of a node that are meant.
    fn units(&self, node: &Node) -> Vec<UnitJournal> {
        let members = self.nodes.iter().filter(|name| {
            let node = self.cluster.node(name);
            node.is_some_and(Node::is_etcd_member)
        });
        let number = members.zip(1..).find(|(name, _)| *name == node.name()).map(|(_, number)| number);
        let journal = |source: &Source| match source {
            Source::Host { component, instances } => {
                number.filter(|number| instances.include(*number)).map(|number| UnitJournal {
                    name: component.name.to_owned(),
                    number: Some(number),
                    unit: Some(component.unit.to_owned()),
                })
            }
            Source::Machine { name, unit } if name == node.name() => {
                Some(UnitJournal { name: name.clone(), number: None, unit: unit.clone() })
            }
            _ => None,
        };
        self.sources.iter().filter_map(journal).collect()
    }

    async fn unit(&self, node: &Node, unit: &UnitJournal) -> Result<Vec<Line>, NodeError> {
        let lines = self.most.map_or_else(|| "all".to_owned(), |most| most.to_string());
        let command = unit.command(self.since, &format!("--lines={lines}"));
        let output = node.run(&command, None, DEADLINE).await.map_err(NodeError::Ssh)?.success();
        let text = output.map_err(|said| NodeError::Said(format!("reading its journal: {said}")))?;
        Ok(text.lines().filter_map(|json| unit.line(node.name(), json)).collect())
    }
}

impl Extract {
    fn miss(&mut self, node: &str, error: NodeError) {
        let ssh = match &error {
            NodeError::Ssh(ssh) => Some(ssh.clone()),
            NodeError::Docker(docker) => docker.unreachable().cloned(),
            NodeError::Said(_) => None,
        };
        match ssh {
            Some(ssh) if self.unreachable.iter().any(|(known, _)| known == node) => drop(ssh),
            Some(ssh) => self.unreachable.push((node.to_owned(), ssh)),
            None => self.missing.push(error.text(node)),
        }
    }
}

impl NodeError {
    fn late(what: &str) -> Self {
        Self::Said(format!("{what} did not come within {} s", DEADLINE.as_secs()))
    }

    fn text(&self, node: &str) -> String {
        match self {
            Self::Ssh(error) => format!("node `{node}`: {error}"),
            Self::Docker(error) => error.to_string(),
            Self::Said(said) => format!("node `{node}`: {said}"),
        }
    }
}

impl UnitJournal {
    /// `journalctl` with one JSON object a line. <https://www.freedesktop.org/software/systemd/man/latest/journalctl.html>
    fn command(&self, since: Option<OffsetDateTime>, more: &str) -> String {
        let mut words = vec!["exec journalctl --quiet --no-pager --output=json".to_owned(), more.to_owned()];
        if let Some(unit) = &self.unit {
            words.push(format!("--unit='{}'", unit.replace('\'', "'\\''")));
        }
        if let Some(since) = since {
            words.push(format!("--since=@{}.{:06}", since.unix_timestamp(), since.microsecond()));
        }
        words.join(" ")
    }

    fn line(&self, machine: &str, json: &str) -> Option<Line> {
        let (time, text) = line::journald_entry(json)?;
        Some(Line {
            time,
            name: self.name.clone(),
            number: self.number,
            machine: machine.to_owned(),
            stream: Stream::Journal,
            text,
            origin: self.unit.clone().unwrap_or_default(),
        })
    }
}

fn container_line(container: &TaskContainer, output: &LogOutput) -> Option<Line> {
    let (time, text) = line::docker_entry(output.as_ref())?;
    Some(Line {
        time,
        name: container.name.clone(),
        number: container.number,
        machine: container.node.clone(),
        stream: if matches!(output, LogOutput::StdErr { .. }) { Stream::Stderr } else { Stream::Stdout },
        text,
        origin: container.id.clone(),
    })
}

/// A container's log with timestamps. Docker takes whole seconds: a line may come again, and its time tells.
fn logs(
    docker: &Docker,
    container: &str,
    since: Option<OffsetDateTime>,
    most: Option<usize>,
    follow: bool,
) -> impl futures::Stream<Item = Result<LogOutput, Error>> + use<> {
    let options = LogsOptions {
        follow,
        stdout: true,
        stderr: true,
        timestamps: true,
        since: since.map_or(0, |since| i32::try_from(since.unix_timestamp()).unwrap_or(i32::MAX)),
        tail: most.map_or_else(|| "all".to_owned(), |most| most.to_string()),
        ..LogsOptions::default()
    };
    docker.logs(container, Some(options))
}

/// The component of this name that machines run themselves.
pub(crate) fn host_component(name: &str) -> Option<HostComponent> {
    HOST_COMPONENTS.into_iter().find(|component| component.name == name)
}
