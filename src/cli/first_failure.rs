//! After a first run that failed: what it settled binds the next one only as far as something depends on it. `create`
//! calls this.

use futures::future::try_join_all;

use super::connection::Connection;
use super::prepare::Prepared;
use crate::arm::{ArmError, ArmErrorKind, ResourceId};
use crate::directory::Bound;
use crate::execute::{Emptiness, OwnResources, removal};
use report::{Failure, Reporter};

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
        return Ok(());
    }
    let of_kind = |kind: &'static str| ids.iter().copied().filter(move |id| id.kind() == kind);
    if of_kind("virtual machine").chain(of_kind("disk")).next().is_some() {
        return Ok(());
    }
    // An interface without its machine would stay in the load balancer when the next run wants fewer, or other names.
    let interfaces: Vec<&ResourceId> = of_kind("network interface").collect();
    let removed = try_join_all(interfaces.iter().map(|id| connection.arm.delete(id))).await;
    if removed.is_ok() {
        prepared.directory.loosen_cluster()?;
        if !interfaces.is_empty() {
            let count = interfaces.len();
            reporter.note(format!("no machine was made; the {count} network interfaces for them were removed again"));
        }
    }
    Ok(())
}
