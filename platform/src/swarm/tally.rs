//! How a service's tasks are doing, counted.

use super::{Member, Service, Task};

/// Of so many tasks, newest first, several that failed mean that it goes on failing.
const RECENT: usize = 3;

/// What the tasks of one service add up to.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'t> {
    pub wanted: usize,
    /// Tasks that run on nodes that the managers hear of.
    pub running: usize,
    /// The newest task that should run and does not.
    pub unsettled: Option<&'t Task>,
    pub keeps_failing: bool,
}

impl<'t> Tally<'t> {
    /// Counts the tasks of `service`, given oldest first.
    pub fn of(service: &Service, tasks: &[&'t Task], members: &[Member]) -> Self {
        let is_heard = |task: &Task| members.iter().any(|member| member.ready && member.name == task.node);
        let newest_first = || tasks.iter().rev().copied();
        Self {
            wanted: service.desired_tasks(members),
            running: newest_first().filter(|task| task.is_running() && is_heard(task)).count(),
            unsettled: newest_first().find(|task| task.wanted && !task.is_running()),
            keeps_failing: newest_first().take(RECENT).filter(|task| task.has_failed()).count() > 1,
        }
    }
}
