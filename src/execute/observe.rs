//! Asks Azure what exists: one GET by id per resource, all together. Lists lag behind and are not used.

use futures::future::try_join_all;

use crate::arm::{Arm, ArmError};
use crate::plan::{Desired, Observed, StepKey};

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
