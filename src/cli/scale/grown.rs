//! After the machines: the platform, where there is one, takes its new nodes in.

use std::pin::pin;

use super::super::ready;
use crate::spec::SettledSpec;
use nodes::cluster::{Cluster, Route, Timeouts};
use nodes::inventory::Inventory;
use platform::Platform;
use platform::cli::changing::under_lock;
use report::{Failure, Reporter};

/// Has all nodes in the swarm, if the cluster has one; `command` is what others read who wait for the cluster's lock.
pub(super) async fn take_in(
    spec: &SettledSpec,
    inventory: &Inventory,
    command: &str,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if ready::unasked(spec, inventory).is_some() {
        return Ok(());
    }
    let identity = ready::identity(inventory)?;
    let cluster = Cluster::new(inventory.clone().into(), identity, Route::Direct, Timeouts::default());
    let platform = Platform::new(cluster);
    if platform.swarm.members().await?.is_none() {
        return Ok(());
    }
    let never = pin!(std::future::pending());
    under_lock(platform, command, reporter, never, async |platform, reporter| {
        platform.take_in_new_nodes(reporter).await
    })
    .await
}
