//! Carries a [`Removal`] out, and looks until Azure shows nothing of it any more: what an operation says of its own end
//! is not enough to erase the keys of machines.

use futures::future::join_all;

use super::own_resources::{OwnResources, same};
use super::removal::{Emptiness, Removal, removal};
use super::told::told;
use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId};
use report::Reporter;
use report::mark::DEGRADED;

/// How often what is still there after a deletion is deleted again.
pub(super) const ROUNDS: usize = 3;

/// Removes it, and returns when nothing of it exists: asked by id, not taken from the operations' own answers.
pub(crate) async fn remove(
    arm: &Arm,
    own: &OwnResources,
    confirmed: &Removal,
    reporter: &Reporter,
) -> Result<(), Vec<ArmError>> {
    let mut next = confirmed.clone();
    for round in 0..=ROUNDS {
        if next.ids().is_empty() {
            return Ok(());
        }
        may_go_on(round, &next.ids(), reporter)?;
        delete(arm, &next, reporter).await?;
        next = removal(arm, own, Emptiness::Expected, reporter).await.map_err(|error| vec![error.into_arm_error()])?;
        if matches!(confirmed, Removal::Resources { .. }) {
            // What others had in the group is gone too by now; the group was not to go.
            next = next.without_group();
        }
        let strange =
            next.ids().into_iter().find(|id| !confirmed.ids().iter().any(|known| same(known.path(), id.path())));
        if let Some(id) = strange {
            let message = "it has appeared since you were asked; run again to see it first";
            return Err(vec![ArmError::local(ArmErrorKind::Refused, format!("deleting {id}"), message)]);
        }
    }
    Ok(())
}

async fn delete(arm: &Arm, removal: &Removal, reporter: &Reporter) -> Result<(), Vec<ArmError>> {
    match removal {
        Removal::Nothing => Ok(()),
        Removal::Group { group, .. } => delete_one(arm, group, reporter).await.map_err(|error| vec![error]),
        Removal::Resources { stages, .. } => delete_stages(arm, stages, reporter).await,
    }
}

/// Says before another round what is still there; after the last one that is an error.
pub(super) fn may_go_on(round: usize, left: &[&ResourceId], reporter: &Reporter) -> Result<(), Vec<ArmError>> {
    let left = left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if round == ROUNDS {
        let message = format!("Azure says that it is done, and they still exist after {ROUNDS} deletions");
        return Err(vec![ArmError::local(ArmErrorKind::Unreachable, format!("deleting {left}"), message)]);
    }
    if round > 0 {
        reporter
            .note(format!("{DEGRADED} Azure said that it is done, and these still exist: {left}; deleting them again"));
    }
    Ok(())
}

/// One stage after the other, a stage's members together.
pub(super) async fn delete_stages(
    arm: &Arm,
    stages: &[Vec<ResourceId>],
    reporter: &Reporter,
) -> Result<(), Vec<ArmError>> {
    for stage in stages {
        let results = join_all(stage.iter().map(|id| delete_one(arm, id, reporter))).await;
        let errors: Vec<ArmError> = results.into_iter().filter_map(Result::err).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    Ok(())
}

async fn delete_one(arm: &Arm, id: &ResourceId, reporter: &Reporter) -> Result<(), ArmError> {
    told(id.to_string(), "delete", reporter, arm.delete(id)).await
}
