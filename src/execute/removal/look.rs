//! What Azure says of a cluster at one moment, asked in two ways: the group's list, and a GET for every id.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::super::group_list::{Listed, group_list};
use super::super::own_resources::OwnResources;
use crate::arm::{Arm, ArmError, Resource, ResourceId};

/// What Azure says of the cluster at one moment.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) group: Option<Resource>,
    pub(super) list: Option<Vec<Listed>>,
    /// Exist, and are ours.
    pub(super) found: Vec<ResourceId>,
    /// Carry a name of ours, do not exist by their id, and may yet be listed.
    pub(super) absent: Vec<ResourceId>,
    /// Machines, disks and interfaces that are expected and exist, but not as ours.
    pub(super) untagged: Vec<ResourceId>,
    /// One of those found that Azure is not deleting.
    pub(super) lasting: Option<ResourceId>,
}

pub(super) async fn look(arm: &Arm, own: &OwnResources) -> Result<Look, ArmError> {
    let id = own.group();
    let (group, list) = tokio::try_join!(arm.get(&id), group_list(arm, &id))?;
    let candidates = own.candidates(list.as_deref().unwrap_or_default());
    let resources = try_join_all(candidates.iter().map(|id| arm.get(id))).await?;
    let owners = owners(arm, own, &candidates, &resources).await?;
    Ok(sorted_out(own, Look { group, list, ..Look::default() }, candidates.into_iter().zip(resources), &owners))
}

/// Every machine that has a name of ours, by its path in lower case: whether what it uses is ours, because it is ours
/// itself or gone.
pub(super) type Owners = BTreeMap<String, bool>;

/// The machines among the documents, and those that only a disk names.
async fn owners(
    arm: &Arm,
    own: &OwnResources,
    candidates: &[ResourceId],
    resources: &[Option<Resource>],
) -> Result<Owners, ArmError> {
    let is_owner = |resource: &Option<Resource>| resource.as_ref().is_none_or(|resource| own.carries_tag(resource));
    let mut owners: Owners =
        candidates.iter().zip(resources).map(|(id, resource)| (lower(id.path()), is_owner(resource))).collect();
    let mut named: Vec<ResourceId> = resources.iter().flatten().filter_map(|resource| owner(own, resource)).collect();
    named.retain(|machine| !owners.contains_key(&lower(machine.path())));
    named.sort_by_key(|machine| lower(machine.path()));
    named.dedup_by_key(|machine| lower(machine.path()));
    let others = try_join_all(named.iter().map(|machine| arm.get(machine))).await?;
    owners.extend(named.iter().zip(&others).map(|(id, resource)| (lower(id.path()), is_owner(resource))));
    Ok(owners)
}

/// The machine with a name of ours that a disk says it belongs to.
fn owner(own: &OwnResources, resource: &Resource) -> Option<ResourceId> {
    own.machine_at(resource.managed_by.as_deref()?)
}

/// `look` with each candidate where it belongs.
pub(super) fn sorted_out(
    own: &OwnResources,
    mut look: Look,
    candidates: impl Iterator<Item = (ResourceId, Option<Resource>)>,
    owners: &Owners,
) -> Look {
    let group_goes = look.group.as_ref().is_some_and(|group| group.state.is_deleting());
    for (id, resource) in candidates {
        let Some(resource) = resource else {
            look.absent.push(id);
            continue;
        };
        let owner = owner(own, &resource);
        // Azure need not pass a machine's tags on to its disks; they belong to the machine, or did until it went.
        let is_of_ours = owner.as_ref().is_some_and(|machine| owners.get(&lower(machine.path())) == Some(&true));
        if own.carries_tag(&resource) || is_of_ours {
            if look.lasting.is_none() && !group_goes && !resource.state.is_deleting() {
                look.lasting = Some(id.clone());
            }
            look.found.push(id);
        } else if matches!(id.kind(), "virtual machine" | "disk" | "network interface")
            && own.is_expected(id.path())
            // The machine is named, and its tag counts for its disks.
            && !owner.is_some_and(|machine| own.is_expected(machine.path()))
        {
            look.untagged.push(id);
        }
    }
    look
}

/// Ids know no case.
pub(super) fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}
