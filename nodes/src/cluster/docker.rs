//! Docker's API on a node, over a channel of its SSH connection to the socket that the daemon listens on.
//! <https://docs.docker.com/reference/api/engine/>

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;

use super::carrier::Endpoint;
use super::node::Node;
use crate::ssh::SshError;
use report::{Failure, NodeError};

/// Where Docker listens; `core` may open it because it is in the group `docker`.
const SOCKET: &str = "/var/run/docker.sock";

/// A client whose requests each travel in a channel of their own.
pub(super) fn connect(node: Node, timeout: Duration) -> Result<Docker, Error> {
    let transport = move |mut request: BollardRequest| {
        // hyper's connections, unlike its clients, send a request as it is; Docker wants to know its host's name.
        request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("docker"));
        let node = node.clone();
        async move {
            let stream = node
                .open(Endpoint::Socket(SOCKET))
                .await
                .map_err(|error| Error::IOError { err: std::io::Error::other(error) })?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection.with_upgrades());
            Ok(sender.send_request(request).await?)
        }
    };
    Docker::connect_with_custom_transport(transport, Some("http://docker"), timeout.as_secs(), API_DEFAULT_VERSION)
}

/// What Docker on a node said, or why it could not be asked.
#[derive(Clone, Debug)]
pub struct DockerError {
    node: String,
    doing: String,
    source: Arc<Error>,
}

impl DockerError {
    /// An error of `node` while doing what `doing` says: "creating service x".
    pub fn new(node: &str, doing: &str, source: Error) -> Self {
        Self { node: node.to_owned(), doing: doing.to_owned(), source: Arc::new(source) }
    }

    /// The HTTP status with which Docker answered.
    pub fn status(&self) -> Option<u16> {
        match &*self.source {
            Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
            _ => None,
        }
    }

    /// Whether what was asked about is not there.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether something of this name is there already, or in the way.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }

    /// Docker's own words, without what we were doing.
    pub fn message(&self) -> String {
        match &*self.source {
            Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
            Error::DockerStreamError { error } => error.trim().to_owned(),
            Error::RequestTimeoutError => "no answer in time".to_owned(),
            other => other.to_string(),
        }
    }

    /// Why the node was not reached, when that is what happened.
    pub fn unreachable(&self) -> Option<&SshError> {
        match &*self.source {
            Error::IOError { err } => err.get_ref()?.downcast_ref(),
            _ => None,
        }
    }

    /// Whether the connection broke, rather than Docker having said no.
    pub fn is_lost_connection(&self) -> bool {
        match &*self.source {
            Error::HyperResponseError { .. } => true,
            Error::IOError { .. } => self.unreachable().is_none_or(|error| matches!(error, SshError::Protocol { .. })),
            _ => false,
        }
    }

    /// The node that was asked.
    pub fn node(&self) -> &str {
        &self.node
    }
}

impl fmt::Display for DockerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "node `{}`: {}: {}", self.node, self.doing, self.message())
    }
}

impl std::error::Error for DockerError {}

impl From<DockerError> for Failure {
    fn from(error: DockerError) -> Self {
        match error.unreachable() {
            Some(ssh) => Failure::Host {
                errors: vec![NodeError { node: error.node.clone(), cause: ssh.to_string() }],
                unhealthy: Vec::new(),
                hint: "platformctl doctor".into(),
            },
            None => Failure::Unhealthy { reasons: vec![error.to_string()], hint: "platformctl doctor".into() },
        }
    }
}
