//! A cluster whose machines are to be switched: its directory, locked, and what Azure says of its machines.

use super::super::connection::{Connection, connect};
use super::super::owner_tag::tag_all_again;
use super::super::status::known_cluster;
use super::super::{own_emulator, own_keys};
use super::arguments::PowerArguments;
use super::remedy::again;
use crate::arm::{ArmError, ArmErrorKind};
use crate::directory::{ClusterDirectory, DirectoryLock, StoredCluster};
use crate::execute::{Machines, look};
use crate::plan::{CLUSTER_TAG, ResourceNames};
use report::{Failure, Reporter, first_few};

/// Machines that a message names.
const MOST_SHOWN: usize = 3;

/// A cluster that exists, with machines that are its own.
pub(in super::super) struct PoweredCluster {
    pub directory: ClusterDirectory,
    pub stored: StoredCluster,
    pub connection: Connection,
    pub machines: Machines,
    _lock: DirectoryLock,
}

impl PoweredCluster {
    /// Finds it, locks its directory, and looks at its machines; an error when one of them is not its own. `verb` is the
    /// command that was given.
    pub(in super::super) async fn open(
        verb: &str,
        arguments: &PowerArguments,
        reporter: &Reporter,
    ) -> Result<Self, Failure> {
        // Said first, so that a name that is not known makes no directory.
        let (directory, _) = known_cluster(&arguments.name, &arguments.connection, reporter)?;
        let lock = DirectoryLock::acquire(&directory)?;
        let stored = match directory.stored_cluster()? {
            Some(stored) => stored,
            // It was removed before the lock was free.
            None => {
                directory.remove_unused()?;
                known_cluster(&arguments.name, &arguments.connection, reporter)?.1
            }
        };
        let name = stored.spec.name.as_str();
        let again = again(verb, name);
        own_emulator::check(&stored, &again)?;
        let sign_in = arguments.sign_in.values()?;
        let connection = connect(&arguments.connection, &sign_in, Some(&stored), reporter).await?;
        let behind = connection.behind().await?;
        let names = ResourceNames::new(&connection.subscription, &stored.spec);
        let machines = look(&connection.arm, &stored.spec, &names, behind).await;
        let machines = machines.map_err(|error| Failure::azure(error, format!("`{again}` goes on from here")))?;
        check_owner(&machines, name, verb, &again)?;
        let found = machines.own.iter().map(|machine| (&machine.id, &machine.resource));
        let hint = format!("nothing was done; `{again}` from the directory that made them, which --state-dir names");
        own_keys::check_machines(found, &directory, hint)?;
        if machines.own.is_empty() {
            let message = format!("none of the cluster's {} machines exists", machines.absent.len());
            let error = ArmError::local(ArmErrorKind::Refused, format!("looking for the machines of {name}"), message);
            return Err(Failure::azure(error, format!("`azure-coreos-cluster {name}` makes them")));
        }
        Ok(Self { directory, stored, connection, machines, _lock: lock })
    }

    /// The cluster's name.
    pub(in super::super) fn name(&self) -> &str {
        self.stored.spec.name.as_str()
    }
}

fn check_owner(machines: &Machines, name: &str, verb: &str, again: &str) -> Result<(), Failure> {
    if machines.foreign.is_empty() {
        return Ok(());
    }
    let message = format!(
        "not this cluster's, because they do not carry its tag `{CLUSTER_TAG}={name}`: {}",
        first_few(&machines.foreign, MOST_SHOWN)
    );
    let error = ArmError::local(ArmErrorKind::Refused, format!("looking for the machines to {verb}"), message);
    let hint = format!(
        "nothing was done; when they are the cluster's, give them its tag, then `{again}`:\n{}",
        tag_all_again(name, &machines.foreign)
    );
    Err(Failure::azure(error, hint))
}
