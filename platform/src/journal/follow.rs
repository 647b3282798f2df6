//! Lines as they are written. A connection that is lost is made again, and what was written meanwhile comes then.

use std::collections::HashSet;
use std::time::Duration;

use bollard::query_parameters::EventsOptionsBuilder;
use futures::stream::{BoxStream, SelectAll, unfold};
use futures::{FutureExt as _, StreamExt as _};
use russh::ChannelMsg;
use time::OffsetDateTime;
use tokio::sync::mpsc::Sender;

use super::{Extract, Journal, Line, Marks, NodeError, UnitJournal, container_line, logs};
use crate::container::{Phase, TaskContainer};
use nodes::cluster::{DockerError, Node};

/// Between two tries to reach a node that is gone.
const RETRY_INTERVAL: Duration = Duration::from_secs(3);

/// What comes while following.
#[derive(Clone, Debug)]
pub(crate) enum Followed {
    Line(Line),
    /// A node whose lines do not come any more, for now.
    Lost {
        reason: String,
    },
    /// They come again.
    Back {
        machine: String,
    },
}

/// What a node's streams bring.
enum Item {
    Line(Line),
    /// A container was started; it may be one that is meant.
    Started,
}

type Items = BoxStream<'static, Result<Item, NodeError>>;

impl Journal {
    /// Follows from where `extract` ended, until this is dropped or nobody takes the lines any more.
    pub(crate) async fn follow(&self, extract: &Extract, started: OffsetDateTime, sink: &Sender<Followed>) {
        let nodes = self.cluster.nodes().iter().filter(|node| self.concerns(node));
        let follow = |node: &Node| {
            let lost = extract.unreachable.iter().any(|(name, _)| name == node.name());
            let following = Following {
                journal: self.clone(),
                node: node.clone(),
                marks: extract.marks.clone(),
                started,
                lost,
                sink: sink.clone(),
            };
            following.go_on().boxed()
        };
        futures::future::join_all(nodes.map(follow)).await;
    }

    /// Whether lines may come from this node: containers of a service may be on any.
    fn concerns(&self, node: &Node) -> bool {
        let of_service = |source: &super::Source| matches!(source, super::Source::Service { .. });
        self.sources.iter().any(of_service) || !self.units(node).is_empty()
    }
}

/// Following one node.
struct Following {
    journal: Journal,
    node: Node,
    marks: Marks,
    started: OffsetDateTime,
    lost: bool,
    sink: Sender<Followed>,
}

