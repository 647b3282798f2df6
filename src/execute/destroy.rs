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
const ROUNDS: usize = 3;

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
        let left: Vec<String> = next.ids().iter().map(ToString::to_string).collect();
        if round == ROUNDS {
            let message = format!("Azure says that it is done, and they still exist after {ROUNDS} deletions");
            return Err(vec![ArmError::local(
                ArmErrorKind::Unreachable,
                format!("deleting {}", left.join(", ")),
                message,
            )]);
        }
        if round > 0 {
            reporter.note(format!(
                "{DEGRADED} Azure said that it is done, and these still exist: {}; deleting them again",
                left.join(", ")
            ));
        }
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
        Removal::Resources { stages, .. } => {
            for stage in stages {
                let results = join_all(stage.iter().map(|id| delete_one(arm, id, reporter))).await;
                let errors: Vec<ArmError> = results.into_iter().filter_map(Result::err).collect();
                if !errors.is_empty() {
                    return Err(errors);
                }
            }
            Ok(())
        }
    }
}

pub(super) async fn delete_one(arm: &Arm, id: &ResourceId, reporter: &Reporter) -> Result<(), ArmError> {
    told(id.to_string(), "delete", reporter, arm.delete(id)).await
}
