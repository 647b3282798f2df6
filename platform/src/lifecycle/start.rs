//! Starts components, subsystem after subsystem in the bundle's order; the next begins when all tasks of the one before run, and
//! the command ends when all are well.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use super::health::{chosen, wait_until_run_and_well, wait_until_well};
use super::{Installation, Selection};
use crate::Platform;
use crate::bundle::{Bundle, Component, ComponentKind, Subsystem};
use crate::settings::Settings;
use report::mark::DEGRADED;
use report::{Event, Failure, Reporter};

/// Starts the selected components and waits until they are well; what runs already is only looked at.
pub(crate) async fn start(
    platform: &Platform,
    installation: &Installation,
    selection: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let bundle = &installation.bundle;
    let mut waits = FuturesUnordered::new();
    let mut reasons: Vec<String> = Vec::new();
    for (subsystem, chosen) in selected(platform, bundle, selection).await? {
        reporter.event(Event::SubsystemStarted { name: subsystem.name.clone() });
        for component in chosen.iter().filter(|component| component.kind == ComponentKind::Service) {
            let service = platform.swarm.service(&format!("{}_{}", bundle.name, component.name)).await?;
            let service = service.ok_or_else(|| not_installed(component))?;
            platform.swarm.set_started(&service, true).await?;
        }
        let (count, mut left) = watch::channel(chosen.len());
        waits.push(async move {
            let runs = || count.send_modify(|left| *left -= 1);
            wait_until_run_and_well(platform, bundle, &chosen, reporter, &runs).await
        });
        // What runs is watched for some seconds more; who comes next need not wait for that.
        while reasons.is_empty() && *left.borrow() > 0 {
            tokio::select! {
                _ = left.changed() => {}
                Some(waited) = waits.next() => reasons.extend(waited.err().into_iter().flatten()),
            }
        }
        if !reasons.is_empty() {
            break;
        }
    }
    while let Some(waited) = waits.next().await {
        reasons.extend(waited.err().into_iter().flatten());
    }
    if reasons.is_empty() { Ok(()) } else { Err(unwell(reasons)) }
}

/// Replaces the tasks of the selected components, few at a time as their stack says, one component after the other.
pub(crate) async fn rolling_restart(
    platform: &Platform,
    installation: &Installation,
    selection: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let bundle = &installation.bundle;
    for component in selected(platform, bundle, selection).await?.into_iter().flat_map(|(_, chosen)| chosen) {
        if component.kind == ComponentKind::Host {
            continue;
        }
        let name = format!("{}_{}", bundle.name, component.name);
        let service = platform.swarm.service(&name).await?.ok_or_else(|| not_installed(component))?;
        if !service.is_started() {
            reporter.note(format!("{DEGRADED} {}: is stopped, and stays so", component.name));
            continue;
        }
        platform.swarm.force_update(&name).await?;
        wait_until_well(platform, bundle, &[component], reporter).await.map_err(unwell)?;
    }
    Ok(())
}

/// The selected components of a formed swarm, by the bundle's subsystems, in their order; none without one.
async fn selected<'a>(
    platform: &Platform,
    bundle: &'a Bundle,
    selection: &Selection,
) -> Result<Vec<(&'a Subsystem, Vec<&'a Component>)>, Failure> {
    platform.swarm.require().await?;
    let values = Settings::new(platform).load().await?;
    let of = |subsystem: &'a Subsystem| (subsystem, chosen(bundle, &subsystem.components, &values, selection));
    Ok(bundle.subsystems.iter().map(of).filter(|(_, chosen)| !chosen.is_empty()).collect())
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
