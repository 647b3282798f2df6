//! Some machines of a cluster that stays: each with its disks, its interface and its address, and nothing else. `cli::scale`
//! shows what [`departing`] finds and has [`remove_departing`] carry it out.

use futures::future::try_join_all;

use super::destroy::{ROUNDS, delete_stages, may_go_on};
use super::own_resources::OwnResources;
use super::removal::{Emptiness, RemovalError, removal, staged};
use crate::arm::{Arm, ArmError, ResourceId};
use report::Reporter;

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
        may_go_on(round, &left.iter().collect::<Vec<_>>(), reporter)?;
        delete_stages(arm, &staged(&left), reporter).await?;
        let found = try_join_all(left.iter().map(|id| arm.get(id))).await.map_err(|error| vec![error])?;
        left = left.into_iter().zip(found).filter_map(|(id, found)| found.map(|_| id)).collect();
    }
    Ok(())
}