impl Following {
    async fn go_on(mut self) {
        while !self.sink.is_closed() {
            let error = match self.streams().await {
                Ok(streams) => match self.take(streams).await {
                    Some(error) => error,
                    None => return,
                },
                Err(error) => error,
            };
            if !std::mem::replace(&mut self.lost, true) {
                let _ = self.sink.send(Followed::Lost { reason: error.text(self.node.name()) }).await;
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    /// Everything that is to be listened to on the node.
    async fn streams(&mut self) -> Result<Streams, NodeError> {
        let mut streams = Streams { all: SelectAll::new(), containers: HashSet::new() };
        for unit in self.journal.units(&self.node) {
            streams.all.push(self.unit(unit).await?);
        }
        let has_services = self.journal.sources.iter().any(|source| matches!(source, super::Source::Service { .. }));
        if has_services {
            // First the news, then the list: a container that starts between them is in both.
            streams.all.push(self.starts().await.map_err(NodeError::Docker)?);
            self.listen(&mut streams).await?;
        }
        if std::mem::take(&mut self.lost) {
            let _ = self.sink.send(Followed::Back { machine: self.node.name().to_owned() }).await;
        }
        Ok(streams)
    }

    /// Adds the containers that are not listened to yet.
    async fn listen(&self, streams: &mut Streams) -> Result<(), NodeError> {
        for container in self.journal.meant(&self.node).await.map_err(NodeError::Docker)? {
            // One that is not started yet will be news.
            if container.phase != Phase::Created && streams.containers.insert(container.id.clone()) {
                streams.all.push(self.container(container).await.map_err(NodeError::Docker)?);
            }
        }
        Ok(())
    }

    /// Takes lines until something breaks; none when nobody wants them any more.
    async fn take(&mut self, mut streams: Streams) -> Option<NodeError> {
        while let Some(item) = streams.all.next().await {
            match item {
                Ok(Item::Line(line)) => {
                    let key = (line.machine.clone(), line.origin.clone());
                    if self.marks.get(&key).is_some_and(|mark| line.time <= *mark) {
                        continue;
                    }
                    self.marks.insert(key, line.time);
                    self.sink.send(Followed::Line(line)).await.ok()?;
                }
                Ok(Item::Started) => {
                    if let Err(error) = self.listen(&mut streams).await {
                        return Some(error);
                    }
                }
                Err(error) => return Some(error),
            }
        }
        Some(NodeError::Said("its logs ended".into()))
    }

    /// From where an origin is to be read on; one that was not there in the beginning, from its own beginning.
    fn mark(&self, origin: &str) -> Option<OffsetDateTime> {
        self.marks.get(&(self.node.name().to_owned(), origin.to_owned())).copied()
    }

    async fn container(&self, container: TaskContainer) -> Result<Items, DockerError> {
        let was_there = container.created_seconds < self.started.unix_timestamp();
        let since = self.mark(&container.id).or(was_there.then_some(self.started));
        let docker = self.node.docker().await?;
        let name = self.node.name().to_owned();
        let running = container.phase == Phase::Running;
        let stream = logs(&docker, &container.id, since, None, running).filter_map(move |output| {
            let item = match output {
                Ok(output) => container_line(&container, &output).map(|line| Ok(Item::Line(line))),
                Err(error) => {
                    let error = DockerError::new(&name, "following a container's log", error);
                    // A container that was removed has nothing more to say; that is no loss.
                    (error.status().is_none()).then_some(Err(NodeError::Docker(error)))
                }
            };
            std::future::ready(item)
        });
        Ok(stream.boxed())
    }

    async fn starts(&self) -> Result<Items, DockerError> {
        let filters = std::collections::HashMap::from([("type", vec!["container"]), ("event", vec!["start"])]);
        let docker = self.node.docker().await?;
        let name = self.node.name().to_owned();
        let events = docker.events(Some(EventsOptionsBuilder::default().filters(&filters).build()));
        let ended = futures::stream::once(std::future::ready(Err(NodeError::Said("Docker ended its news".into()))));
        let items = events.map(move |event| match event {
            Ok(_) => Ok(Item::Started),
            Err(error) => Err(NodeError::Docker(DockerError::new(&name, "listening for new containers", error))),
        });
        Ok(items.chain(ended).boxed())
    }

    async fn unit(&self, unit: UnitJournal) -> Result<Items, NodeError> {
        let since = self.mark(unit.unit.as_deref().unwrap_or_default()).unwrap_or(self.started);
        let command = unit.command(Some(since), "--follow --no-tail");
        let session = self.node.session().await.map_err(NodeError::Ssh)?;
        let channel = session.open(&command).await.map_err(NodeError::Ssh)?;
        let machine = self.node.name().to_owned();
        let entries = unfold(Some((channel, Vec::new())), async |state| {
            let (mut channel, mut pending) = state?;
            loop {
                if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                    let rest = pending.split_off(end + 1);
                    let entry = String::from_utf8_lossy(&pending).into_owned();
                    return Some((Ok(entry), Some((channel, rest))));
                }
                match channel.wait().await {
                    Some(ChannelMsg::Data { data }) => pending.extend_from_slice(&data),
                    Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                        return Some((Err(NodeError::Said("journalctl ended".into())), None));
                    }
                    Some(_) => {}
                }
            }
        });
        let items = entries.filter_map(move |entry| {
            let item = match entry {
                Ok(entry) => unit.line(&machine, &entry).map(|line| Ok(Item::Line(line))),
                Err(error) => Some(Err(error)),
            };
            std::future::ready(item)
        });
        Ok(items.boxed())
    }
}

/// What is listened to on a node.
struct Streams {
    all: SelectAll<Items>,
    containers: HashSet<String>,
}
