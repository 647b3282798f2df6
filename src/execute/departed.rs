//! Some machines of a cluster that stays: each with its disks, its interface and its address, and nothing else. `cli::scale`
//! shows what [`departing`] finds and has [`remove_departing`] carry it out.

use futures::future::{join_all, try_join_all};

use super::destroy::delete_one;
use super::own_resources::OwnResources;
use super::removal::{Emptiness, RemovalError, removal, staged};
use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId};
use report::Reporter;
use report::mark::DEGRADED;

/// How often what is still there after a deletion is deleted again.
const ROUNDS: usize = 3;

/// What exists of these machines, as surely the cluster's as what `destroy` removes.
pub(crate) async fn departing(
    arm: &Arm,
    own: &OwnResources,
    machines: &[String],
    reporter: &Reporter,
) -> Result<Vec<ResourceId>, RemovalError> {
    let all = removal(arm, own, Emptiness::Unexpected, reporter).await?;
    let of_these = |id: &&ResourceId| machines.iter().any(|machine| own.is_of_machine(id, machine));
    Ok(all.ids().into_iter().filter(of_these).cloned().collect())
}

/// Removes them, machines first, and returns when Azure shows none of them by its id.
pub(crate) async fn remove_departing(
    arm: &Arm,
    departing: &[ResourceId],
    reporter: &Reporter,
) -> Result<(), Vec<ArmError>> {
    let mut left = departing.to_vec();
    for round in 0..=ROUNDS {
        if left.is_empty() {
            return Ok(());
        }
        let names = || left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if round == ROUNDS {
            let message = format!("Azure says that it is done, and they still exist after {ROUNDS} deletions");
            return Err(vec![ArmError::local(ArmErrorKind::Unreachable, format!("deleting {}", names()), message)]);
        }
        if round > 0 {
            let left = names();
            reporter.note(format!(
                "{DEGRADED} Azure said that it is done, and these still exist: {left}; deleting them again"
            ));
        }
        for stage in staged(&left) {
            let results = join_all(stage.iter().map(|id| delete_one(arm, id, reporter))).await;
            let errors: Vec<ArmError> = results.into_iter().filter_map(Result::err).collect();
            if !errors.is_empty() {
                return Err(errors);
            }
        }
        let found = try_join_all(left.iter().map(|id| arm.get(id))).await.map_err(|error| vec![error])?;
        left = left.into_iter().zip(found).filter_map(|(id, found)| found.map(|_| id)).collect();
    }
    Ok(())
}
