//! One SSH connection per node, made when first needed and again when it was lost.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::carrier::{ByteStream, Carrier, Endpoint};
use crate::inventory::{InventoryNode, SocketEndpoint};
use crate::ssh::{CONNECT_TIMEOUT, Identity, Output, Session, SshError};

/// Where nodes' SSH servers listen on the cluster's own network.
const SSH_PORT: u16 = 22;
/// So many connections are made at a time: a thousand handshakes at once would each be too late.
pub const MOST_HANDSHAKES: usize = 64;

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection, sign-in included.
    pub connect: Duration,
    /// For one command or request.
    pub command: Duration,
    /// A node that did not answer is not asked again for so long: one command asks it many things.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, command: Duration::from_secs(120), silence: Duration::from_secs(20) }
    }
}

/// How nodes are reached.
#[derive(Clone, Debug)]
pub enum Route {
    /// Each where the inventory says that it answers, and nowhere else.
    Direct,
    /// The same, and through another node where that fails.
    DirectOrDetour,
    /// All through this one.
    Through(Gateway),
}

/// A node through which all others are reached.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub endpoint: SocketEndpoint,
    /// The keys it may show, in OpenSSH's form.
    pub host_keys: Vec<String>,
}

/// The connections of a cluster.
pub(super) struct Connections {
    peers: Vec<Peer>,
    identity: Identity,
    route: Route,
    /// To the gateway, when there is one.
    gateway_link: Mutex<Link>,
    handshakes: Semaphore,
    timeouts: Timeouts,
}

struct Peer {
    endpoint: SocketEndpoint,
    private: SocketEndpoint,
    host_key: String,
    link: Mutex<Link>,
}

/// What is known of a connection.
enum Link {
    Untried,
    Open(Arc<Session>),
    Failed { at: Instant, error: SshError },
}

impl Connections {
    pub(super) fn new(nodes: Vec<InventoryNode>, identity: Identity, route: Route, timeouts: Timeouts) -> Self {
        let peer = |node: InventoryNode| Peer {
            private: SocketEndpoint { host: node.private_address.to_string(), port: SSH_PORT },
            endpoint: node.ssh,
            host_key: node.host_key,
            link: Mutex::new(Link::Untried),
        };
        Self {
            peers: nodes.into_iter().map(peer).collect(),
            identity,
            route,
            gateway_link: Mutex::new(Link::Untried),
            handshakes: Semaphore::new(MOST_HANDSHAKES),
            timeouts,
        }
    }

    /// The open connection to a node; makes it when there is none.
    async fn connected(&self, index: usize) -> Result<Arc<Session>, SshError> {
        let peer = &self.peers[index];
        let mut link = peer.link.lock().await;
        if let Some(known) = link.known(self.timeouts.silence) {
            return known;
        }
        let address = &peer.endpoint;
        if matches!(*link, Link::Open(_)) {
            tracing::debug!(host = address.host, port = address.port, "the connection was lost and is made again");
        }
        let connected = match &self.route {
            Route::Through(gateway) => match self.gateway_session(gateway).await {
                Ok(jump) => self.through(jump, peer).await,
                Err(error) => Err(error),
            },
            Route::Direct => self.directly_or_again(peer).await,
            Route::DirectOrDetour => self.directly_or_through_another(index).await,
        };
        if let Err(error) = &connected {
            tracing::debug!(host = address.host, port = address.port, %error, "no connection");
        }
        link.remember(connected)
    }

    /// Ends the connection to a node; the next question makes it again.
    async fn end(&self, index: usize) {
        let link = std::mem::replace(&mut *self.peers[index].link.lock().await, Link::Untried);
        if let Link::Open(session) = link {
            session.close().await;
        }
    }

    async fn gateway_session(&self, gateway: &Gateway) -> Result<Arc<Session>, SshError> {
        let mut link = self.gateway_link.lock().await;
        if let Some(known) = link.known(self.timeouts.silence) {
            return known;
        }
        if matches!(*link, Link::Open(_)) {
            tracing::debug!(host = gateway.endpoint.host, "the connection to the gateway was lost and is made again");
        }
        let keys: Vec<&str> = gateway.host_keys.iter().map(String::as_str).collect();
        let _turn = self.turn().await;
        link.remember(Session::connect_within(&gateway.endpoint, &keys, &self.identity, self.timeouts.connect).await)
    }

