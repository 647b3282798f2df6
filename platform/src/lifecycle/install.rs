//! Puts a bundle's services on the swarm, stopped. On an installed platform it brings the services up to date with the
//! settings, and leaves running what runs.

use std::collections::BTreeSet;

use super::health::wait_until_well;
use super::start::unwell;
use super::{Installation, Selection, name_resolution, preflight};
use crate::Platform;
use crate::bundle::{Bundle, Component, ComponentKind, Values};
use crate::compose::{Rendered, RenderedService};
use crate::images::{self, Archive, MissingImage};
use crate::settings::Settings;
use crate::swarm::{self, Applied, BUNDLE_LABEL, COMPONENT_LABEL, References, Service, Started};
use report::mark::{DEGRADED, GOOD};
use report::{Event, Failure, Reporter};

/// The bundle's version on its services.
pub(super) const VERSION_LABEL: &str = "platform.version";

/// What an installation left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Installed {
    /// All that was selected runs, as it did before.
    Running,
    /// Something waits to be started.
    Stopped,
}

/// Checks the cluster, gives every node the images, forms the swarm, and makes the selected components' services, over
/// what is `installed` already; what runs is waited for when it changes.
pub(crate) async fn install(
    platform: &Platform,
    installed: Option<&Installation>,
    bundle: &Bundle,
    selection: &Selection,
    archives: &[Archive],
    reporter: &Reporter,
) -> Result<Installed, Failure> {
    if let Some(installed) = installed {
        refuse_another(&installed.bundle, bundle)?;
    }
    let values = Settings::new(platform).load().await?;
    let rendered = bundle.render(&values)?;
    preflight(platform, reporter).await?;
    if let Some(domain) = bundle.settings.value(&values, "platform", "domain")
        && let Some(finding) = name_resolution::finding(platform, domain).await
    {
        reporter.note(format!("{DEGRADED} DNS: {finding}"));
    }
    tell_unread(bundle, &values, reporter);
    let services = selected(bundle, &values, &rendered, selection);
    provide_images(platform, &services, archives, reporter).await?;
    swarm::form(&platform.cluster, reporter).await?;
    platform.record_facts().await?;
    platform.record_installation(bundle).await?;
    let references = platform.swarm.ensure_references(&bundle.name, &rendered).await?;
    let mut updated = Vec::new();
    for service in &services {
        let applied = apply(platform, bundle, service, &references).await?;
        told(reporter, &service.component, applied);
        if applied == Applied::Updated {
            updated.push(service.component.as_str());
        }
    }
    remove_disabled(platform, bundle, &values).await?;
    platform.swarm.remove_unused_configs(&bundle.name).await?;
    let now = platform.swarm.services(Some(&bundle.name)).await?;
    let running: BTreeSet<&str> = now.iter().filter(|service| service.is_started()).map(Service::component).collect();
    // What an earlier run changed before it was cut short may not be well yet.
    let unsettled: BTreeSet<&str> =
        now.iter().filter(|service| !service.is_settled()).map(Service::component).collect();
    let is_changing = |name: &str| (updated.contains(&name) || unsettled.contains(name)) && running.contains(name);
    let changing: Vec<&Component> =
        bundle.components().filter(|one| selection.contains(&one.name) && is_changing(&one.name)).collect();
    if !changing.is_empty() {
        reporter.note(format!("{GOOD} what ran with other settings is being replaced"));
        wait_until_well(platform, bundle, &changing, reporter).await.map_err(unwell)?;
    }
    platform.swarm.remove_old_secrets().await?;
    Ok(match services.iter().all(|service| running.contains(service.component.as_str())) {
        true => Installed::Running,
        false => Installed::Stopped,
    })
}

/// Settings that this version does not have are said, not left to wonder about.
pub(super) fn tell_unread(bundle: &Bundle, values: &Values, reporter: &Reporter) {
    for (name, remedy) in bundle.settings.unread(values) {
        reporter.note(format!(
            "{DEGRADED} setting `{name}` is set, and nothing of {} {} reads it: {remedy}",
            bundle.name, bundle.version
        ));
    }
}

/// Two bundles want the same ports, and a newer version wants to be tried before the older one goes.
fn refuse_another(installed: &Bundle, wanted: &Bundle) -> Result<(), Failure> {
    let (reason, hint) = if installed.name != wanted.name {
        let reason = format!("bundle `{}` is installed on this cluster, not `{}`", installed.name, wanted.name);
        (reason, "platformctl uninstall platform")
    } else if installed.version != wanted.version {
        let reason = format!("version {} is installed, this is {}", installed.version, wanted.version);
        (reason, "platformctl upgrade")
    } else {
        return Ok(());
    };
    Err(Failure::Unhealthy { reasons: vec![reason], hint: hint.into() })
}

