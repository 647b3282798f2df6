//! Waits until services run as their specs say, and says why when they do not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bollard::models::{ServiceUpdateStatusStateEnum, TaskState};
use tokio::time::Instant;

use super::{Member, Service, Swarm, Task};
use nodes::cluster::DockerError;

/// Between two looks.
const POLL_INTERVAL: Duration = Duration::from_millis(750);
/// What has not changed for so long is told again: people want to know that somebody is still waiting.
const SAID_AGAIN: Duration = Duration::from_secs(20);
/// A container without a health check counts as running when it has not ended for so long.
const STABLE: Duration = Duration::from_secs(3);
/// A place whose task has failed so often will not get better by itself.
const MOST_FAILURES: usize = 3;
/// Managers change while nodes come and go; asking them may fail for so long.
const MOST_SILENCE: Duration = Duration::from_secs(180);
/// Lines of a service's log in a failure.
const LOG_LINES: usize = 10;

/// How far a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub running: usize,
    pub wanted: usize,
    /// The state of the task that is furthest behind, in Docker's words: `preparing`; `running` at the end.
    pub state: String,
    /// Whether all wanted tasks run, be it for how short a time.
    pub all_run: bool,
}

impl Rollout {
    fn of_all(count: usize, state: &str) -> Self {
        Self { running: count, wanted: count, state: state.to_owned(), all_run: true }
    }
}

/// A service that does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutFailure {
    /// The service's name.
    pub service: String,
    /// Docker's words, or that the deadline passed.
    pub reason: String,
    /// The last lines that its containers wrote.
    pub log_lines: Vec<String>,
}

impl RolloutFailure {
    /// The reason, and the last log lines below it.
    pub fn with_log(&self) -> String {
        let mut text = self.reason.clone();
        if !self.log_lines.is_empty() {
            text.push_str("\nlast log lines:");
        }
        for line in &self.log_lines {
            text.push_str("\n  ");
            text.push_str(line);
        }
        text
    }
}

/// What was seen of a service at one look.
enum Seen {
    /// All wanted tasks; `proven` when a health check says that they are well.
    Running {
        tasks: BTreeSet<String>,
        proven: bool,
    },
    Underway(Rollout, Option<String>),
    Failed(String),
}

