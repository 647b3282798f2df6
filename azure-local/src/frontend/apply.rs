//! Where the control plane hands its listeners to: a proxy, or a list for runs without sockets.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::frontend::proxy::TcpProxy;
use crate::frontend::{BoundListener, Listener};

/// Makes open ports match a list.
#[async_trait]
pub trait Frontends: Send + Sync {
    /// Opens what is new in `listeners`, closes what is not in it any more, leaves the rest alone.
    async fn apply(&self, listeners: Vec<Listener>);

    /// The ports that are open now.
    fn bound(&self) -> Vec<BoundListener>;

    /// Closes every port: the daemon is ending.
    async fn shut_down(&self);
}

#[async_trait]
impl Frontends for TcpProxy {
    async fn apply(&self, listeners: Vec<Listener>) {
        TcpProxy::apply(self, listeners).await;
    }

    fn bound(&self) -> Vec<BoundListener> {
        TcpProxy::bound(self)
    }

    async fn shut_down(&self) {
        TcpProxy::shut_down(self).await;
    }
}

/// Keeps the list and opens nothing: without machines, nobody would answer.
#[derive(Debug, Default)]
pub struct NoFrontends {
    listeners: Mutex<Vec<Listener>>,
}

#[async_trait]
impl Frontends for NoFrontends {
    async fn apply(&self, listeners: Vec<Listener>) {
        *self.listeners.lock().unwrap_or_else(PoisonError::into_inner) = listeners;
    }

    fn bound(&self) -> Vec<BoundListener> {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners
            .iter()
            .map(|listener| BoundListener {
                public: SocketAddr::from((listener.address, listener.port)),
                bound: None,
                rule: listener.rule.clone(),
                machines: listener.target.machines(),
                healthy_machines: Vec::new(),
            })
            .collect()
    }

    async fn shut_down(&self) {
        self.apply(Vec::new()).await;
    }
}
