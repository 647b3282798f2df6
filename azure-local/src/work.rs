//! From an operation that was accepted to its end: what it does to machines and state, the time it takes, and how it ends.
//! `http` launches operations; `daemon` takes up again what its predecessor left.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::arm::error::Failure;
use crate::arm::kind::Kind;
use crate::machine::PowerState;
use crate::power;
use crate::removal;
use crate::server::Server;
use crate::state::State;
use crate::state::clock::now_milliseconds;
use crate::state::operation::{Action, Operation, Outcome, Twist};

/// Goes on with what the last daemon left: running operations, and machines that were running.
pub(crate) async fn resume(server: &Arc<Server>) {
    let (operations, machines) = {
        let mut state = server.state();
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
        tokio::spawn(perform(server.clone(), operation));
    }
    for spec in machines {
        let server = server.clone();
        tokio::spawn(async move {
            if let Err(error) = server.machines.start(&spec).await {
                tracing::error!(machine = spec.name, %error, "the machine was running before and does not start");
                server.state().update(&spec.id, |vm| vm.power = Some(PowerState::Stopped));
            }
        });
    }
    server.refresh_frontends().await;
}

/// Performs an operation that was begun, and gives it as it is then: what takes no time is done on return, the
/// rest goes on by itserver.
pub(crate) async fn launch(server: &Arc<Server>, operation: Operation) -> Operation {
    let id = operation.id.clone();
    let mut work = Box::pin(perform(server.clone(), operation.clone()));
    let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    if first.is_pending() {
        tokio::spawn(work);
    }
    server.state().operation(&id).cloned().unwrap_or(operation)
}

/// Performs an operation that was begun, and gives it as it ends. It goes on when nobody waits for it any more.
pub(crate) async fn finish(server: &Arc<Server>, operation: Operation) -> Operation {
    let id = operation.id.clone();
    if let Err(error) = tokio::spawn(perform(server.clone(), operation.clone())).await {
        tracing::error!(%error, resource = operation.resource.text(), "an operation was not performed");
    }
    server.state().operation(&id).cloned().unwrap_or(operation)
}

async fn perform(server: Arc<Server>, operation: Operation) {
    let moves_listeners = moves_listeners(&server.state(), &operation);
    let outcome = match effect(&server, &operation).await {
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
        let mut state = server.state();
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
        server.refresh_frontends().await;
    }
}

/// What the operation does outside of the state, and the time it takes.
async fn effect(server: &Server, operation: &Operation) -> Result<(), Failure> {
    match &operation.twist {
        Some(Twist::NeverBoots) => return Err(power::timed_out(&operation.resource.name)),
        Some(Twist::Fails(failure)) => {
            wait_until(operation.due_milliseconds()).await;
            return Err(failure.clone());
        }
        None => {}
    }
    match (operation.action, operation.resource.kind) {
        (Action::Delete, _) => removal::release(server, &operation.resource).await?,
        (Action::QueryPortMapping, _) => {}
        (_, Kind::VirtualMachine) => power::perform(server, operation).await?,
        _ => {}
    }
    wait_until(operation.due_milliseconds()).await;
    if is_first_put_of_group(&server.state(), operation) {
        server.replicate(&operation.resource.key());
    }
    Ok(())
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
