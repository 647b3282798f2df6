//! From the installed version of a bundle to another one, component by component; the next is changed when the one
//! before is well, and all go back when one is not.

use super::health::{chosen, wait_until_well};
use super::install::{apply, provide_images, selected, tell_unread};
use super::{Installation, Selection, preflight};
use crate::Platform;
use crate::apps::{Apps, Outdated};
use crate::bundle::{Bundle, Component, ComponentKind, Values};
use crate::compose::{Rendered, RenderedService};
use crate::images::Archive;
use crate::settings::Settings;
use crate::swarm::Applied;
use report::mark::{BAD, DEGRADED, GOOD};
use report::{Event, Failure, Reporter};

/// Brings the platform to `wanted`. When a component does not become well, every component gets its earlier spec again, and
/// the failure says why.
pub(crate) async fn upgrade(
    platform: &Platform,
    installation: &Installation,
    wanted: &Bundle,
    archives: &[Archive],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let installed = &installation.bundle;
    if installed.name != wanted.name {
        return Err(Failure::Usage(format!(
            "bundle `{}` is installed, which `{}` is no version of; uninstall it first",
            installed.name, wanted.name
        )));
    }
    let values = Settings::new(platform).load().await?;
    let (before, after) = (installed.render(&values)?, wanted.render(&values)?);
    preflight(platform, reporter).await?;
    tell_unread(wanted, &values, reporter);
    let everything: Selection = wanted.components().map(|component| component.name.clone()).collect();
    provide_images(platform, &selected(wanted, &values, &after, &everything), archives, reporter).await?;
    if let Err(failure) = roll(platform, wanted, &values, &after, &everything, reporter).await {
        // All of them: an earlier try that was cut short may have changed what this one found as it should be.
        let components: Vec<&Component> =
            wanted.subsystems.iter().flat_map(|one| chosen(wanted, &one.components, &values, &everything)).collect();
        return Err(go_back(platform, installed, &before, &components, failure, reporter).await);
    }
    for gone in installed.components().filter(|component| wanted.component(&component.name).is_none()) {
        platform.swarm.remove_service(&format!("{}_{}", installed.name, gone.name)).await?;
    }
    platform.record_installation(wanted).await?;
    platform.swarm.remove_unused_configs(&wanted.name).await?;
    reporter.note(format!("{GOOD} {}: version {} (was {})", wanted.name, wanted.version, installed.version));
    tell_outdated(platform, wanted, reporter).await
}

/// Apps keep running as the version before made them; what is new for them begins with their next start.
async fn tell_outdated(platform: &Platform, wanted: &Bundle, reporter: &Reporter) -> Result<(), Failure> {
    let Some(reached) = &wanted.apps else { return Ok(()) };
    for outdated in Apps::new(platform.clone(), reporter.clone()).outdated(reached).await? {
        reporter.note(match outdated {
            Outdated::Restart(name) => {
                format!("{DEGRADED} app {name} is as the version before made it: platformctl apps restart {name}")
            }
            Outdated::Refused(name, mistake) => format!(
                "{DEGRADED} app {name} was deployed from a file that is refused now; mend it and deploy it again: {mistake}"
            ),
        });
    }
    Ok(())
}

/// Changes components in order.
async fn roll(
    platform: &Platform,
    wanted: &Bundle,
    values: &Values,
    after: &Rendered,
    everything: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let references = platform.swarm.ensure_references(&wanted.name, after).await?;
    for subsystem in &wanted.subsystems {
        reporter.event(Event::SubsystemStarted { name: subsystem.name.clone() });
        for component in chosen(wanted, &subsystem.components, values, everything) {
            let Some(service) = after.services.iter().find(|service| service.component == component.name) else {
                continue;
            };
            if apply(platform, wanted, service, &references).await? == Applied::Unchanged {
                reporter.note(format!("{GOOD} {}: unchanged", component.name));
                // One that an earlier try changed may not be well yet.
                if is_settled(platform, wanted, component).await? {
                    continue;
                }
            }
            wait_until_well(platform, wanted, &[component], reporter).await.map_err(super::start::unwell)?;
        }
    }
    Ok(())
}

