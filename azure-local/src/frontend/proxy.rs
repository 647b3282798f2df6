//! The load balancer's data path: makes TCP sockets match a list of [`Listener`]s and carries their connections into
//! machines.
//!
//! The control plane calls [`TcpProxy::apply`] with the whole list whenever a resource changes.

mod pool;
mod relay;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{BoundListener, Listener, Target};
use crate::machine::MachineHost;
use pool::Pool;

/// All listening sockets of the emulator's public addresses.
pub struct TcpProxy {
    machines: Arc<dyn MachineHost>,
    /// Held while the sockets change.
    applying: tokio::sync::Mutex<()>,
    open: Mutex<Vec<OpenListener>>,
}

/// A socket, and what serves it. Dropping it closes the socket and its connections.
struct OpenListener {
    bound: SocketAddr,
    listener: watch::Sender<Listener>,
    pool: Arc<Pool>,
    serving: JoinHandle<()>,
    probing: JoinHandle<()>,
}

impl Drop for OpenListener {
    fn drop(&mut self) {
        self.serving.abort();
        self.probing.abort();
    }
}

impl TcpProxy {
    /// A proxy without listeners; `machines` is asked for the way into a machine at every connection.
    pub fn new(machines: Arc<dyn MachineHost>) -> Self {
        Self { machines, applying: tokio::sync::Mutex::default(), open: Mutex::default() }
    }

    /// Makes the sockets those of `listeners`. A listener whose rule, address and port stay keeps its socket and its
    /// connections, whatever else changes; those of a removed listener end.
    pub async fn apply(&self, listeners: Vec<Listener>) {
        let _one_at_a_time = self.applying.lock().await;
        let place = |listener: &Listener| (listener.address, listener.port, listener.rule.clone());
        let removed: Vec<OpenListener> = {
            let mut open = self.lock();
            open.extract_if(.., |open| {
                let here = place(&open.listener.borrow());
                !listeners.iter().any(|listener| place(listener) == here)
            })
            .collect()
        };
        for mut closing in removed {
            // The port must be free before another listener may want it.
            closing.serving.abort();
            let _ = (&mut closing.serving).await;
        }
        for listener in listeners {
            let kept = {
                let open = self.lock();
                open.iter().find(|open| place(&open.listener.borrow()) == place(&listener)).map(|open| {
                    open.listener.send_if_modified(|current| {
                        let changed = *current != listener;
                        current.clone_from(&listener);
                        changed
                    });
                })
            };
            if kept.is_none() {
                match self.open(listener.clone()).await {
                    Ok(open) => self.lock().push(open),
                    Err(error) => {
                        tracing::error!(rule = listener.rule, address = %listener.address, port = listener.port, %error,
                            "a public port could not be opened");
                    }
                }
            }
        }
    }

    /// The listeners as they are bound now, with the machines that would get a connection.
    pub fn bound(&self) -> Vec<BoundListener> {
        self.lock()
            .iter()
            .map(|open| {
                let listener = open.listener.borrow();
                BoundListener {
                    public: SocketAddr::from((listener.address, listener.port)),
                    bound: Some(open.bound),
                    rule: listener.rule.clone(),
                    machines: listener.target.machines(),
                    healthy_machines: open.pool.candidates(&listener.target),
                }
            })
            .collect()
    }

    /// Closes every socket and every connection.
    pub async fn shut_down(&self) {
        self.apply(Vec::new()).await;
    }

    async fn open(&self, listener: Listener) -> io::Result<OpenListener> {
        let wanted = SocketAddr::from((listener.address, listener.port));
        let socket = match TcpListener::bind(wanted).await {
            // A privileged port, or one that another program has: any other port of the address does, and is reported.
            Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::AddrInUse) => {
                TcpListener::bind((listener.address, 0)).await?
            }
            other => other?,
        };
        let bound = socket.local_addr()?;
        let pool = Arc::new(Pool::default());
        let (sender, receiver) = watch::channel(listener);
        let probing = tokio::spawn(pool::probe(Arc::clone(&pool), Arc::clone(&self.machines), receiver.clone()));
        let serving = tokio::spawn(serve(socket, receiver, Arc::clone(&pool), Arc::clone(&self.machines)));
        Ok(OpenListener { bound, listener: sender, pool, serving, probing })
    }

    /// The list is valid after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Vec<OpenListener>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until it is aborted, which ends the connections too.
async fn serve(
    socket: TcpListener,
    listener: watch::Receiver<Listener>,
    pool: Arc<Pool>,
    machines: Arc<dyn MachineHost>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((client, from)) => {
                    let listener = listener.borrow().clone();
                    let candidates = in_order_for(from, pool.candidates(&listener.target));
                    connections.spawn(connect(client, listener, candidates, Arc::clone(&machines)));
                }
                Err(error) => {
                    // Out of descriptors, most likely: others may end meanwhile.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The machines, beginning with the one that the client's address and port point to; the others follow in case it does
/// not answer.
fn in_order_for(client: SocketAddr, mut machines: Vec<String>) -> Vec<String> {
    let mut hasher = DefaultHasher::new();
    client.hash(&mut hasher);
    if let Some(first) = hasher.finish().checked_rem(machines.len() as u64) {
        machines.rotate_left(usize::try_from(first).unwrap_or_default());
    }
    machines
}

/// Carries one connection from its first byte to its end.
async fn connect(client: TcpStream, listener: Listener, candidates: Vec<String>, machines: Arc<dyn MachineHost>) {
    let port = match &listener.target {
        Target::Machine { port, .. } | Target::Pool { port, .. } => *port,
    };
    for machine in candidates {
        let Ok(address) = machines.forward(&machine, port).await else {
            continue;
        };
        let Ok(server) = TcpStream::connect(address).await else {
            continue;
        };
        if relay::is_alive(&client, &server).await {
            relay::run(client, server, listener.idle_timeout, listener.reset_when_idle).await;
            return;
        }
    }
    // Nobody is there: what a client sees then is a reset.
    relay::reset(&client);
}

#[cfg(test)]
mod tests;