/// The services of selected components that are enabled, in the bundle's order.
pub(super) fn selected<'a>(
    bundle: &Bundle,
    values: &Values,
    rendered: &'a Rendered,
    selection: &Selection,
) -> Vec<&'a RenderedService> {
    let components = bundle.components().filter(|component| {
        component.kind == ComponentKind::Service
            && selection.contains(&component.name)
            && bundle.is_enabled(component, values)
    });
    components
        .filter_map(|component| rendered.services.iter().find(|service| service.component == component.name))
        .collect()
}

/// Gives every node the images of these services, or says which cannot be had.
pub(super) async fn provide_images(
    platform: &Platform,
    services: &[&RenderedService],
    archives: &[Archive],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let images: BTreeSet<String> = services.iter().filter_map(|service| image_of(service)).collect();
    let missing = images::provide(platform.cluster.nodes(), &images, archives, reporter).await;
    if missing.is_empty() {
        let detail = format!("{} on every node", images.len());
        reporter.event(Event::CheckPassed { node: "all nodes".into(), check: "images", detail });
        return Ok(());
    }
    let unreachable =
        missing.iter().filter_map(|missing| Some((missing.node.clone(), missing.error.unreachable()?.clone())));
    let unreachable: Vec<_> = unreachable.collect();
    if !unreachable.is_empty() {
        return Err(platform.cluster.unreachable(unreachable));
    }
    Err(Failure::Unhealthy {
        reasons: images_missing(&missing),
        hint: "check the name (`platformctl config COMPONENT get image`), or load archives of the images with `install --images DIR`".into(),
    })
}

/// One line an image: nodes fail alike.
fn images_missing(missing: &[MissingImage]) -> Vec<String> {
    let mut by_image: Vec<(&str, Vec<&MissingImage>)> = Vec::new();
    for one in missing {
        match by_image.iter_mut().find(|(image, _)| *image == one.image) {
            Some((_, nodes)) => nodes.push(one),
            None => by_image.push((&one.image, vec![one])),
        }
    }
    let line = |(image, nodes): &(&str, Vec<&MissingImage>)| {
        let names: Vec<&str> = nodes.iter().map(|missing| missing.node.as_str()).collect();
        format!("image `{image}` cannot be had on {}: {}", names.join(", "), nodes[0].error.message())
    };
    by_image.iter().map(line).collect()
}

fn image_of(service: &RenderedService) -> Option<String> {
    service.spec.task_template.as_ref()?.container_spec.as_ref()?.image.clone()
}

/// Makes or updates one service.
pub(super) async fn apply(
    platform: &Platform,
    bundle: &Bundle,
    service: &RenderedService,
    references: &References,
) -> Result<Applied, Failure> {
    let mut spec = references.resolve(service.spec.clone()).map_err(|error| Failure::Unhealthy {
        reasons: vec![format!("component `{}`: {error}", service.component)],
        hint: format!("platformctl config {} set KEY=@FILE", service.component),
    })?;
    let labels = spec.labels.get_or_insert_default();
    labels.insert(COMPONENT_LABEL.to_owned(), service.component.clone());
    labels.insert(BUNDLE_LABEL.to_owned(), bundle.name.clone());
    labels.insert(VERSION_LABEL.to_owned(), bundle.version.to_string());
    Ok(platform.swarm.apply(spec, Started::AsBefore).await?)
}

fn told(reporter: &Reporter, component: &str, applied: Applied) {
    let what = match applied {
        Applied::Created => "loaded",
        Applied::Updated => "loaded with its new settings",
        Applied::Unchanged => "loaded already",
    };
    reporter.note(format!("{GOOD} {component}: {what}"));
}

/// Removes services of components that a setting has switched off.
async fn remove_disabled(platform: &Platform, bundle: &Bundle, values: &Values) -> Result<(), Failure> {
    for service in platform.swarm.services(Some(&bundle.name)).await? {
        let component = bundle.component(service.component());
        if component.is_none_or(|component| !bundle.is_enabled(component, values)) {
            platform.swarm.remove_service(&service.name).await?;
        }
    }
    Ok(())
}
