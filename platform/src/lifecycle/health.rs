//! Whether components are well: what the swarm says, and what the bundle wants to be asked besides.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::Selection;
use crate::Platform;
use crate::bundle::{Bundle, Component, ComponentKind, Health, Values};
use crate::swarm::{Rollout, RolloutFailure, Service};
use nodes::cluster::Node;
use report::{Event, Reporter};

/// Between two questions.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Waits until all of these are well; one line of reasons for each that is not.
pub(super) async fn wait_until_well(
    platform: &Platform,
    bundle: &Bundle,
    components: &[&Component],
    reporter: &Reporter,
) -> Result<(), Vec<String>> {
    wait_until_run_and_well(platform, bundle, components, reporter, &|| ()).await
}

/// The same; `runs` is called once for each component, when all of its tasks run: that they go on running, and answer, is waited
/// for after that.
pub(super) async fn wait_until_run_and_well(
    platform: &Platform,
    bundle: &Bundle,
    components: &[&Component],
    reporter: &Reporter,
    runs: &(dyn Fn() + Sync),
) -> Result<(), Vec<String>> {
    let results = join_all(components.iter().map(|component| well(platform, bundle, component, reporter, runs))).await;
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// Components of these that are selected and enabled.
pub(super) fn chosen<'a>(
    bundle: &Bundle,
    components: &'a [Component],
    values: &Values,
    selection: &Selection,
) -> Vec<&'a Component> {
    let chosen = |component: &&Component| selection.contains(&component.name) && bundle.is_enabled(component, values);
    components.iter().filter(chosen).collect()
}

async fn well(
    platform: &Platform,
    bundle: &Bundle,
    component: &Component,
    reporter: &Reporter,
    runs: &(dyn Fn() + Sync),
) -> Result<(), String> {
    let started = Instant::now();
    let deadline = Duration::from_secs(component.deadline_seconds.into());
    let name = &component.name;
    let changed = |active: &'static str, sub: String, running: usize, wanted: usize| {
        reporter.event(Event::ComponentChanged { component: name.clone(), active, sub, running, wanted });
    };
    let failed = |reason: String| {
        changed("failed", "failed".into(), 0, 0);
        format!("component `{name}`: {reason}")
    };
    let service = format!("{}_{name}", bundle.name);
    let mut count = platform.cluster.members().count();
    if component.kind == ComponentKind::Service {
        let last = std::sync::Mutex::new(0);
        let first_run = std::sync::Once::new();
        let progress = |_: &str, rollout: &Rollout| {
            *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = rollout.running;
            let Rollout { running, wanted, state, all_run } = rollout;
            if *all_run {
                first_run.call_once(runs);
            }
            if state != "running" || component.health != Health::Container {
                changed("activating", state.clone(), *running, *wanted);
            }
        };
        let waited = platform.swarm.wait_until_running(std::slice::from_ref(&service), deadline, &progress).await;
        waited
            .map_err(|failures| failed(failures.iter().map(RolloutFailure::with_log).collect::<Vec<_>>().join("; ")))?;
        count = *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    loop {
        let reason = match &component.health {
            Health::Container => break,
            Health::EtcdQuorum => {
                platform.store.range("/platform/.cluster/").await.err().map(|error| error.to_string())
            }
            Health::Http { port, path, status } => {
                asked_everywhere(platform, &service, *port, path, *status).await.err()
            }
        };
        match reason {
            None => break,
            Some(reason) if started.elapsed() > deadline => return Err(failed(reason)),
            Some(_) => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
    if component.kind == ComponentKind::Host {
        runs();
    }
    changed("active", "running".into(), count, count);
    Ok(())
}

/// Asks every node that runs a task of the service.
async fn asked_everywhere(
    platform: &Platform,
    service: &str,
    port: u16,
    path: &str,
    status: u16,
) -> Result<(), String> {
    let found = platform.swarm.service(service).await.map_err(|error| error.to_string())?;
    let Some(service) = found else { return Err("its service is gone".into()) };
    let nodes = running_nodes(platform, &service).await?;
    let asked = join_all(nodes.iter().map(|node| async move {
        match node.get(port, path).await {
            Ok(found) if found == status => Ok(()),
            Ok(found) => Err(format!("{}: GET {path} on port {port} answers {found}, not {status}", node.name())),
            Err(error) => Err(format!("{}: GET {path} on port {port}: {error}", node.name())),
        }
    }));
    let failures: Vec<String> = asked.await.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

async fn running_nodes(platform: &Platform, service: &Service) -> Result<Vec<Node>, String> {
    let members = platform.swarm.members().await.map_err(|error| error.to_string())?.unwrap_or_default();
    let tasks = platform.swarm.tasks(&[service], &members).await.map_err(|error| error.to_string())?;
    let runs = |node: &&Node| tasks.iter().any(|task| task.is_running() && task.node == node.name());
    Ok(platform.cluster.nodes().iter().filter(runs).cloned().collect())
}
