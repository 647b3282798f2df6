//! The running emulator as its handlers see it: state, hosts, and what turns an accepted operation into its end.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::arm::kind::Kind;
use crate::compute::power;
use crate::fault::Faults;
use crate::frontend::apply::Frontends;
use crate::frontend::plan;
use crate::http::throttle::Throttle;
use crate::latency::Latency;
use crate::machine::{MachineHost, PowerState};
use crate::recorder::Recorder;
use crate::removal;
use crate::state::operation::{Action, Operation, Outcome, Twist};
use crate::state::{State, now_milliseconds};

/// Everything that the handlers share.
pub struct Server {
    state: Mutex<State>,
    pub machines: Arc<dyn MachineHost>,
    pub frontends: Arc<dyn Frontends>,
    pub latency: Latency,
    pub boot_timeout: Duration,
    /// The bearer token.
    pub token: String,
    /// Such as `http://127.0.0.1:40123`.
    pub endpoint: String,
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
pub struct Parts {
    pub state: State,
    pub machines: Arc<dyn MachineHost>,
    pub frontends: Arc<dyn Frontends>,
    pub latency: Latency,
    pub boot_timeout: Duration,
    pub token: String,
    pub endpoint: String,
}

impl Server {
    /// A server that does nothing yet; see [`Server::resume`].
    pub fn new(parts: Parts) -> Self {
        Self {
            state: Mutex::new(parts.state),
            machines: parts.machines,
            frontends: parts.frontends,
            latency: parts.latency,
            boot_timeout: parts.boot_timeout,
            token: parts.token,
            endpoint: parts.endpoint,
            throttle: Throttle::new(parts.latency.scale),
            faults: Faults::default(),
            recorder: Recorder::default(),
            started: Instant::now(),
            replicating: Mutex::default(),
            frontend_changes: AtomicU64::new(0),
            frontends_applied: tokio::sync::Mutex::new(0),
        }
    }

    /// The state; the guard must not live across an `await`.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with what the last daemon left: running operations, and machines that were running.
    pub async fn resume(self: &Arc<Self>) {
        let (operations, machines) = {
            let mut state = self.state();
            state.adopt_orphans();
            let operations = state.running();
            let machines: Vec<_> = state
                .of_kind(Kind::VirtualMachine)
                .filter(|vm| vm.power == Some(PowerState::Running) && vm.provisioning.is_terminal())
                .filter_map(|vm| power::machine_spec(&state, vm))
                .collect();
            (operations, machines)
        };
        for operation in operations {
            tokio::spawn(self.clone().perform(operation));
        }
        for spec in machines {
            let server = self.clone();
            tokio::spawn(async move {
                if let Err(error) = server.machines.start(&spec).await {
                    tracing::error!(machine = spec.name, %error, "the machine was running before and does not start");
                    server.state().update(&spec.id, |vm| vm.power = Some(PowerState::Stopped));
                }
            });
        }
        self.refresh_frontends().await;
    }

    /// Performs an operation that was begun, and gives it as it is then: what takes no time is done on return, the
    /// rest goes on by itself.
    pub async fn launch(self: &Arc<Self>, operation: Operation) -> Operation {
        let id = operation.id.clone();
        let mut work = Box::pin(self.clone().perform(operation.clone()));
        let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        if first.is_pending() {
            tokio::spawn(work);
        }
        self.state().operation(&id).cloned().unwrap_or(operation)
    }

    /// Performs an operation that was begun, and gives it as it ends. It goes on when nobody waits for it any more.
    pub async fn finish(self: &Arc<Self>, operation: Operation) -> Operation {
        let id = operation.id.clone();
        if let Err(error) = tokio::spawn(self.clone().perform(operation.clone())).await {
            tracing::error!(%error, resource = operation.resource.text(), "an operation was not performed");
        }
        self.state().operation(&id).cloned().unwrap_or(operation)
    }

    async fn perform(self: Arc<Self>, operation: Operation) {
        let moves_listeners = moves_listeners(&self.state(), &operation);
        let outcome = match self.effect(&operation).await {
            Ok(()) => Outcome::Succeeded,
            Err(failure) => Outcome::Failed(failure),
        };
        if let Outcome::Failed(failure) = &outcome {
            tracing::warn!(
                resource = operation.resource.text(),
                code = failure.code,
                message = failure.message,
                "operation failed"
            );
        }
        {
            let mut state = self.state();
            // Somebody else may have ended it meanwhile, such as the deletion of its resource group.
            if state.operation(&operation.id).is_none_or(|operation| !operation.is_running()) {
                return;
            }
            state.together(|state| {
                if operation.action == Action::Delete && outcome == Outcome::Succeeded {
                    removal::apply(state, &operation.resource);
                }
                // A group cannot be `Failed`: one whose first PUT does not succeed is not there.
                if is_first_put_of_group(state, &operation) && outcome != Outcome::Succeeded {
                    state.remove(&operation.resource.key());
                }
                state.finish(&operation.id, outcome);
            });
        }
        if moves_listeners {
            self.refresh_frontends().await;
        }
    }

    /// What the operation does outside of the state, and the time it takes.
    async fn effect(&self, operation: &Operation) -> Result<(), crate::arm::error::Failure> {
        match &operation.twist {
            Some(Twist::NeverBoots) => return Err(power::timed_out(&operation.resource.name)),
            Some(Twist::Fails(failure)) => {
                wait_until(operation.due_milliseconds()).await;
                return Err(failure.clone());
            }
            None => {}
        }
        match (operation.action, operation.resource.kind) {
            (Action::Delete, _) => removal::release(self, &operation.resource).await?,
            (Action::QueryPortMapping, _) => {}
            (_, Kind::VirtualMachine) => power::perform(self, operation).await?,
            _ => {}
        }
        wait_until(operation.due_milliseconds()).await;
        if is_first_put_of_group(&self.state(), operation) {
            self.replicate(&operation.resource.key());
        }
        Ok(())
    }

    /// Makes the open ports match the resources. Changes that come while others are applied are applied together.
    pub async fn refresh_frontends(&self) {
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
    fn replicate(&self, group_key: &str) {
        let window = self.latency.replication();
        if !window.is_zero() {
            self.replicating().insert(group_key.to_owned(), (Instant::now() + window, 0));
        }
    }

    /// Whether this request meets a replica that does not know the group yet: every other one does.
    pub fn is_unseen(&self, group_key: &str) -> bool {
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

/// Whether the end of an operation can open or close ports. A NIC matters only once it is a machine's.
fn moves_listeners(state: &State, operation: &Operation) -> bool {
    match (operation.action, operation.resource.kind) {
        (Action::QueryPortMapping, _)
        | (
            _,
            Kind::UserAssignedIdentity
            | Kind::ProximityPlacementGroup
            | Kind::AvailabilitySet
            | Kind::ScaleSet
            | Kind::Image
            | Kind::Disk,
        ) => false,
        (Action::Put, Kind::ResourceGroup) => false,
        (_, Kind::NetworkInterface) => state.get(&operation.resource.key()).is_some_and(|nic| nic.managed_by.is_some()),
        _ => true,
    }
}

fn is_first_put_of_group(state: &State, operation: &Operation) -> bool {
    let group = &operation.resource;
    operation.action == Action::Put
        && group.kind == Kind::ResourceGroup
        && state.get(&group.key()).is_some_and(|group| group.generation == 1)
}

async fn wait_until(milliseconds: u64) {
    let left = milliseconds.saturating_sub(now_milliseconds());
    if left > 0 {
        tokio::time::sleep(Duration::from_millis(left)).await;
    }
}