impl Swarm {
    /// Waits until all wanted tasks of these services run with the current spec, healthy where there is a health check;
    /// tells `progress` each service's state as it changes, and now and then while it does not. Gives a service up early when it fails again and again.
    pub async fn wait_until_running(
        &self,
        names: &[String],
        deadline: Duration,
        progress: &(dyn Fn(&str, &Rollout) + Sync),
    ) -> Result<(), Vec<RolloutFailure>> {
        let end = Instant::now() + deadline;
        let mut waiting: BTreeMap<String, Watch> = names.iter().map(|name| (name.clone(), Watch::default())).collect();
        let mut failures = Vec::new();
        let mut silent_since: Option<Instant> = None;
        while !waiting.is_empty() {
            match self.look(&waiting).await {
                Ok(looks) => {
                    silent_since = None;
                    for (name, seen) in looks {
                        self.judge(&name, seen, &mut waiting, &mut failures, progress).await;
                    }
                }
                Err(error) => {
                    let since = *silent_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > MOST_SILENCE || Instant::now() > end {
                        let failure = |name: &String| RolloutFailure {
                            service: name.clone(),
                            reason: error.to_string(),
                            log_lines: Vec::new(),
                        };
                        failures.extend(waiting.keys().map(failure));
                        break;
                    }
                }
            }
            if Instant::now() > end {
                for (name, watch) in std::mem::take(&mut waiting) {
                    let reason = watch.timed_out(deadline);
                    failures.push(self.failure(&name, reason).await);
                }
            }
            if !waiting.is_empty() {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    async fn look(&self, waiting: &BTreeMap<String, Watch>) -> Result<Vec<(String, Seen)>, DockerError> {
        let (members, services) = tokio::try_join!(self.members(), self.services(None))?;
        let members = members.unwrap_or_default();
        let services: Vec<&Service> = services.iter().filter(|service| waiting.contains_key(&service.name)).collect();
        let tasks = self.tasks(&services, &members).await?;
        Ok(waiting
            .keys()
            .map(|name| {
                let seen = match services.iter().find(|service| &service.name == name) {
                    Some(service) => Seen::of(service, &tasks, &members),
                    None => Seen::Failed("the service is gone".into()),
                };
                (name.clone(), seen)
            })
            .collect())
    }

    async fn judge(
        &self,
        name: &str,
        seen: Seen,
        waiting: &mut BTreeMap<String, Watch>,
        failures: &mut Vec<RolloutFailure>,
        progress: &(dyn Fn(&str, &Rollout) + Sync),
    ) {
        let Some(watch) = waiting.get_mut(name) else { return };
        let rollout = match seen {
            Seen::Failed(reason) => {
                waiting.remove(name);
                failures.push(self.failure(name, reason).await);
                return;
            }
            Seen::Running { tasks, proven } => {
                let count = tasks.len();
                if watch.is_stable(tasks, proven) {
                    progress(name, &Rollout::of_all(count, "running"));
                    waiting.remove(name);
                    return;
                }
                Rollout::of_all(count, "starting")
            }
            Seen::Underway(rollout, error) => {
                watch.stable = None;
                if error.is_some() {
                    watch.last_error = error;
                }
                rollout
            }
        };
        if watch.is_news(&rollout) {
            progress(name, &rollout);
        }
    }

    async fn failure(&self, name: &str, reason: String) -> RolloutFailure {
        let log_lines = self.last_words(name, LOG_LINES).await.unwrap_or_else(|error| {
            tracing::debug!(service = name, %error, "the last log lines cannot be had");
            vec![format!("(they cannot be had: {})", error.message())]
        });
        RolloutFailure { service: name.to_owned(), reason, log_lines }
    }
}

impl Seen {
    /// A service at this look.
    fn of(service: &Service, tasks: &[Task], members: &[Member]) -> Self {
        let wanted = service.desired_tasks(members);
        let current: Vec<&Task> =
            tasks.iter().filter(|task| task.service_id == service.id && task.follows(service)).collect();
        if let Some(reason) = hopeless(&current) {
            return Self::Failed(reason);
        }
        let message = service.update_message.clone().unwrap_or_default();
        match service.update_state {
            Some(ServiceUpdateStatusStateEnum::PAUSED) => return Self::Failed(with_error(message, &current)),
            Some(ServiceUpdateStatusStateEnum::ROLLBACK_COMPLETED | ServiceUpdateStatusStateEnum::ROLLBACK_PAUSED) => {
                return Self::Failed(with_error(message, &current));
            }
            _ => {}
        }
        let running: BTreeSet<String> =
            current.iter().filter(|task| task.is_running()).map(|task| task.id.clone()).collect();
        // Nodes that do not answer do not count; when none does, that is not the end of a start.
        let nowhere = wanted == 0 && service.is_started();
        if running.len() >= wanted && !service.is_updating() && !nowhere {
            return Self::Running { tasks: running, proven: service.has_health_check() };
        }
        let behind = current.iter().filter(|task| task.wanted && !task.is_running());
        let behind = behind.max_by(|one, other| one.created_at.cmp(&other.created_at));
        let state = match behind {
            _ if nowhere => "no node to run on".to_owned(),
            Some(task) => task.state.to_string(),
            None => TaskState::NEW.to_string(),
        };
        let error = current.iter().rev().find_map(|task| task.error.clone());
        Self::Underway(Rollout { running: running.len(), wanted, state, all_run: false }, error)
    }
}

/// What is remembered of a service between looks.
#[derive(Default)]
struct Watch {
    /// What was told last, and when.
    last: Option<(Rollout, Instant)>,
    last_error: Option<String>,
    /// The tasks that run, and since when it has been these.
    stable: Option<(BTreeSet<String>, Instant)>,
}

impl Watch {
    /// Whether people are to be told; remembers that they are.
    fn is_news(&mut self, rollout: &Rollout) -> bool {
        let reads_alike = |last: &Rollout| {
            (last.running, last.wanted, &last.state) == (rollout.running, rollout.wanted, &rollout.state)
        };
        let known = self.last.as_ref().is_some_and(|(last, said)| reads_alike(last) && said.elapsed() < SAID_AGAIN);
        if !known {
            self.last = Some((rollout.clone(), Instant::now()));
        }
        !known
    }

    fn is_stable(&mut self, tasks: BTreeSet<String>, proven: bool) -> bool {
        if proven || tasks.is_empty() {
            return true;
        }
        match &self.stable {
            Some((known, since)) if *known == tasks => since.elapsed() >= STABLE,
            _ => {
                self.stable = Some((tasks, Instant::now()));
                false
            }
        }
    }

    fn timed_out(&self, deadline: Duration) -> String {
        let within = deadline.as_secs();
        let far = match &self.last {
            Some((rollout, _)) => format!("{} of {} tasks run, {}", rollout.running, rollout.wanted, rollout.state),
            None => "nothing was heard of it".to_owned(),
        };
        match &self.last_error {
            Some(error) => format!("not running after {within} s ({far}): {error}"),
            None => format!("not running after {within} s ({far})"),
        }
    }
}

/// The reason why tasks that failed again and again in one place will go on failing.
fn hopeless(current: &[&Task]) -> Option<String> {
    let mut failures: BTreeMap<String, Vec<&Task>> = BTreeMap::new();
    for task in current.iter().filter(|task| task.has_failed()) {
        failures.entry(task.place()).or_default().push(task);
    }
    let worst = failures.into_values().max_by_key(Vec::len)?;
    if worst.len() < MOST_FAILURES {
        return None;
    }
    let last = worst.last()?;
    let error = last.error.clone().unwrap_or_else(|| "the container ended".into());
    Some(format!("failed {} times, last on {}: {error}", worst.len(), last.node))
}

fn with_error(message: String, current: &[&Task]) -> String {
    match current.iter().rev().find_map(|task| task.error.as_ref()) {
        Some(error) => format!("{message}: {error}"),
        None => message,
    }
}
