//! One SSH connection per node, made when first needed and again when it was lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::inventory::{InventoryNode, SocketEndpoint};
use crate::ssh::{CONNECT_TIMEOUT, Identity, Session, SshError};

/// Where nodes' SSH servers listen on the cluster's own network.
const SSH_PORT: u16 = 22;
/// A node that did not answer is not asked again for so long: one command asks it many things.
const SILENCE: Duration = Duration::from_secs(20);

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection, sign-in included.
    pub connect: Duration,
    /// For one command or request.
    pub command: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, command: Duration::from_secs(120) }
    }
}

/// A node through which all others are reached.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub endpoint: SocketEndpoint,
    /// The keys it may show, in OpenSSH's form.
    pub host_keys: Vec<String>,
}

/// The connections of a cluster.
pub struct Connections {
    peers: Vec<Peer>,
    identity: Identity,
    gateway: Option<(Gateway, Mutex<Link>)>,
    pub(super) timeouts: Timeouts,
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
    pub(super) fn new(
        nodes: Vec<InventoryNode>,
        identity: Identity,
        gateway: Option<Gateway>,
        timeouts: Timeouts,
    ) -> Self {
        let peer = |node: InventoryNode| Peer {
            private: SocketEndpoint { host: node.private_address.to_string(), port: SSH_PORT },
            endpoint: node.ssh,
            host_key: node.host_key,
            link: Mutex::new(Link::Untried),
        };
        Self {
            peers: nodes.into_iter().map(peer).collect(),
            identity,
            gateway: gateway.map(|gateway| (gateway, Mutex::new(Link::Untried))),
            timeouts,
        }
    }

    /// The open connection to a node; makes it when there is none.
    pub(super) async fn session(&self, index: usize) -> Result<Arc<Session>, SshError> {
        let peer = &self.peers[index];
        let mut link = peer.link.lock().await;
        if let Some(known) = link.known() {
            return known;
        }
        let connected = match &self.gateway {
            Some((gateway, link)) => match self.gateway_session(gateway, link).await {
                Ok(jump) => self.through(jump, peer).await,
                Err(error) => Err(error),
            },
            None => self.directly_or_through_another(index).await,
        };
        link.remember(connected)
    }

    async fn gateway_session(&self, gateway: &Gateway, link: &Mutex<Link>) -> Result<Arc<Session>, SshError> {
        let mut link = link.lock().await;
        if let Some(known) = link.known() {
            return known;
        }
        let keys: Vec<&str> = gateway.host_keys.iter().map(String::as_str).collect();
        link.remember(Session::connect_within(&gateway.endpoint, &keys, &self.identity, self.timeouts.connect).await)
    }

    async fn directly_or_through_another(&self, index: usize) -> Result<Session, SshError> {
        let peer = &self.peers[index];
        let mut direct = self.directly(peer).await;
        // A server under load drops connections before it has spoken; once more costs little.
        if matches!(direct, Err(SshError::Protocol { .. })) {
            direct = self.directly(peer).await;
        }
        let error = match direct {
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

    async fn directly(&self, peer: &Peer) -> Result<Session, SshError> {
        Session::connect_within(&peer.endpoint, &[&peer.host_key], &self.identity, self.timeouts.connect).await
    }

    async fn through(&self, jump: Arc<Session>, peer: &Peer) -> Result<Session, SshError> {
        let (keys, within) = ([peer.host_key.as_str()], self.timeouts.connect);
        Session::connect_through(jump, &peer.private, &keys, &self.identity, within).await
    }
}

impl Link {
    fn known(&self) -> Option<Result<Arc<Session>, SshError>> {
        match self {
            Self::Open(session) if !session.is_closed() => Some(Ok(session.clone())),
            Self::Failed { at, error } if at.elapsed() < SILENCE => Some(Err(error.clone())),
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
