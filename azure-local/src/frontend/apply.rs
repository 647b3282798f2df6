//! Where the control plane hands its listeners to: a proxy, or a list for runs without sockets.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::frontend::proxy::TcpProxy;
use crate::frontend::{BoundListener, Listener, Target};

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

/// Keeps the list and opens nothing; reports every listener as bound where it should be.
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
            .map(|listener| {
                let address = SocketAddr::new(IpAddr::V4(listener.address), listener.port);
                let healthy_machines = match &listener.target {
                    Target::Machine { machine, .. } => vec![machine.clone()],
                    Target::Pool { machines, .. } => machines.clone(),
                };
                BoundListener { public: address, bound: address, rule: listener.rule.clone(), healthy_machines }
            })
            .collect()
    }

    async fn shut_down(&self) {
        self.apply(Vec::new()).await;
    }
}
