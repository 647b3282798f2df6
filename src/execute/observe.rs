//! Asks Azure what exists: one GET by id per resource, all together. Lists lag behind and are not used.

use futures::future::try_join_all;
use serde_json::Value;

use crate::arm::{Arm, ArmError, ResourceId};
use crate::plan::{Desired, Observed, StepKey};
use report::Reporter;

/// The documents of those desired resources that exist.
pub async fn observe(arm: &Arm, desired: &[Desired]) -> Result<Observed, ArmError> {
    let mut observed = Observed::new();
    let Some(group) = desired.iter().find(|desired| desired.key == StepKey::ResourceGroup) else {
        return Ok(observed);
    };
    // Without a group there is nothing in it, and nothing more to ask.
    let Some(document) = arm.get(&group.id).await? else { return Ok(observed) };
    observed.insert(group.key, document);
    let others = desired.iter().filter(|desired| desired.key != StepKey::ResourceGroup);
    let found =
        try_join_all(others.map(|desired| async move { Ok((desired.key, arm.get(&desired.id).await?)) })).await?;
    observed.extend(found.into_iter().filter_map(|(key, document)| Some((key, document?))));
    Ok(observed)
}

/// Those of the observed resources that Azure is deleting.
pub fn being_deleted<'a>(desired: &'a [Desired], observed: &Observed) -> Vec<&'a ResourceId> {
    let deleting = |document: &Value| {
        let state = document.pointer("/properties/provisioningState").and_then(Value::as_str);
        state.is_some_and(|state| state.eq_ignore_ascii_case("deleting"))
    };
    let gone = desired.iter().filter(|desired| observed.get(&desired.key).is_some_and(deleting));
    gone.map(|desired| &desired.id).collect()
}

/// Like [`observe`], after everything that Azure is deleting is gone: what is on its way out cannot be built on.
pub async fn observe_settled(arm: &Arm, desired: &[Desired], reporter: &Reporter) -> Result<Observed, ArmError> {
    loop {
        let observed = observe(arm, desired).await?;
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
