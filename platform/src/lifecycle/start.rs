//! Starts components, subsystem after subsystem in the bundle's order; the next begins when the one before is well.

use super::health::{chosen, wait_until_well};
use super::{Installation, Selection};
use crate::Platform;
use crate::bundle::{Component, ComponentKind, Subsystem};
use crate::settings::Settings;
use report::{Event, Failure, Reporter};

/// Starts the selected components and waits until they are well; what runs already is only looked at.
pub(crate) async fn start(
    platform: &Platform,
    installation: &Installation,
    selection: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    platform.swarm.require().await?;
    let bundle = &installation.bundle;
    let values = Settings::new(platform).load().await?;
    for Subsystem { name, components } in &bundle.subsystems {
        let chosen = chosen(bundle, components, &values, selection);
        if chosen.is_empty() {
            continue;
        }
        reporter.event(Event::SubsystemStarted { name: name.clone() });
        for component in chosen.iter().filter(|component| component.kind == ComponentKind::Service) {
            let service = platform.swarm.service(&format!("{}_{}", bundle.name, component.name)).await?;
            let service = service.ok_or_else(|| not_installed(component))?;
            platform.swarm.set_started(&service, true).await?;
        }
        wait_until_well(platform, bundle, &chosen, reporter).await.map_err(unwell)?;
    }
    Ok(())
}

/// Replaces the tasks of the selected components, few at a time as their stack says, one component after the other.
pub(crate) async fn rolling_restart(
    platform: &Platform,
    installation: &Installation,
    selection: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    platform.swarm.require().await?;
    let bundle = &installation.bundle;
    let values = Settings::new(platform).load().await?;
    for Subsystem { components, .. } in &bundle.subsystems {
        for component in chosen(bundle, components, &values, selection) {
            if component.kind == ComponentKind::Host {
                continue;
            }
            let name = format!("{}_{}", bundle.name, component.name);
            let service = platform.swarm.service(&name).await?.ok_or_else(|| not_installed(component))?;
            if !service.is_started() {
                reporter.note(format!("▴ {}: is stopped, and stays so", component.name));
                continue;
            }
            platform.swarm.force_update(&name).await?;
            wait_until_well(platform, bundle, &[component], reporter).await.map_err(unwell)?;
        }
    }
    Ok(())
}

/// The failure for components that are not well.
pub(super) fn unwell(reasons: Vec<String>) -> Failure {
    Failure::Unhealthy {
        reasons,
        hint: "platformctl status; platformctl journal COMPONENT -n 100; platformctl doctor".into(),
    }
}

fn not_installed(component: &Component) -> Failure {
    Failure::Unhealthy {
        reasons: vec![format!("component `{}` is not installed", component.name)],
        hint: "platformctl install platform".into(),
    }
}
