//! What a look at Azure comes to: what goes, or what in the answers contradicts itself.

use std::collections::{BTreeMap, BTreeSet};

use super::super::group_list::Listed;
use super::super::own_resources::{OwnResources, is_at_or_below};
use super::error::MOST_SHOWN;
use super::look::{Look, lower};
use super::removed::{Removal, staged};
use crate::arm::ResourceId;
use report::first_few;

/// That nothing exists is not believed after something did (`seen`) that nobody was deleting.
pub(super) fn doubted(verdict: Result<Removal, String>, seen: Option<&ResourceId>) -> Result<Removal, String> {
    match seen {
        Some(seen) if verdict.as_ref().is_ok_and(Removal::is_hollow) => {
            Err(format!("{seen} existed moments ago, and now nothing does"))
        }
        _ => verdict,
    }
}

/// What it means that a list names what a GET by id does not find. Lists go on naming what was just deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ghosts {
    /// One of both is wrong; the next look may tell.
    Contradiction,
    /// Someone deleted a part lately, so that a GET counts more; but that of all that is listed nothing exists is not believed.
    OfEarlierDeletion,
    /// They were deleted just now.
    OfDeletion,
}

/// What a look comes to, or what in it contradicts itself.
pub(super) fn judge(own: &OwnResources, look: &Look, ghosts_are: Ghosts) -> Result<Removal, String> {
    let group = own.group();
    let (resource, list) = match (&look.group, &look.list) {
        (Some(resource), Some(list)) => (resource, list),
        (None, None) if look.found.is_empty() => return Ok(Removal::Nothing),
        (Some(_), None) => return Err(format!("{group} exists, and cannot be listed because it does not")),
        (None, Some(_)) => return Err(format!("{group} does not exist, and can be listed")),
        (None, None) => {
            return Err(format!("{group} does not exist, but {} do", first_few(&look.found, MOST_SHOWN)));
        }
    };
    let listed: BTreeMap<String, &Listed> = list.iter().map(|listed| (lower(&listed.id), listed)).collect();
    let is_listed = |id: &&ResourceId| listed.contains_key(&lower(id.path()));
    let unlisted: Vec<&ResourceId> = look.found.iter().filter(|id| !is_listed(id)).collect();
    if !unlisted.is_empty() {
        return Err(format!("the list of {group} lacks {}, which exist", first_few(&unlisted, MOST_SHOWN)));
    }
    let ghosts: Vec<&ResourceId> = look.absent.iter().filter(is_listed).collect();
    let are_doubted = match ghosts_are {
        Ghosts::Contradiction => true,
        Ghosts::OfEarlierDeletion => look.found.is_empty(),
        Ghosts::OfDeletion => false,
    };
    if !ghosts.is_empty() && are_doubted {
        return Err(format!("the list of {group} has {}, which do not exist", first_few(&ghosts, MOST_SHOWN)));
    }
    let is_ours = |id: &&ResourceId| listed.get(&lower(id.path())).is_some_and(|listed| own.is_listed_as_ours(listed));
    let ghosts = ghosts.into_iter().filter(is_ours);
    let ours: BTreeSet<String> = look.found.iter().chain(ghosts).map(|id| lower(id.path())).collect();
    // What is below a resource of ours goes with it.
    let of_ours = |listed: &Listed| ours.iter().any(|own| is_at_or_below(&listed.id, own));
    let mut others: Vec<String> = list
        .iter()
        .filter(|listed| !of_ours(listed))
        .map(|listed| format!("{} `{}`", listed.resource_type, listed.name))
        .collect();
    // Lists have no order that lasts, and two looks are compared.
    others.sort();
    if own.carries_tag(resource) && others.is_empty() {
        return Ok(Removal::Group { group, resources: look.found.clone() });
    }
    Ok(Removal::Resources { stages: staged(&look.found), others })
}
