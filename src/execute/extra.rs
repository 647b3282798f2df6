//! What is in a cluster's own group and is not the cluster's. `cli::status` tells it.

use super::group_list::{Listed, group_list};
use super::own_resources::{OwnResources, is_at_or_below};
use crate::arm::{Arm, ArmError};

/// Entries of the group's list that are neither resources of the cluster nor below one; none without a group.
pub(crate) async fn extra(arm: &Arm, own: &OwnResources) -> Result<Vec<Listed>, ArmError> {
    let list = group_list(arm, &own.group()).await?.unwrap_or_default();
    let ours = own.candidates(&list);
    let is_ours = |listed: &Listed| ours.iter().any(|id| is_at_or_below(&listed.id, id.path()));
    Ok(list.into_iter().filter(|listed| !is_ours(listed)).collect())
}
