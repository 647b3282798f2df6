//! Members that came after etcd had begun: they join it before the cluster is waited for.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use super::super::arguments::CreateArguments;
use super::super::prepare::Prepared;
use super::super::ready;
use crate::membership::{Joining, tell_endpoints};
use nodes::cluster::{Cluster, Route, Timeouts};
use nodes::inventory::Inventory;
use platform::Platform;
use platform::cli::changing::under_lock;
use report::mark::DEGRADED;
use report::{Failure, Reporter};

/// The cluster over SSH, when it has members that came later and may be asked for them; else there is nothing to do.
fn grown(prepared: &Prepared, inventory: &Inventory) -> Result<Option<Cluster>, Failure> {
    let spec = &prepared.spec;
    if spec.etcd_founder_count.is_none() || ready::unasked(spec, inventory).is_some() {
        return Ok(None);
    }
    // A node that does not answer yet is asked again at once: it may be booting.
    let timeouts = Timeouts { silence: Duration::ZERO, ..Timeouts::default() };
    let identity = ready::identity(inventory)?;
    Ok(Some(Cluster::new(inventory.clone().into(), identity, Route::Direct, timeouts)))
}

/// Has those join that etcd does not have; `new` are the machines that this run made.
pub(super) async fn join(
    prepared: &Prepared,
    inventory: &Inventory,
    new: &BTreeSet<String>,
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let Some(cluster) = grown(prepared, inventory)? else { return Ok(()) };
    let spec = &prepared.spec;
    if arguments.no_wait {
        reporter.note(format!(
            "{DEGRADED} etcd: members that it does not have yet join when `azure-coreos-cluster {}` waits for them",
            spec.name
        ));
        return Ok(());
    }
    let Some(joining) = Joining::look(&cluster, spec, new).await? else { return Ok(()) };
    let never = pin!(std::future::pending());
    let command = format!("azure-coreos-cluster {}", spec.name);
    under_lock(Platform::new(cluster.clone()), &command, reporter, never, async |_, reporter| {
        joining.join(&prepared.material, new, reporter).await
    })
    .await
}

/// Tells nodes that are ready who all of etcd's members are.
pub(super) async fn tell(
    prepared: &Prepared,
    inventory: &Inventory,
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<(), Failure> {
    match grown(prepared, inventory)? {
        Some(cluster) if !arguments.no_wait => tell_endpoints(&cluster, reporter).await,
        _ => {}
    }
    Ok(())
}
