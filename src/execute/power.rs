//! Machines that exist are switched off and on: [`look`] asks which there are and whether they run, [`SwitchPlan::new`]
//! says which of them to act on, and [`switch`] does it. `cli::power` calls them.

use futures::future::{join_all, try_join_all};

use super::told::told;
use crate::arm::{Arm, ArmError, ArmErrorKind, InstanceView, PowerState, Resource, ResourceId};
use crate::plan::{ResourceNames, is_ours};
use crate::spec::SettledSpec;
use report::Reporter;

/// What is done to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// Off, and no longer paid for: <https://learn.microsoft.com/rest/api/compute/virtual-machines/deallocate>
    Deallocate,
    /// <https://learn.microsoft.com/rest/api/compute/virtual-machines/start>
    Start,
    /// <https://learn.microsoft.com/rest/api/compute/virtual-machines/restart>
    Restart,
}

/// Whether the local emulator has machines behind its virtual machines; without them it cannot say that one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    Machines,
    Nothing,
}

/// A machine that exists.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    pub id: ResourceId,
    pub resource: Resource,
    pub power: PowerState,
}

/// The machines of a cluster at one moment, in the order of its nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Machines {
    /// Exist, and carry the cluster's tag.
    pub own: Vec<Machine>,
    /// Have a name of the cluster's, and not its tag.
    pub foreign: Vec<ResourceId>,
    /// Do not exist.
    pub absent: Vec<ResourceId>,
}

/// Which machines to act on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SwitchPlan {
    pub acted_on: Vec<ResourceId>,
    /// Are as they shall be already.
    pub kept: Vec<(ResourceId, PowerState)>,
    /// Cannot be restarted, because they do not run.
    pub off: Vec<(ResourceId, PowerState)>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Switched {
    pub done: Vec<ResourceId>,
    pub errors: Vec<ArmError>,
}

impl Behind {
    /// What a machine counts as of which the emulator says this.
    fn power(self, told: PowerState) -> PowerState {
        match told {
            PowerState::Unknown if self == Self::Nothing => PowerState::Running,
            told => told,
        }
    }
}

impl Switch {
    /// In one word, as events have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Deallocate => "deallocate",
            Self::Start => "start",
            Self::Restart => "restart",
        }
    }

    fn doing(self, id: &ResourceId) -> String {
        match self {
            Self::Deallocate => format!("deallocating {id}"),
            Self::Start => format!("starting {id}"),
            Self::Restart => format!("restarting {id}"),
        }
    }
}

/// Asks Azure for every machine of the spec by its id, and for the power of those that are the cluster's.
pub(crate) async fn look(
    arm: &Arm,
    spec: &SettledSpec,
    names: &ResourceNames,
    behind: Behind,
) -> Result<Machines, ArmError> {
    let asked = spec.nodes().into_iter().map(|node| {
        let id = names.virtual_machine(&node.name);
        async move {
            let resource = arm.get(&id).await?;
            let power = match &resource {
                Some(resource) if is_ours(spec, resource) => power_of(arm, &id).await?,
                _ => PowerState::Unknown,
            };
            Ok::<_, ArmError>((id, resource, power))
        }
    });
    let mut machines = Machines::default();
    for (id, resource, power) in try_join_all(asked).await? {
        match resource {
            None => machines.absent.push(id),
            Some(resource) if !is_ours(spec, &resource) => machines.foreign.push(id),
            Some(resource) => {
                let power = behind.power(power);
                machines.own.push(Machine { id, resource, power });
            }
        }
    }
    Ok(machines)
}

/// Those of these machines that are off, or about to be.
pub(crate) async fn off(arm: &Arm, ids: &[ResourceId]) -> Result<Vec<(ResourceId, PowerState)>, ArmError> {
    let powers = ids.iter().map(|id| async move { Ok::<_, ArmError>((id.clone(), power_of(arm, id).await?)) });
    Ok(try_join_all(powers).await?.into_iter().filter(|(_, power)| power.is_off()).collect())
}

