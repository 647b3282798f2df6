//! What is in a cluster's own group and is not the cluster's. `cli::status` tells it.

use super::group_list::{Listed, group_list};
use super::own_resources::{OwnResources, same};
use crate::arm::{Arm, ArmError, ResourceId};

/// Entries of the group's list that are neither resources of the cluster nor below one; none without a group.
pub(crate) async fn extra(arm: &Arm, own: &OwnResources) -> Result<Vec<Listed>, ArmError> {
    let list = group_list(arm, &own.group()).await?.unwrap_or_default();
    let ours = own.candidates(&list);
    Ok(list.into_iter().filter(|listed| !belongs(&listed.id, &ours)).collect())
}

/// Whether the path is that of one of these, or below it, as a machine's extensions are.
fn belongs(path: &str, ours: &[ResourceId]) -> bool {
    ours.iter().any(|id| {
        path.get(..id.path().len()).is_some_and(|start| same(start, id.path()))
            && path[id.path().len()..].chars().next().is_none_or(|next| next == '/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ResourceNames;

    #[test]
    fn what_is_below_a_machine_belongs_to_it() {
        let ours = [ResourceNames::of("s", "g", "mycluster").virtual_machine("mycluster-coreos-1")];
        let machine = ours[0].path();
        for (path, expected) in [
            (machine.to_owned(), true),
            (machine.to_uppercase(), true),
            (format!("{machine}/extensions/agent"), true),
            (format!("{machine}0"), false),
            ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/ö".into(), false),
        ] {
            assert_eq!(belongs(&path, &ours), expected, "{path}");
        }
    }
}
