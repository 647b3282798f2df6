//! Stops components in the reverse order of their start.

use std::time::Duration;

use bollard::models::TaskState;
use tokio::time::Instant;

use super::Selection;
use crate::Platform;
use crate::bundle::{Bundle, Subsystem};
use crate::swarm::{Service, Task};
use report::{Event, Failure, Reporter};

/// Containers end within their grace period, ten seconds when nothing says otherwise.
const DEADLINE: Duration = Duration::from_secs(180);
const POLL_INTERVAL: Duration = Duration::from_millis(750);

/// Stops the selected components and waits until their containers have ended.
pub(crate) async fn stop(
    platform: &Platform,
    bundle: &Bundle,
    selection: &Selection,
    reporter: &Reporter,
) -> Result<(), Failure> {
    platform.swarm.require().await?;
    let services = platform.swarm.services(Some(&bundle.name)).await?;
    for Subsystem { name, components } in bundle.subsystems.iter().rev() {
        let is_chosen = |service: &&Service| {
            selection.contains(service.component())
                && components.iter().any(|component| component.name == service.component())
        };
        let chosen: Vec<&Service> = services.iter().filter(is_chosen).collect();
        if chosen.is_empty() {
            continue;
        }
        reporter.event(Event::SubsystemStarted { name: name.clone() });
        for service in &chosen {
            platform.swarm.set_started(service, false).await?;
        }
        wait_until_ended(platform, &chosen, reporter).await?;
    }
    Ok(())
}

async fn wait_until_ended(platform: &Platform, services: &[&Service], reporter: &Reporter) -> Result<(), Failure> {
    let deadline = Instant::now() + DEADLINE;
    let mut waiting = services.to_vec();
    loop {
        let members = platform.swarm.require().await?;
        let tasks = platform.swarm.tasks(&waiting, &members).await?;
        let heard = |task: &&Task| members.iter().any(|member| member.ready && member.name == task.node);
        let live: Vec<&Task> = tasks.iter().filter(|task| is_live(task)).filter(heard).collect();
        waiting.retain(|service| {
            let count = live.iter().filter(|task| task.service_id == service.id).count();
            if count == 0 {
                let component = service.component().to_owned();
                let event = Event::ComponentChanged {
                    component,
                    active: "inactive",
                    sub: "dead".into(),
                    running: 0,
                    wanted: 0,
                };
                reporter.event(event);
            }
            count > 0
        });
        if waiting.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            let reason = |service: &&Service| {
                let nodes = live.iter().filter(|task| task.service_id == service.id).map(|task| task.node.as_str());
                let nodes: Vec<&str> = nodes.collect();
                format!("component `{}` still runs on {}", service.component(), nodes.join(", "))
            };
            let reasons = waiting.iter().map(reason).collect();
            return Err(Failure::Unhealthy { reasons, hint: "platformctl doctor".into() });
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Whether there may be a container.
fn is_live(task: &Task) -> bool {
    matches!(task.state, TaskState::PREPARING | TaskState::READY | TaskState::STARTING | TaskState::RUNNING)
}
