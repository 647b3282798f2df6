//! Starts components, subsystem after subsystem in the bundle's order; the next begins when all tasks of the one before run, and
//! the command ends when all are well.

use futures::future::try_join_all;
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
    let mut before = None;
    let mut starts = Vec::new();
    for (subsystem, chosen) in selected(platform, bundle, selection).await? {
        let (waiting, count) = watch::channel(chosen.len());
        let start = SubsystemStart { subsystem, chosen, before: before.replace(count), waiting };
        starts.push(start.run(platform, bundle, reporter));
    }
    try_join_all(starts).await.map(drop)
}

/// One of several that follow each other.
struct SubsystemStart<'a> {
    subsystem: &'a Subsystem,
    chosen: Vec<&'a Component>,
    /// How many components of the subsystem before are waited for.
    before: Option<watch::Receiver<usize>>,
    /// The same of this one. Gone before it is 0 when they do not come to run.
    waiting: watch::Sender<usize>,
}

impl SubsystemStart<'_> {
    async fn run(self, platform: &Platform, bundle: &Bundle, reporter: &Reporter) -> Result<(), Failure> {
        let Self { subsystem, chosen, before, waiting } = self;
        if let Some(mut before) = before
            && before.wait_for(|count| *count == 0).await.is_err()
        {
            // Why is told by the one before.
            return Ok(());
        }
        reporter.event(Event::SubsystemStarted { name: subsystem.name.clone() });
        for component in chosen.iter().filter(|component| component.kind == ComponentKind::Service) {
            let service = platform.swarm.service(&format!("{}_{}", bundle.name, component.name)).await?;
            let service = service.ok_or_else(|| not_installed(component))?;
            platform.swarm.set_started(&service, true).await?;
        }
        let runs = || waiting.send_modify(|count| *count -= 1);
        wait_until_run_and_well(platform, bundle, &chosen, reporter, &runs).await.map_err(unwell)
    }
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