    /// One of the handshakes that are made at a time.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.handshakes.acquire().await.ok()
    }

    async fn directly_or_through_another(&self, index: usize) -> Result<Session, SshError> {
        let peer = &self.peers[index];
        let error = match self.directly_or_again(peer).await {
            Err(error @ (SshError::Connect { .. } | SshError::TimedOut { .. } | SshError::Protocol { .. })) => error,
            other => return other,
        };
        for (other, jump) in self.peers.iter().enumerate() {
            // Who is being connected just now holds the lock, and may be waiting for us.
            let Some(link) = jump.link.try_lock().ok().filter(|_| other != index) else { continue };
            let Link::Open(jump) = &*link else { continue };
            let jump = jump.clone();
            drop(link);
            return self.through(jump, peer).await.map_err(|_| error);
        }
        Err(error)
    }

    async fn directly_or_again(&self, peer: &Peer) -> Result<Session, SshError> {
        match self.directly(peer).await {
            // A server under load drops connections before it has spoken; once more costs little.
            Err(error @ SshError::Protocol { .. }) => {
                tracing::debug!(host = peer.endpoint.host, %error, "connecting once more");
                self.directly(peer).await
            }
            other => other,
        }
    }

    async fn directly(&self, peer: &Peer) -> Result<Session, SshError> {
        let _turn = self.turn().await;
        Session::connect_within(&peer.endpoint, &[&peer.host_key], &self.identity, self.timeouts.connect).await
    }

    async fn through(&self, jump: Arc<Session>, peer: &Peer) -> Result<Session, SshError> {
        let _turn = self.turn().await;
        let (keys, within) = ([peer.host_key.as_str()], self.timeouts.connect);
        Session::connect_through(jump, &peer.private, &keys, &self.identity, within).await
    }
}

impl Carrier for Connections {
    fn reach(&self, node: usize) -> BoxFuture<'_, Result<(), SshError>> {
        Box::pin(async move { self.connected(node).await.map(drop) })
    }

    fn run<'a>(
        &'a self,
        node: usize,
        command: &'a str,
        input: Option<&'a str>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Output, SshError>> {
        Box::pin(async move { self.connected(node).await?.run(command, input, timeout).await })
    }

    fn open<'a>(&'a self, node: usize, endpoint: Endpoint<'a>) -> BoxFuture<'a, Result<ByteStream, SshError>> {
        Box::pin(async move {
            let session = self.connected(node).await?;
            let stream = match endpoint {
                Endpoint::Command(command) => session.open(command).await?.into_stream(),
                Endpoint::Socket(path) => session.unix(path).await?,
                Endpoint::Port(port) => session.tcp("127.0.0.1", port).await?,
            };
            Ok(Box::new(stream) as ByteStream)
        })
    }

    fn session(&self, node: usize) -> BoxFuture<'_, Result<Arc<Session>, SshError>> {
        Box::pin(self.connected(node))
    }

    fn disconnect(&self, node: usize) -> BoxFuture<'_, ()> {
        Box::pin(self.end(node))
    }
}

impl Link {
    fn known(&self, silence: Duration) -> Option<Result<Arc<Session>, SshError>> {
        match self {
            Self::Open(session) if !session.is_closed() => Some(Ok(session.clone())),
            Self::Failed { at, error } if at.elapsed() < silence => Some(Err(error.clone())),
            _ => None,
        }
    }

    fn remember(&mut self, connected: Result<Session, SshError>) -> Result<Arc<Session>, SshError> {
        let result = connected.map(Arc::new);
        *self = match &result {
            Ok(session) => Self::Open(session.clone()),
            Err(error) => Self::Failed { at: Instant::now(), error: error.clone() },
        };
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use tokio::net::TcpListener;

    const NODES: usize = 3 * MOST_HANDSHAKES;
    const HOST_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJllCfuWtTKsdk+zDF1BW0eHBs1VUcbNVh67XUu8FTZN";

    /// A node whose SSH server says nothing: all nodes at one address.
    fn node(index: usize, address: std::net::SocketAddr) -> InventoryNode {
        InventoryNode {
            name: format!("node-{index}"),
            private_address: "10.32.0.4".parse().unwrap(),
            etcd_member: false,
            data_disk: false,
            ssh: SocketEndpoint { host: address.ip().to_string(), port: address.port() },
            host_key: HOST_KEY.into(),
        }
    }

    /// On one thread: whoever may connect has done so before the listener is asked again.
    #[tokio::test]
    async fn no_more_than_so_many_nodes_are_connected_to_at_a_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let nodes = (0..NODES).map(|index| node(index, address)).collect();
        let connections = Connections::new(nodes, Identity::Agent, Route::Direct, Timeouts::default());
        let (mut open, mut most, mut all) = (VecDeque::new(), 0, 0);
        let serving = async {
            loop {
                tokio::select! {
                    biased;
                    accepted = listener.accept() => {
                        open.push_back(accepted.unwrap());
                        (most, all) = (most.max(open.len()), all + 1);
                    }
                    // Nobody else is at the door. Lets go of one once all places are taken, so that the next may come.
                    () = nobody_comes(), if open.len() >= MOST_HANDSHAKES || all >= NODES => drop(open.pop_front()),
                }
            }
        };
        let connecting = futures::future::join_all((0..NODES).map(|index| connections.session(index)));
        let results = tokio::select! {
            results = connecting => results,
            () = serving => unreachable!("it serves for ever"),
        };
        assert!(results.iter().all(Result::is_err), "nobody is let in");
        assert_eq!(most, MOST_HANDSHAKES);
    }

    async fn nobody_comes() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}
