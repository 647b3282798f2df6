//! Carries a plan out: every step starts as soon as what it needs is there, and a step that fails stops only those that
//! need it. Running again goes on from what Azure holds.

mod departed;
mod destroy;
mod extra;
mod group_list;
mod observe;
mod own_resources;
mod ports;
mod power;
mod removal;
mod tagged;
mod told;

pub(crate) use departed::{departing, remove_departing};
pub(crate) use destroy::remove;
pub(crate) use extra::extra;
pub(crate) use observe::{Before, being_deleted, observe, observe_settled};
pub(crate) use own_resources::OwnResources;
pub(crate) use ports::{gone, ssh_ports};
pub(crate) use power::{Behind, Machine, Machines, Switch, SwitchPlan, Switched, look, off, powers, switch};
pub(crate) use removal::{Emptiness, Removal, RemovalError, removal};
pub(crate) use tagged::{TaggedCluster, tagged_clusters};

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::arm::{Arm, ArmError, ArmErrorKind};
use crate::plan::{Action, Plan, Step, StepKey};
use report::Reporter;
use told::told;

/// Network interfaces that may join one load balancer at the same time; with about ten, Azure refuses at random.
/// <https://github.com/Azure/azure-powershell/issues/4889>
const PARALLEL_JOINS: usize = 8;

/// Carries the plan out; every error of every step that failed.
pub(crate) async fn execute(arm: &Arm, plan: Plan, reporter: &Reporter) -> Result<(), Vec<ArmError>> {
    let replaced = plan.steps.iter().filter(|step| matches!(step.action, Action::Replace { .. }));
    let removals = join_all(replaced.map(|step| arm.delete(&step.id))).await;
    let errors: Vec<ArmError> = removals.into_iter().filter_map(Result::err).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let joins = Arc::new(Semaphore::new(PARALLEL_JOINS));
    let mut waiting = plan.steps;
    let mut done = BTreeSet::new();
    let mut running = JoinSet::new();
    let mut errors = Vec::new();
    loop {
        let (ready, later): (Vec<Step>, Vec<Step>) =
            waiting.into_iter().partition(|step| step.needs.iter().all(|need| done.contains(need)));
        waiting = later;
        let any_ready = !ready.is_empty();
        for step in ready {
            if matches!(step.action, Action::Keep { .. }) {
                done.insert(step.key);
            } else {
                running.spawn(run_step(arm.clone(), step, joins.clone(), reporter.clone()));
            }
        }
        if any_ready && running.is_empty() {
            continue;
        }
        match running.join_next().await {
            None => break,
            Some(Ok((key, Ok(())))) => {
                done.insert(key);
            }
            Some(Ok((_, Err(error)))) => errors.push(error),
            Some(Err(panic)) => {
                errors.push(ArmError::local(ArmErrorKind::Unexpected, "running a step", panic.to_string()));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

async fn run_step(arm: Arm, step: Step, joins: Arc<Semaphore>, reporter: Reporter) -> (StepKey, Result<(), ArmError>) {
    let _slot = match step.key {
        StepKey::NetworkInterface(_) => joins.acquire_owned().await.ok(),
        _ => None,
    };
    let result = told(step.id.to_string(), step.action.word(), &reporter, write(&arm, &step)).await;
    (step.key, result)
}

async fn write(arm: &Arm, step: &Step) -> Result<(), ArmError> {
    if matches!(step.action, Action::Wait { .. }) {
        match arm.wait_for(&step.id).await {
            // What the earlier run began ended badly: it is asked for again.
            Err(error) if error.kind == ArmErrorKind::OperationFailed => {}
            other => return other,
        }
    }
    arm.put(&step.id, &step.body).await?;
    if step.key == StepKey::ResourceGroup {
        arm.wait_until_consistent(&step.id).await?;
    }
    Ok(())
}
