//! Services: components and apps, whether as many tasks run as should, and what went wrong last.

use super::finding::Finding;
use crate::bundle::{Bundle, ComponentKind, Values};
use crate::container::target_name;
use crate::swarm::{Member, NAMESPACE_LABEL, Service, Tally, Task};

const CHECK: &str = "services";

/// What is known of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// What targets call it.
    pub name: String,
    /// Whether it is of a bundle; others may be stopped as their owners like.
    pub is_component: bool,
    pub is_started: bool,
    pub wanted: usize,
    pub running: usize,
    /// Docker's word for how far a task is that should run and does not.
    pub unsettled: Option<String>,
    pub keeps_failing: bool,
    /// Where and when, and Docker's words.
    pub last_error: Option<String>,
}

impl State {
    /// The state of a service by its tasks, which are given oldest first.
    pub(super) fn of(service: &Service, tasks: &[&Task], members: &[Member], is_component: bool) -> Self {
        let Tally { wanted, running, unsettled, keeps_failing } = Tally::of(service, tasks, members);
        let error = tasks.iter().rev().find_map(|task| {
            let place = if task.node.is_empty() { String::new() } else { format!(" on {}", task.node) };
            Some(format!("{place}, {}: {}", task.since, task.error.as_ref()?))
        });
        Self {
            name: target_name(&service.name, service.label(NAMESPACE_LABEL)),
            is_component,
            is_started: service.is_started(),
            wanted,
            running,
            unsettled: unsettled.map(|task| task.state.to_string()),
            keeps_failing,
            last_error: error,
        }
    }
}

/// One service.
pub(super) fn judge(state: &State) -> Finding {
    let State { name, wanted, running, .. } = state;
    if !state.is_started {
        return match state.is_component {
            true => Finding::warn(CHECK, name, "is stopped", format!("platformctl start {name}")),
            false => Finding::ok(CHECK, name, "is stopped"),
        };
    }
    let last_error = state.last_error.as_ref().map(|error| format!("; last error{error}")).unwrap_or_default();
    if *wanted == 0 {
        let found = "no node fits its constraints, or none that does is ready";
        return Finding::fail(CHECK, name, found, "platformctl machines; docker node ls on a manager");
    }
    let count = format!("{running} of {wanted} tasks run");
    if running >= wanted {
        return Finding::ok(CHECK, name, format!("{count}{last_error}"));
    }
    let logs = format!("platformctl journal {name} -n 100; platformctl status {name}");
    let unsettled = state.unsettled.as_ref().map(|state| format!(", the others are {state}")).unwrap_or_default();
    let found = format!("{count}{unsettled}{last_error}");
    match *running == 0 || state.keeps_failing {
        true => Finding::fail(CHECK, name, found, logs),
        false => Finding::warn(CHECK, name, found, logs),
    }
}

/// Components that should be there and have no service.
pub(super) fn judge_missing(bundle: &Bundle, values: &Values, services: &[Service]) -> Vec<Finding> {
    let is_missing = |name: &str| !services.iter().any(|service| service.component() == name);
    let components = bundle.components().filter(|component| {
        component.kind == ComponentKind::Service && bundle.is_enabled(component, values) && is_missing(&component.name)
    });
    let finding = |name: &str| Finding::fail(CHECK, name, "is not installed", format!("platformctl install {name}"));
    components.map(|component| finding(&component.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn services() {
        let good =
            State { name: "x".into(), is_component: true, is_started: true, wanted: 2, running: 2, ..State::default() };
        let error = Some(" on a, 2026-11-21T10:00:00Z: task: non-zero exit (3)".to_owned());
        for (state, level, found) in [
            (good.clone(), Level::Ok, "2 of 2 tasks run"),
            (
                State { last_error: error.clone(), ..good.clone() },
                Level::Ok,
                "2 of 2 tasks run; last error on a, 2026-11-21T10:00:00Z: task: non-zero exit (3)",
            ),
            (State { is_started: false, ..good.clone() }, Level::Warn, "is stopped"),
            (State { is_started: false, is_component: false, ..good.clone() }, Level::Ok, "is stopped"),
            (
                State { running: 1, unsettled: Some("preparing".into()), ..good.clone() },
                Level::Warn,
                "1 of 2 tasks run, the others are preparing",
            ),
            (State { running: 0, ..good.clone() }, Level::Fail, "0 of 2 tasks run"),
            (
                State { running: 1, keeps_failing: true, last_error: error, ..good.clone() },
                Level::Fail,
                "1 of 2 tasks run; last error on a",
            ),
            (State { wanted: 0, running: 0, ..good }, Level::Fail, "no node fits"),
        ] {
            let finding = judge(&state);
            assert_eq!((finding.level, finding.subject.as_str()), (level, "x"), "{finding:?}");
            assert!(finding.found.contains(found), "{finding:?}");
        }
    }
}
