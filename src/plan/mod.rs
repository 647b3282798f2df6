//! Compares the resources that a spec asks for with what Azure holds: a [`SettledSpec`] and an [`Observed`] make a
//! [`Plan`]. Pure; `execute` reads Azure before and carries the plan out after.

mod changes;
mod compare;
mod desired;
mod drift;
mod foreign;
mod resource;
mod step;

pub use changes::{Changes, changes};
pub use compare::{Difference, differences};
pub use desired::{CLUSTER_TAG, Desired, ResourceNames, desired};
pub(crate) use drift::{Drift, Drifted, Remedy, drift};
pub use foreign::{carries_tag, is_ours, strangers};
pub use resource::FirstBoot;
pub(crate) use resource::{KEYS_TAG, USER_DATA_TAG, data_disk_name};
pub use step::{Action, Observed, Plan, Step, StepKey};

use crate::arm::{ArmError, ProvisioningState, Resource, VirtualMachine};
use crate::spec::SettledSpec;

/// The plan that turns what was observed into what is desired; an error names what an answer lacks that a plan needs.
pub fn plan(spec: &SettledSpec, desired: Vec<Desired>, observed: &Observed) -> Result<Plan, ArmError> {
    let mut steps = Vec::new();
    for mut desired in desired {
        let action = match observed.get(&desired.key) {
            None => Action::Create,
            Some(resource) => {
                desired.body = foreign::with_users_items(spec, &desired.id, &desired.body, resource)?;
                existing(spec, &desired, resource)?
            }
        };
        steps.push(Step { key: desired.key, id: desired.id, body: desired.body, needs: desired.needs, action });
    }
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
    Ok(Plan { steps })
}

/// What to do about a resource that exists.
fn existing(spec: &SettledSpec, desired: &Desired, resource: &Resource) -> Result<Action, ArmError> {
    if desired.key == StepKey::ResourceGroup {
        // A group is never written over: its tags say whose it is, and it may be someone else's.
        let other = vec!["exists already and is not ours: it is used, not changed".into()];
        return Ok(Action::Keep { notes: if is_ours(spec, resource) { Vec::new() } else { other } });
    }
    if let ProvisioningState::Running(state) = &resource.state {
        return Ok(Action::Wait { state: state.clone() });
    }
    let failed = resource.state != ProvisioningState::Succeeded;
    if let (StepKey::VirtualMachine(_), true) = (desired.key, failed)
        && let Some(what) = made_otherwise(spec, desired, resource)?
    {
        let reason = format!("it failed, and its {what} is another one now: deleted and made anew");
        return Ok(Action::Replace { reason });
    }
    let changes = differences(&desired.body, &resource.document);
    Ok(match desired.key {
        _ if failed => Action::Update { changes: vec!["the last operation on it failed".into()] },
        // Size, disks and user-data act when a machine is made; changing them under a running node is not done here.
        StepKey::VirtualMachine(_) | StepKey::NetworkInterface(_) | StepKey::AvailabilitySet => {
            Action::Keep { notes: changes.iter().filter_map(left_as_it_is).collect() }
        }
        _ if changes.is_empty() => Action::Keep { notes: Vec::new() },
        _ => Action::Update { changes: changes.iter().map(ToString::to_string).collect() },
    })
}

/// What there is to say of a property that stays as it is.
fn left_as_it_is(change: &Difference) -> Option<String> {
    let tag = change.property.strip_prefix("tags.");
    match tag {
        Some(USER_DATA_TAG) => Some("was made with other user-data, which is read once, at the first boot".to_owned()),
        // Whether keys fit is judged by itself.
        Some(KEYS_TAG) => None,
        _ => Some(format!("differs, left as it is: {change}")),
    }
}

/// What a machine was made with that no later write changes, and that is another one now.
fn made_otherwise(
    spec: &SettledSpec,
    desired: &Desired,
    resource: &Resource,
) -> Result<Option<&'static str>, ArmError> {
    // A body of our own.
    let user_data = desired.body["tags"][USER_DATA_TAG].as_str();
    // User-data acts at the first boot only, and this machine has not got through it.
    if resource.tags.get(USER_DATA_TAG) != user_data {
        return Ok(Some("user-data"));
    }
    let machine: VirtualMachine = resource.decode(&desired.id)?;
    Ok((!machine.size().eq_ignore_ascii_case(spec.vm_size.as_str())).then_some("size"))
}

#[cfg(test)]
mod tests;
