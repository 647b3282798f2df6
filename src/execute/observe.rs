//! Asks Azure what exists: one GET by id per resource, all together. Lists lag behind and are not used.

use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value;

use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId};
use crate::plan::{Desired, Observed, StepKey};
use report::Reporter;

/// Waits before a group that does not exist, though machines in it do, is asked for again; 3.5 s in all.
const PATIENCE: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// What an earlier run says that there is: how much it takes to believe that nothing exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// No run has made machines.
    NoMachines,
    /// One has: keys hang on it that are not made twice, and a group that does not exist is one wrong answer away.
    Machines,
}

/// The documents of those desired resources that exist. When `before` there were machines, they are asked for even
/// without a group; an error when one exists all the same.
pub(crate) async fn observe(arm: &Arm, desired: &[Desired], before: Before) -> Result<Observed, ArmError> {
    let mut observed = Observed::new();
    let Some(group) = desired.iter().find(|desired| desired.key == StepKey::ResourceGroup) else {
        return Ok(observed);
    };
    let mut waits = PATIENCE.into_iter();
    let document = loop {
        if let Some(document) = arm.get(&group.id).await? {
            break document;
        }
        // Without a group there is nothing in it, and nothing more to ask.
        if before == Before::NoMachines {
            return Ok(observed);
        }
        let machines = desired.iter().filter(|desired| matches!(desired.key, StepKey::VirtualMachine(_)));
        let found = try_join_all(
            machines.map(|desired| async move { Ok::<_, ArmError>((&desired.id, arm.get(&desired.id).await?)) }),
        );
        let found = found.await?;
        let Some((machine, _)) = found.iter().find(|(_, document)| document.is_some()) else { return Ok(observed) };
        let Some(wait) = waits.next() else {
            let message =
                format!("Azure's answers contradict each other: {} does not exist, but {machine} does", group.id);
            return Err(ArmError::local(ArmErrorKind::Unreachable, format!("looking into {}", group.id), message));
        };
        tokio::time::sleep(wait).await;
    };
    observed.insert(group.key, document);
    let others = desired.iter().filter(|desired| desired.key != StepKey::ResourceGroup);
    let found =
        try_join_all(others.map(|desired| async move { Ok((desired.key, arm.get(&desired.id).await?)) })).await?;
    observed.extend(found.into_iter().filter_map(|(key, document)| Some((key, document?))));
    Ok(observed)
}

/// Those of the observed resources that Azure is deleting.
pub(crate) fn being_deleted<'a>(desired: &'a [Desired], observed: &Observed) -> Vec<&'a ResourceId> {
    let gone = desired.iter().filter(|desired| observed.get(&desired.key).is_some_and(is_being_deleted));
    gone.map(|desired| &desired.id).collect()
}

/// Whether a document says that Azure is deleting its resource.
pub(super) fn is_being_deleted(document: &Value) -> bool {
    let state = document.pointer("/properties/provisioningState").and_then(Value::as_str);
    state.is_some_and(|state| state.eq_ignore_ascii_case("deleting"))
}

/// Like [`observe`], after everything that Azure is deleting is gone: what is on its way out cannot be built on.
pub(crate) async fn observe_settled(
    arm: &Arm,
    desired: &[Desired],
    before: Before,
    reporter: &Reporter,
) -> Result<Observed, ArmError> {
    loop {
        let observed = observe(arm, desired, before).await?;
        let deleting = being_deleted(desired, &observed);
        if deleting.is_empty() {
            return Ok(observed);
        }
        for id in &deleting {
            reporter.note(format!("{id} is being deleted; waiting until it is gone"));
        }
        try_join_all(deleting.into_iter().map(|id| arm.wait_until_gone(id))).await?;
    }
}
