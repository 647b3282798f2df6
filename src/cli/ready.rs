//! Waiting for a cluster's machines, unless nobody wants to or nothing on them is ours.

use crate::readiness::{self, Awaited};
use crate::spec::SettledSpec;
use nodes::inventory::Inventory;
use nodes::ssh::Identity;
use report::mark::DEGRADED;
use report::{Failure, Reporter};

/// Why machines cannot be asked whether they are ready; none when they can.
pub(super) fn unasked(spec: &SettledSpec, inventory: &Inventory) -> Option<&'static str> {
    if spec.custom_data_only {
        return Some(
            "the machines have nothing of ours, not even their host keys: whether they are ready is yours to ask",
        );
    }
    inventory
        .without_machines
        .then_some("the local emulator has no machines (--vms none): there is nothing to wait for")
}

/// Waits for those nodes; tells why, when they cannot be asked.
pub(super) async fn wait(
    spec: &SettledSpec,
    inventory: &Inventory,
    awaited: Awaited<'_>,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if let Some(why) = unasked(spec, inventory) {
        reporter.note(format!("{DEGRADED} {why}"));
        return Ok(());
    }
    let identity = identity(inventory)?;
    readiness::wait_until_ready(inventory, awaited, &identity, spec.user_data_format, reporter).await
}

/// The key that opens the machines.
pub(super) fn identity(inventory: &Inventory) -> Result<Identity, Failure> {
    Identity::load(inventory.ssh.identity.as_deref()).map_err(|error| Failure::Other(anyhow::Error::new(error)))
}
