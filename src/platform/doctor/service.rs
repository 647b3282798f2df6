//! Services: components and apps, whether as many tasks run as should, and what went wrong last.

use super::finding::Finding;
use crate::platform::bundle::{Bundle, ComponentKind, Values};
use crate::platform::container::target_name;
use crate::platform::swarm::{Member, NAMESPACE_LABEL, Service, Task};

const CHECK: &str = "services";

/// One service with its tasks, oldest first.
pub fn judge(service: &Service, tasks: &[&Task], members: &[Member], is_component: bool) -> Finding {
    let name = name(service);
    let is_heard = |task: &&&Task| members.iter().any(|member| member.ready && member.name == task.node);
    let running = tasks.iter().filter(|task| task.is_running()).filter(is_heard).count();
    let failure = tasks.iter().rev().find(|task| task.error.is_some());
    let text = |task: &&Task| {
        let place = if task.node.is_empty() { String::new() } else { format!(" on {}", task.node) };
        format!("; last error{place}, {}: {}", seconds(&task.since), task.error.as_deref().unwrap_or_default())
    };
    let last_error = failure.map(text).unwrap_or_default();
    if !service.is_started() {
        return match is_component {
            true => Finding::warn(CHECK, &name, "is stopped", format!("platformctl start {name}")),
            false => Finding::ok(CHECK, &name, "is stopped"),
        };
    }
    let wanted = service.desired_tasks(members);
    let logs = format!("platformctl journal {name} -n 100; platformctl status {name}");
    let count = format!("{running} of {wanted} tasks run");
    if wanted == 0 {
        let found = "no node fits its constraints, or none that does is ready";
        return Finding::fail(CHECK, name, found, "platformctl machines; docker node ls on a manager");
    }
    if running >= wanted {
        return Finding::ok(CHECK, name, format!("{count}{last_error}"));
    }
    let unsettled = tasks.iter().rev().find(|task| task.wanted && !task.is_running());
    let state = unsettled.map(|task| format!(", the others are {}", task.state)).unwrap_or_default();
    let keeps_failing = tasks.iter().rev().take(3).filter(|task| task.has_failed()).count() > 1;
    let found = format!("{count}{state}{last_error}");
    match running == 0 || keeps_failing {
        true => Finding::fail(CHECK, name, found, logs),
        false => Finding::warn(CHECK, name, found, logs),
    }
}

/// Components that should be there and have no service.
pub fn judge_missing(bundle: &Bundle, values: &Values, services: &[Service]) -> Vec<Finding> {
    let is_missing = |name: &str| !services.iter().any(|service| service.component() == name);
    let components = bundle.components().filter(|component| {
        component.kind == ComponentKind::Service && bundle.is_enabled(component, values) && is_missing(&component.name)
    });
    let finding = |name: &str| Finding::fail(CHECK, name, "is not installed", format!("platformctl install {name}"));
    components.map(|component| finding(&component.name)).collect()
}

/// What targets call it.
fn name(service: &Service) -> String {
    target_name(&service.name, service.label(NAMESPACE_LABEL))
}

/// RFC 3339 without fractions of a second.
fn seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}
