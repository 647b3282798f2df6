//! One node: commands, files and its Docker, over its connection.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use tokio::sync::OnceCell;

use super::carrier::{ByteStream, Carrier, Endpoint};
use super::docker::{self, DockerError};
use crate::inventory::InventoryNode;
use crate::ssh::{Output, Session, SshError};

/// How often a repeatable question is asked again when the connection broke under it.
const MOST_REPEATS: u32 = 2;

/// A node.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    facts: InventoryNode,
    index: usize,
    carrier: Arc<dyn Carrier>,
    /// For one command or request.
    command_timeout: Duration,
    docker: OnceCell<Docker>,
}

impl Node {
    pub(super) fn new(
        facts: InventoryNode,
        index: usize,
        carrier: Arc<dyn Carrier>,
        command_timeout: Duration,
    ) -> Self {
        Self { inner: Arc::new(Inner { facts, index, carrier, command_timeout, docker: OnceCell::new() }) }
    }

    /// Its name, which is its host name too.
    pub fn name(&self) -> &str {
        &self.inner.facts.name
    }

    /// Its address on the cluster's network.
    pub fn private_address(&self) -> Ipv4Addr {
        self.inner.facts.private_address
    }

    /// Whether it is a member of etcd, and so a manager of the swarm.
    pub fn is_etcd_member(&self) -> bool {
        self.inner.facts.etcd_member
    }

    /// What the inventory says of it.
    pub fn facts(&self) -> &InventoryNode {
        &self.inner.facts
    }

    /// Whether it answers.
    pub async fn reach(&self) -> Result<(), SshError> {
        self.inner.carrier.reach(self.inner.index).await
    }

    /// The open connection.
    pub async fn session(&self) -> Result<Arc<Session>, SshError> {
        self.inner.carrier.session(self.inner.index).await
    }

    /// Ends the connection until something is asked again.
    pub async fn disconnect(&self) {
        self.inner.carrier.disconnect(self.inner.index).await;
    }

    /// Runs a command that may be repeated: when the connection breaks, it is made again and the command run again.
    pub async fn run(&self, command: &str, input: Option<&str>, timeout: Duration) -> Result<Output, SshError> {
        let mut repeats = 0;
        loop {
            match self.inner.carrier.run(self.inner.index, command, input, timeout).await {
                Err(error @ SshError::Protocol { .. }) if repeats < MOST_REPEATS => {
                    repeats += 1;
                    tracing::debug!(node = self.name(), %error, repeats, "the connection broke; the command is run again");
                }
                other => return other,
            }
        }
    }

    /// Runs a command with the usual time limit and returns its stdout, or what it complained about.
    pub async fn succeed(&self, command: &str) -> Result<Result<String, String>, SshError> {
        Ok(self.run(command, None, self.inner.command_timeout).await?.success())
    }

    /// A stream to something on the node.
    pub async fn open(&self, endpoint: Endpoint<'_>) -> Result<ByteStream, SshError> {
        self.inner.carrier.open(self.inner.index, endpoint).await
    }

    /// Its Docker, spoken to in the version of the API that it knows.
    pub async fn docker(&self) -> Result<Docker, DockerError> {
        let connect = || async {
            let timeout = self.inner.command_timeout;
            docker::connect(self.clone(), timeout)?.negotiate_version().await
        };
        let docker = self.inner.docker.get_or_try_init(connect).await;
        docker.cloned().map_err(|source| DockerError::new(self.name(), "asking Docker for its version", source))
    }

    /// Asks Docker something that may be asked again when the connection breaks under it; `doing` says what for:
    /// `listing services`.
    pub async fn ask<T, F>(&self, doing: impl AsRef<str>, question: impl Fn(Docker) -> F) -> Result<T, DockerError>
    where
        F: Future<Output = Result<T, bollard::errors::Error>>,
    {
        let mut repeats = 0;
        loop {
            let docker = self.docker().await?;
            match question(docker).await {
                Ok(answer) => return Ok(answer),
                Err(source) => {
                    let error = DockerError::new(self.name(), doing.as_ref(), source);
                    if !error.is_lost_connection() || repeats == MOST_REPEATS {
                        return Err(error);
                    }
                    repeats += 1;
                    tracing::debug!(node = self.name(), %error, repeats, "the connection broke; Docker is asked again");
                }
            }
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Node({})", self.name())
    }
}