/// What each of these machines does.
pub(crate) async fn powers(arm: &Arm, ids: &[ResourceId], behind: Behind) -> Result<Vec<PowerState>, ArmError> {
    let powers = try_join_all(ids.iter().map(|id| power_of(arm, id))).await?;
    Ok(powers.into_iter().map(|power| behind.power(power)).collect())
}

async fn power_of(arm: &Arm, id: &ResourceId) -> Result<PowerState, ArmError> {
    Ok(arm.view::<InstanceView>(id, "instanceView").await?.unwrap_or_default().power())
}

impl SwitchPlan {
    /// What `switch` means for these machines.
    pub(crate) fn new(switch: Switch, machines: &[Machine]) -> Self {
        let mut plan = Self::default();
        for Machine { id, power, .. } in machines {
            let is_so_already = match switch {
                Switch::Deallocate => *power == PowerState::Deallocated,
                Switch::Start => *power == PowerState::Running,
                Switch::Restart => false,
            };
            if is_so_already {
                plan.kept.push((id.clone(), power.clone()));
            } else if switch == Switch::Restart && power.is_off() {
                plan.off.push((id.clone(), power.clone()));
            } else {
                plan.acted_on.push(id.clone());
            }
        }
        plan
    }
}

/// Switches all of them together, and returns when Azure says of each that it is done, or why not.
pub(crate) async fn switch(arm: &Arm, switch: Switch, ids: &[ResourceId], reporter: &Reporter) -> Switched {
    let results = join_all(ids.iter().map(|id| switch_one(arm, switch, id, reporter))).await;
    let mut switched = Switched::default();
    for (id, result) in ids.iter().zip(results) {
        match result {
            Ok(()) => switched.done.push(id.clone()),
            Err(error) => switched.errors.push(error),
        }
    }
    switched
}

async fn switch_one(arm: &Arm, switch: Switch, id: &ResourceId, reporter: &Reporter) -> Result<(), ArmError> {
    let acting = async {
        arm.act(id, switch.word(), &switch.doing(id)).await?;
        // What costs money, or is waited for, is not taken from the operation's own word.
        has_power(arm, switch, id).await
    };
    told(id.to_string(), switch.word(), reporter, acting).await
}

/// Whether the machine is as the operation says that it is now.
async fn has_power(arm: &Arm, switch: Switch, id: &ResourceId) -> Result<(), ArmError> {
    let power = power_of(arm, id).await?;
    let consequence = match switch {
        Switch::Deallocate if power == PowerState::Deallocated => return Ok(()),
        Switch::Start | Switch::Restart if !power.is_off() => return Ok(()),
        Switch::Deallocate => ", so it may still be paid for",
        Switch::Start | Switch::Restart => "",
    };
    let message = format!("Azure says that it is done, and the machine is {power}{consequence}");
    Err(ArmError::local(ArmErrorKind::OperationFailed, switch.doing(id), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_is_acted_on() {
        use PowerState::{Deallocated, Deallocating, Running, Starting, Stopped, Stopping, Unknown};
        let resource = Resource::read(json!({"name": "x"})).unwrap();
        for (power, deallocate, start, restart) in [
            (Running, "act", "keep", "act"),
            (Starting, "act", "act", "act"),
            (Stopped, "act", "act", "off"),
            (Stopping, "act", "act", "off"),
            (Deallocated, "keep", "act", "off"),
            // An earlier run began it; its end is waited for.
            (Deallocating, "act", "act", "off"),
            (Unknown, "act", "act", "act"),
        ] {
            let id = ResourceId::resource("s", "g", "Microsoft.Compute/virtualMachines", "x");
            let machine = [Machine { id, resource: resource.clone(), power: power.clone() }];
            let found = [Switch::Deallocate, Switch::Start, Switch::Restart].map(|switch| {
                let SwitchPlan { acted_on, kept, off } = SwitchPlan::new(switch, &machine);
                match (acted_on.len(), kept.len(), off.len()) {
                    (1, 0, 0) => "act",
                    (0, 1, 0) => "keep",
                    (0, 0, 1) => "off",
                    other => panic!("{other:?}"),
                }
            });
            assert_eq!(found, [deallocate, start, restart], "{power:?}");
        }
    }
}
