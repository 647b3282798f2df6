//! Compares the resources that a spec asks for with what Azure holds: a [`SettledSpec`] and an [`Observed`] make a
//! [`Plan`]. Pure; `execute` reads Azure before and carries the plan out after.

mod changes;
mod compare;
mod desired;
mod foreign;
mod resource;
mod step;

pub use changes::{Changes, changes};
pub use compare::differences;
pub use desired::{CLUSTER_TAG, Desired, ResourceNames, desired};
pub use foreign::{carries_tag, is_ours, strangers, tag, tag_named};
pub use resource::FirstBoot;
pub(crate) use resource::{KEYS_TAG, USER_DATA_TAG, data_disk_name};
pub use step::{Action, Observed, Plan, Step, StepKey};

use serde_json::Value;

use crate::arm::ProvisioningState;
use crate::spec::SettledSpec;

/// The plan that turns what was observed into what is desired.
pub fn plan(spec: &SettledSpec, desired: Vec<Desired>, observed: &Observed) -> Plan {
    let mut steps: Vec<Step> = desired
        .into_iter()
        .map(|mut desired| {
            let action = match observed.get(&desired.key) {
                None => Action::Create,
                Some(document) => {
                    desired.body = foreign::with_users_items(spec, &desired.body, document);
                    existing(spec, &desired, document)
                }
            };
            Step { key: desired.key, id: desired.id, body: desired.body, needs: desired.needs, action }
        })
        .collect();
    // A machine takes its interface along when it goes.
    let replaced: Vec<StepKey> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::Replace { .. }))
        .filter_map(|step| match step.key {
            StepKey::VirtualMachine(index) => Some(StepKey::NetworkInterface(index)),
            _ => None,
        })
        .collect();
    for step in steps.iter_mut().filter(|step| replaced.contains(&step.key)) {
        step.action = Action::Create;
    }
    Plan { steps }
}

/// What to do about a resource that exists.
fn existing(spec: &SettledSpec, desired: &Desired, document: &Value) -> Action {
    if desired.key == StepKey::ResourceGroup {
        // A group is never written over: its tags say whose it is, and it may be someone else's.
        let other = vec!["exists already and is not ours: it is used, not changed".into()];
        return Action::Keep { notes: if is_ours(spec, document) { Vec::new() } else { other } };
    }
    if let ProvisioningState::Running(state) = ProvisioningState::of(document) {
        return Action::Wait { state };
    }
    let failed = ProvisioningState::of(document) != ProvisioningState::Succeeded;
    let changes = differences(&desired.body, document);
    let user_data = |document: &Value| document.pointer(&format!("/tags/{USER_DATA_TAG}")).cloned();
    let other_user_data = user_data(document) != user_data(&desired.body);
    let size = |document: &Value| {
        let size = document.pointer("/properties/hardwareProfile/vmSize").and_then(Value::as_str);
        size.map(str::to_ascii_lowercase)
    };
    let other_size = size(document) != size(&desired.body);
    match desired.key {
        // User-data acts at the first boot only, and this machine has not got through it.
        StepKey::VirtualMachine(_) if failed && other_user_data => {
            Action::Replace { reason: "it failed, and its user-data is another one now: deleted and made anew".into() }
        }
        StepKey::VirtualMachine(_) if failed && other_size => {
            Action::Replace { reason: "it failed, and its size is another one now: deleted and made anew".into() }
        }
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
