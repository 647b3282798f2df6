//! Takes components off a cluster. Volumes, secrets and settings stay: what is installed again finds its data.

use super::Selection;
use super::stop::stop;
use crate::Platform;
use crate::bundle::{Bundle, ComponentKind};
use report::{Failure, Reporter};

/// Stops and removes the selected components; with the last of them the bundle's networks and its record go too.
pub(crate) async fn uninstall(
    platform: &Platform,
    bundle: &Bundle,
    selection: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let swarm = &platform.swarm;
    if swarm.members().await?.is_none() {
        return platform.forget_installation().await;
    }
    stop(platform, bundle, selection, reporter).await?;
    for service in swarm.services(Some(&bundle.name)).await? {
        if selection.contains(service.component()) {
            swarm.remove_service(&service.name).await?;
            reporter.note(format!("● {}: removed", service.component()));
        }
    }
    let everything = bundle.components().filter(|component| component.kind == ComponentKind::Service);
    if !everything.into_iter().all(|component| selection.contains(&component.name)) {
        return Ok(());
    }
    swarm.remove_unused_configs(&bundle.name).await?;
    // Whatever the settings are now: they may have been others, or none.
    for network in bundle.network_names() {
        if !swarm.remove_network(network).await? {
            reporter.note(format!("▴ network {network}: stays, because something still uses it"));
        }
    }
    platform.forget_installation().await
}