/// Whether the last change of a component's service is through.
async fn is_settled(platform: &Platform, bundle: &Bundle, component: &Component) -> Result<bool, Failure> {
    let service = platform.swarm.service(&format!("{}_{}", bundle.name, component.name)).await?;
    Ok(service.is_none_or(|service| service.is_settled()))
}

/// Gives components their earlier specs again; the failure says whether that worked.
async fn go_back(
    platform: &Platform,
    installed: &Bundle,
    before: &Rendered,
    components: &[&Component],
    failure: Failure,
    reporter: &Reporter,
) -> Failure {
    reporter.note(format!("{BAD} going back to version {}", installed.version));
    let mut reasons = match failure {
        Failure::Unhealthy { reasons, .. } => reasons,
        other => vec![other.to_string()],
    };
    let back = async {
        let references = platform.swarm.ensure_references(&installed.name, before).await?;
        let mut reverted = Vec::new();
        for component in components.iter().rev().filter(|component| component.kind == ComponentKind::Service) {
            match before.services.iter().find(|service| service.component == component.name) {
                Some(service) if apply(platform, installed, service, &references).await? == Applied::Unchanged => {}
                Some(_) => reverted.push(*component),
                None => platform.swarm.remove_service(&format!("{}_{}", installed.name, component.name)).await?,
            }
        }
        let mut kept: Vec<&Component> =
            components.iter().filter_map(|component| installed.component(&component.name)).collect();
        // Who talked with them may have been told by the new version what it cannot use, and wait for ever: routers that
        // refused their routes ask no more.
        for component in listeners(installed, before, &reverted) {
            let name = format!("{}_{}", installed.name, component.name);
            if platform.swarm.service(&name).await?.is_some_and(|service| service.is_started()) {
                reporter.note(format!("{GOOD} {}: restarted, as it talked with what was changed", component.name));
                platform.swarm.force_update(&name).await?;
                kept.push(component);
            }
        }
        wait_until_well(platform, installed, &kept, reporter).await.map_err(super::start::unwell)?;
        Ok(platform.swarm.remove_unused_configs(&installed.name).await?)
    };
    match back.await {
        Ok(()) => {
            reasons.push(format!("every component is at version {} again", installed.version));
            Failure::Unhealthy { reasons, hint: "mend the new version, then run the same command again".into() }
        }
        Err(error) => {
            reasons.push(format!("going back to version {} failed too", installed.version));
            if let Failure::Unhealthy { reasons: more, .. } = error {
                reasons.extend(more);
            }
            Failure::Unhealthy { reasons, hint: "platformctl doctor".into() }
        }
    }
}

/// Components that were not changed and share a network with one that was.
fn listeners<'a>(installed: &'a Bundle, before: &Rendered, changed: &[&Component]) -> Vec<&'a Component> {
    let is_changed = |name: &str| changed.iter().any(|component| component.name == name);
    let networks = |service: &RenderedService| -> Vec<String> {
        let task = service.spec.task_template.as_ref();
        let joined = task.and_then(|task| task.networks.as_ref()).into_iter().flatten();
        joined.filter_map(|network| network.target.clone()).collect()
    };
    let touched: Vec<String> =
        before.services.iter().filter(|service| is_changed(&service.component)).flat_map(networks).collect();
    let listening = before
        .services
        .iter()
        .filter(|service| !is_changed(&service.component))
        .filter(|service| networks(service).iter().any(|network| touched.contains(network)));
    listening.filter_map(|service| installed.component(&service.component)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_are_restarted_when_their_controller_goes_back() {
        let bundle = Bundle::default_platform().unwrap();
        let mut values = Values::new();
        values.set("platform", "domain", "example.test");
        let before = bundle.render(&values).unwrap();
        for (changed, expected) in [
            (&["controller"][..], &["router"][..]),
            (&["router"], &["controller"]),
            (&["controller", "router"], &[]),
            (&["logger"], &[]),
            (&["registry"], &[]),
        ] {
            let changed: Vec<&Component> = changed.iter().map(|name| bundle.component(name).unwrap()).collect();
            let found: Vec<&str> =
                listeners(&bundle, &before, &changed).into_iter().map(|component| component.name.as_str()).collect();
            assert_eq!(found, expected, "{changed:?}");
        }
    }
}
