//! The running emulator as its handlers see it: state, hosts, faults, throttling. What turns an accepted operation into its
//! end is `work`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::authority::OwnAuthorities;
use crate::fault::Faults;
use crate::frontend::apply::Frontends;
use crate::frontend::plan;
use crate::latency::Latency;
use crate::machine::MachineHost;
use crate::recorder::Recorder;
use crate::state::State;
use crate::throttle::Throttle;

/// Everything that the handlers share.
pub(crate) struct Server {
    state: Mutex<State>,
    pub machines: Arc<dyn MachineHost>,
    pub frontends: Arc<dyn Frontends>,
    pub latency: Latency,
    pub boot_timeout: Duration,
    /// The bearer token.
    pub token: String,
    /// Such as `http://127.0.0.1:40123`.
    pub endpoint: String,
    pub authorities: OwnAuthorities,
    pub throttle: Throttle,
    pub faults: Faults,
    pub recorder: Recorder,
    pub started: Instant,
    /// New resource groups that a part of the GETs does not see yet: until when, and how many were counted.
    replicating: Mutex<HashMap<String, (Instant, u64)>>,
    /// Counts changes that can move listeners; the second number is the last one that was applied.
    frontend_changes: AtomicU64,
    frontends_applied: tokio::sync::Mutex<u64>,
}

/// What a [`Server`] is made from.
pub(crate) struct Parts {
    pub state: State,
    pub machines: Arc<dyn MachineHost>,
    pub frontends: Arc<dyn Frontends>,
    pub latency: Latency,
    pub boot_timeout: Duration,
    pub token: String,
    /// Where it listens.
    pub listening: SocketAddr,
}

impl Server {
    /// A server that does nothing yet; see `work::resume`.
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            state: Mutex::new(parts.state),
            machines: parts.machines,
            frontends: parts.frontends,
            latency: parts.latency,
            boot_timeout: parts.boot_timeout,
            token: parts.token,
            endpoint: format!("http://{}", parts.listening),
            authorities: OwnAuthorities::new(parts.listening),
            throttle: Throttle::new(parts.latency.scale.factor()),
            faults: Faults::default(),
            recorder: Recorder::default(),
            started: Instant::now(),
            replicating: Mutex::default(),
            frontend_changes: AtomicU64::new(0),
            frontends_applied: tokio::sync::Mutex::new(0),
        }
    }

    /// The state; the guard must not live across an `await`.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the open ports match the resources. Changes that come while others are applied are applied together.
    pub(crate) async fn refresh_frontends(&self) {
        let change = self.frontend_changes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut applied = self.frontends_applied.lock().await;
        if *applied >= change {
            return;
        }
        *applied = self.frontend_changes.load(Ordering::SeqCst);
        let listeners = plan::listeners(&self.state());
        self.frontends.apply(listeners).await;
    }

    /// Notes a new resource group, for the window in which other replicas do not know it.
    pub(crate) fn replicate(&self, group_key: &str) {
        let window = self.latency.replication();
        if !window.is_zero() {
            self.replicating().insert(group_key.to_owned(), (Instant::now() + window, 0));
        }
    }

    /// Whether this request meets a replica that does not know the group yet: every other one does.
    pub(crate) fn is_unseen(&self, group_key: &str) -> bool {
        let mut replicating = self.replicating();
        let Some((until, count)) = replicating.get_mut(group_key) else {
            return false;
        };
        if *until <= Instant::now() {
            replicating.remove(group_key);
            return false;
        }
        *count += 1;
        *count % 2 == 1
    }

    fn replicating(&self) -> MutexGuard<'_, HashMap<String, (Instant, u64)>> {
        self.replicating.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
