//! What carries questions to nodes: the SSH connections of `connections`. It is a trait so that the platform's tests can ask
//! nodes that are in memory, by the same bytes.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::ssh::{Output, Session, SshError};

/// What a stream of bytes on a node leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// A command's standard input and output.
    Command(&'a str),
    /// A Unix socket.
    Socket(&'a str),
    /// A TCP port of the node itself.
    Port(u16),
}

/// Bytes in both directions.
pub trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A stream of bytes.
pub type ByteStream = Box<dyn Bytes>;

/// Carries questions to the nodes of one cluster, which are counted from 0 in the inventory's order.
pub trait Carrier: Send + Sync {
    /// Whether a node answers.
    fn reach(&self, node: usize) -> BoxFuture<'_, Result<(), SshError>>;

    /// Runs a command with `input` on its standard input, within `timeout`.
    fn run<'a>(
        &'a self,
        node: usize,
        command: &'a str,
        input: Option<&'a str>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Output, SshError>>;

    /// A stream to something on a node.
    fn open<'a>(&'a self, node: usize, endpoint: Endpoint<'a>) -> BoxFuture<'a, Result<ByteStream, SshError>>;

    /// The SSH connection itself, for terminals and followed output.
    fn session(&self, node: usize) -> BoxFuture<'_, Result<Arc<Session>, SshError>>;

    /// Ends the connection to a node until something is asked again.
    fn disconnect(&self, node: usize) -> BoxFuture<'_, ()>;
}
