//! After a first run that failed: what it settled binds the next one only as far as something depends on it. `create`
//! calls this.

use super::connection::Connection;
use super::prepare::Prepared;
use crate::arm::{ArmError, ArmErrorKind};
use crate::directory::Bound;
use crate::execute::{Emptiness, OwnResources, removal};
use report::{Failure, Reporter};

/// Kinds of resources that are made for one machine.
const OF_MACHINES: [&str; 3] = ["virtual machine", "network interface", "disk"];

/// Forgets what was settled when nothing exists, and loosens it when no machine does; when Azure cannot be asked, all
/// stays settled.
pub(super) async fn loosen(
    connection: &Connection,
    prepared: &Prepared,
    errors: &[ArmError],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let refused = |error: &ArmError| matches!(error.kind, ArmErrorKind::Refused | ArmErrorKind::OperationFailed);
    let had_machines = prepared.stored.as_ref().is_some_and(|stored| stored.bound == Bound::Machines);
    if had_machines || !errors.iter().all(refused) {
        return Ok(());
    }
    let own = OwnResources::of_spec(&connection.subscription, &prepared.spec);
    let Ok(exists) = removal(&connection.arm, &own, Emptiness::Unexpected, reporter).await else { return Ok(()) };
    let ids = exists.ids();
    if ids.is_empty() {
        prepared.directory.forget_cluster()?;
    } else if !ids.iter().any(|id| OF_MACHINES.contains(&id.kind())) {
        prepared.directory.loosen_cluster()?;
    }
    Ok(())
}
