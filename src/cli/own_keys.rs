//! Whether the machines that `destroy` would remove, or `stop` switch off, were made with the authority in its directory: those
//! of another directory are another person's cluster of the same name.

use futures::future::try_join_all;

use super::fitting_keys::{another_authority, of_file};
use crate::arm::{Arm, Resource, ResourceId};
use crate::directory::ClusterDirectory;
use crate::execute::Removal;
use crate::pki::authority_fits;
use crate::plan::KEYS_TAG;
use diagnostics::Problems;
use report::{Failure, first_few};

/// Machines that are named before the rest is counted.
const SHOWN: usize = 5;

/// An error when machines that would be removed were made with another authority than the one here; a machine that does not
/// say is not judged. `again` is the command that was given.
pub(super) async fn check(
    arm: &Arm,
    directory: &ClusterDirectory,
    removal: &Removal,
    again: &str,
) -> Result<(), Failure> {
    let machines: Vec<_> = removal.ids().into_iter().filter(|id| id.kind() == "virtual machine").collect();
    let found = try_join_all(machines.iter().map(|id| arm.get(id))).await;
    let found = found.map_err(|error| Failure::azure(error, again))?;
    let machines = machines.into_iter().zip(&found).filter_map(|(id, machine)| Some((id, machine.as_ref()?)));
    let hint = format!(
        "nothing was removed; destroy it from the directory that made it (--state-dir), or `{again} --ignore-keys` removes \
         it whoever made it"
    );
    check_machines(machines, directory, hint)
}

/// The same of these machines; `hint` says what to do.
pub(super) fn check_machines<'m>(
    machines: impl Iterator<Item = (&'m ResourceId, &'m Resource)>,
    directory: &ClusterDirectory,
    hint: String,
) -> Result<(), Failure> {
    let authority = directory.stored_authority()?;
    let mut strange = Vec::new();
    for (id, machine) in machines {
        let Some(keys) = machine.tags.get(KEYS_TAG) else { continue };
        let fits = match &authority {
            Some(authority) => authority_fits(authority, keys)?,
            None => false,
        };
        if !fits {
            strange.push(id);
        }
    }
    if strange.is_empty() {
        return Ok(());
    }
    let trusted = another_authority(authority.is_some(), &first_few(&strange, SHOWN));
    let message = format!("{trusted}, so they may be somebody else's cluster of this name");
    let mut problems = Problems::new();
    problems.add_with_hint(of_file(&directory.authority()), message, hint);
    Err(problems.into())
}
