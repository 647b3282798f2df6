//! Compares the resources that a spec asks for with what Azure holds: a [`ClusterSpec`] and an [`Observed`] make a
//! [`Plan`]. Pure; `execute` reads Azure before and carries the plan out after.

mod compare;
mod desired;
mod resource;
mod step;

pub use compare::differences;
pub use desired::{CLUSTER_TAG, Desired, ResourceNames, desired};
pub use resource::USER_DATA_TAG;
pub use step::{Action, Observed, Plan, Step, StepKey};

use serde_json::Value;

use crate::arm::ProvisioningState;
use crate::spec::ClusterSpec;

/// The plan that turns what was observed into what is desired.
pub fn plan(spec: &ClusterSpec, desired: Vec<Desired>, observed: &Observed) -> Plan {
    let steps = desired
        .into_iter()
        .map(|desired| {
            let action = match observed.get(&desired.key) {
                None => Action::Create,
                Some(document) => existing(spec, &desired, document),
            };
            Step { key: desired.key, id: desired.id, body: desired.body, needs: desired.needs, action }
        })
        .collect();
    Plan { steps }
}

/// What to do about a resource that exists.
fn existing(spec: &ClusterSpec, desired: &Desired, document: &Value) -> Action {
    if desired.key == StepKey::ResourceGroup {
        // A group is never written over: its tags say whose it is, and it may be someone else's.
        let ours =
            document.pointer(&format!("/tags/{CLUSTER_TAG}")).and_then(Value::as_str) == Some(spec.name.as_str());
        let notes =
            if ours { Vec::new() } else { vec!["exists already and is not ours: it is used, not changed".into()] };
        return Action::Keep { notes };
    }
    if let ProvisioningState::Running(state) = ProvisioningState::of(document) {
        return Action::Wait { state };
    }
    let failed = ProvisioningState::of(document) != ProvisioningState::Succeeded;
    let changes = differences(&desired.body, document);
    match desired.key {
        _ if failed => Action::Update { changes: vec!["the last operation on it failed".into()] },
        // Size, disks and user-data act when a machine is made; changing them under a running node is not done here.
        StepKey::VirtualMachine(_) | StepKey::NetworkInterface(_) | StepKey::AvailabilitySet => Action::Keep {
            notes: changes.into_iter().map(|change| format!("differs, left as it is: {change}")).collect(),
        },
        _ if changes.is_empty() => Action::Keep { notes: Vec::new() },
        _ => Action::Update { changes },
    }
}

#[cfg(test)]
mod tests;
