//! Single tasks of a component.

use bollard::query_parameters::StopContainerOptions;

use super::Installation;
use super::health::wait_until_well;
use super::start::unwell;
use crate::Platform;
use crate::target::{Instances, Selected};
use report::{Failure, Reporter};

const GONE: u16 = 404;

/// Ends the containers of these instances; the swarm replaces them.
pub(crate) async fn restart_instances(
    platform: &Platform,
    installation: &Installation,
    selected: &Selected<'_>,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let bundle = &installation.bundle;
    let members = platform.swarm.require().await?;
    let name = format!("{}_{}", bundle.name, selected.component);
    let missing = |reason: String| Failure::Unhealthy { reasons: vec![reason], hint: "platformctl list".into() };
    let service = platform.swarm.service(&name).await?;
    let service = service.ok_or_else(|| missing(format!("component `{}` is not installed", selected.component)))?;
    let nodes = platform.cluster.ordered_names();
    let tasks = platform.swarm.tasks(&[&service], &members).await?;
    let meant = tasks.iter().filter(|task| {
        task.is_running()
            && Instances::number_of(task.slot, &task.node, &nodes)
                .is_some_and(|number| selected.instances.include(number))
    });
    let mut count = 0;
    for task in meant {
        let (Some(node), Some(container)) = (platform.cluster.node(&task.node), &task.container_id) else { continue };
        let stopped = node.ask(format!("stopping a container of `{}`", selected.component), |docker| async move {
            docker.stop_container(container, None::<StopContainerOptions>).await
        });
        match stopped.await {
            Err(error) if error.status() == Some(GONE) => {}
            other => other?,
        }
        count += 1;
        reporter.note(format!("● {}{}: stopped on {}", selected.component, selected.instances, task.node));
    }
    if count == 0 {
        return Err(missing(format!("`{}{}` does not run", selected.component, selected.instances)));
    }
    let Some(component) = bundle.component(selected.component) else { return Ok(()) };
    wait_until_well(platform, bundle, &[component], reporter).await.map_err(unwell)
}
