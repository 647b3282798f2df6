//! What a swarm's managers do by themselves as time goes by: they make tasks of services, replace tasks of earlier specs few at
//! a time, give up or take back an update whose tasks fail, and clear away what no service wants.
//! <https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/>,
//! <https://docs.docker.com/reference/api/engine/version/v1.48/#tag/Service/operation/ServiceCreate> (`UpdateConfig`)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::engine::{Engine, Service};

/// Between two looks.
const STEP: Duration = Duration::from_millis(250);
/// Without a change, it is looked this often whether a delay is over, and not at all when the longest is.
const QUIET_STEPS: u32 = 8;
const MOST_QUIET_STEPS: u32 = 48;
/// From one state to the next.
const STATE: Duration = Duration::from_secs(1);
/// Docker's own `RestartPolicy.Delay`.
const RESTART_DELAY_NANOSECONDS: u64 = 5_000_000_000;

const HISTORY: usize = 5;

/// A task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub id: String,
    pub service: String,
    pub slot: Option<u64>,
    pub node: usize,
    /// The service's `TaskTemplate` when it was made.
    pub spec: Arc<Value>,
    pub state: &'static str,
    pub desired: &'static str,
    pub since: Duration,
    pub created: u64,
    pub error: Option<String>,
}

impl Task {
    /// Whether there may be a container.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state, "preparing" | "running")
    }

    /// Whether another one takes its place.
    fn is_over(&self) -> bool {
        self.desired != "running"
    }
}

impl Engine {
    /// Everything that happens until `now`.
    pub(super) fn advance(&mut self, now: Duration) {
        while self.now < now {
            self.now = now.min(self.now + STEP);
            let waits = self.tasks.iter().any(|task| task.state == "preparing" || (task.is_over() && task.is_live()));
            if waits || self.version != self.seen_version || self.quiet_steps.is_multiple_of(QUIET_STEPS) {
                self.quiet_steps = if waits || self.version != self.seen_version { 0 } else { self.quiet_steps };
                self.seen_version = self.version;
                self.step();
            }
            self.quiet_steps += 1;
            if self.quiet_steps > MOST_QUIET_STEPS {
                self.now = now;
            }
        }
        self.etcd.expire(self.now);
    }

    fn step(&mut self) {
        let now = self.now;
        let mut changed = false;
        for index in 0..self.tasks.len() {
            let task = &self.tasks[index];
            if task.since + STATE > now {
                continue;
            }
            let (state, error) = match (task.state, task.desired) {
                ("preparing" | "running", "shutdown" | "remove") => ("shutdown", None),
                ("preparing", _) => self.outcome(task),
                _ => continue,
            };
            let task = &mut self.tasks[index];
            (task.state, task.error, task.since) = (state, error, now);
            if matches!(state, "failed" | "rejected") {
                task.desired = "shutdown";
            }
            if state == "running" {
                self.make_volumes(index);
            }
            changed = true;
        }
        self.forget_old();
        let remaining = self.tasks.len();
        self.tasks.retain(|task| task.desired != "remove" || task.is_live());
        changed |= self.tasks.len() != remaining;
        for index in 0..self.services.len() {
            changed |= self.reconcile(index);
        }
        if changed {
            self.version += 1;
        }
    }

    /// Of each place only so many tasks that are over are remembered.
    /// <https://docs.docker.com/reference/cli/docker/swarm/update/> (`--task-history-limit`)
    fn forget_old(&mut self) {
        let mut seen: BTreeMap<(String, Option<u64>, usize), usize> = BTreeMap::new();
        for task in self.tasks.iter_mut().rev().filter(|task| task.is_over() && !task.is_live()) {
            let node = if task.slot.is_some() { 0 } else { task.node };
            let count = seen.entry((task.service.clone(), task.slot, node)).or_default();
            *count += 1;
            if *count > HISTORY {
                task.desired = "remove";
            }
        }
    }

    /// What becomes of a task whose image is on its node, or is not.
    fn outcome(&self, task: &Task) -> (&'static str, Option<String>) {
        let image = task.spec["ContainerSpec"]["Image"].as_str().unwrap_or_default();
        if !self.nodes[task.node].has_image(image) {
            return ("rejected", Some(format!("No such image: {image}")));
        }
        if self.is_broken(image) { ("failed", Some("task: non-zero exit (3)".into())) } else { ("running", None) }
    }

    /// One service's tasks; says whether something changed.
    fn reconcile(&mut self, index: usize) -> bool {
        let service = self.services[index].clone();
        let places = self.places(&service);
        let mut changed = false;
        let is_eligible: Vec<bool> = (0..self.nodes.len()).map(|node| self.is_eligible(&service.spec, node)).collect();
        for task in self.tasks.iter_mut().filter(|task| task.service == service.id && !task.is_over()) {
            let has_place = places.iter().any(|(slot, node)| match slot {
                Some(_) => *slot == task.slot,
                None => *node == task.node,
            });
            if has_place && !is_eligible[task.node] {
                // Another one takes its place elsewhere.
                task.desired = "shutdown";
                changed = true;
            }
            if !has_place {
                task.desired = if service.is_global() { "shutdown" } else { "remove" };
                changed = true;
            }
        }
        let paused = matches!(service.update_state(), Some("paused" | "rollback_paused"));
        let update = &service.spec[if service.is_rolling_back() { "RollbackConfig" } else { "UpdateConfig" }];
        let parallelism = update["Parallelism"].as_u64().unwrap_or(1);
        let start_first = update["Order"] == "start-first";
        let mut underway = 0;
        let (mut dirty, mut settled) = (0, 0);
        for (slot, node) in &places {
            let here = |task: &Task| {
                task.service == service.id
                    && !task.is_over()
                    && if slot.is_some() { task.slot == *slot } else { task.node == *node }
            };
            let of_place: Vec<usize> = (0..self.tasks.len()).filter(|at| here(&self.tasks[*at])).collect();
            let current =
                of_place.iter().find(|at| same(&self.tasks[**at].spec, &service.spec["TaskTemplate"])).copied();
            let old: Vec<usize> = of_place.into_iter().filter(|at| Some(*at) != current).collect();
            match current {
                Some(current) if self.tasks[current].state == "running" => {
                    settled += 1;
                    for at in old {
                        self.tasks[at].desired = "shutdown";
                        changed = true;
                    }
                }
                Some(_) => underway += 1,
                None if old.is_empty() => {
                    if self.may_start(&service, *slot, *node) {
                        self.start(&service, *slot, *node);
                        changed = true;
                    }
                    underway += 1;
                }
                None => {
                    dirty += 1;
                    if service.update_state().is_none() || service.update_state() == Some("completed") {
                        self.services[index].set_update("updating", "update in progress");
                        self.touch(index);
                    }
                    if !paused && (parallelism == 0 || underway < parallelism) {
                        if !start_first {
                            for at in &old {
                                self.tasks[*at].desired = "shutdown";
                            }
                        }
                        self.start(&service, *slot, *node);
                        underway += 1;
                        changed = true;
                    }
                }
            }
        }
        changed | self.conclude(index, dirty == 0 && settled == places.len())
    }

    /// Ends an update that is through, or whose tasks fail.
    fn conclude(&mut self, index: usize, is_through: bool) -> bool {
        let service = self.services[index].clone();
        let Some(state @ ("updating" | "rollback_started")) = service.update_state() else { return false };
        let failed = self.tasks.iter().find(|task| {
            task.service == service.id
                && matches!(task.state, "failed" | "rejected")
                && task.created > service.updated
                && same(&task.spec, &service.spec["TaskTemplate"])
        });
        if let Some(failed) = failed {
            let because = format!("due to failure or early termination of task {}", failed.id);
            let action = service.spec["UpdateConfig"]["FailureAction"].as_str().unwrap_or("pause");
            match (state, action, service.previous.clone()) {
                (_, "continue", _) => return false,
                ("updating", "rollback", Some(previous)) => {
                    let service = &mut self.services[index];
                    service.spec = previous;
                    service.set_update("rollback_started", &format!("update rolled back {because}"));
                }
                ("updating", ..) => self.services[index].set_update("paused", &format!("update paused {because}")),
                _ => self.services[index].set_update("rollback_paused", &format!("rollback paused {because}")),
            }
        } else if is_through {
            let (state, message) = match state {
                "updating" => ("completed", "update completed"),
                _ => ("rollback_completed", "rollback completed"),
            };
            self.services[index].set_update(state, message);
        } else {
            return false;
        }
        self.touch(index);
        true
    }

    /// Slots on nodes, or nodes.
    fn places(&self, service: &Service) -> Vec<(Option<u64>, usize)> {
        let eligible: Vec<usize> =
            (0..self.nodes.len()).filter(|node| self.is_eligible(&service.spec, *node)).collect();
        if service.is_global() {
            return eligible.into_iter().map(|node| (None, node)).collect();
        }
        if eligible.is_empty() {
            return Vec::new();
        }
        let replicas = service.spec["Mode"]["Replicated"]["Replicas"].as_u64().unwrap_or(1);
        let node = |slot: u64| eligible[usize::try_from(slot).unwrap_or_default() % eligible.len()];
        (1..=replicas).map(|slot| (Some(slot), node(slot))).collect()
    }

    /// Whether the delay after a task that failed in this place is over.
    fn may_start(&self, service: &Service, slot: Option<u64>, node: usize) -> bool {
        let delay =
            service.spec["TaskTemplate"]["RestartPolicy"]["Delay"].as_u64().unwrap_or(RESTART_DELAY_NANOSECONDS);
        let last = self.tasks.iter().rev().find(|task| {
            task.service == service.id && if slot.is_some() { task.slot == slot } else { task.node == node }
        });
        last.is_none_or(|last| last.error.is_none() || last.since + Duration::from_nanos(delay) <= self.now)
    }

    fn start(&mut self, service: &Service, slot: Option<u64>, node: usize) {
        self.version += 1;
        let task = Task {
            id: format!("task-{}", self.version),
            service: service.id.clone(),
            slot,
            node,
            spec: Arc::new(service.spec["TaskTemplate"].clone()),
            state: "preparing",
            desired: "running",
            since: self.now,
            created: self.version,
            error: None,
        };
        self.tasks.push(task);
    }

    /// The volumes of a task's mounts are made on its node.
    fn make_volumes(&mut self, index: usize) {
        let task = &self.tasks[index];
        let mounts = task.spec["ContainerSpec"]["Mounts"].as_array().cloned().unwrap_or_default();
        for mount in mounts.iter().filter(|mount| mount["Type"] == "volume") {
            if let Some(name) = mount["Source"].as_str() {
                let labels = mount["VolumeOptions"]["Labels"].clone();
                self.nodes[task.node].volumes.entry(name.to_owned()).or_insert(labels);
            }
        }
    }

    /// Whether all of a service's constraints hold on a node.
    /// <https://docs.docker.com/reference/cli/docker/service/create/#constraint>
    fn is_eligible(&self, spec: &Value, node: usize) -> bool {
        let takes_tasks = |spec: &Value| spec["Availability"] == "active";
        if self.nodes[node].left || !self.nodes[node].member.as_ref().is_some_and(takes_tasks) {
            return false;
        }
        let constraints = spec["TaskTemplate"]["Placement"]["Constraints"].as_array().cloned().unwrap_or_default();
        constraints.iter().filter_map(Value::as_str).all(|constraint| {
            let (key, wanted) = constraint.split_once("==").expect("a constraint of ours");
            let member = &self.nodes[node];
            let found = match key.trim() {
                "node.id" => Some(member.id.clone()),
                "node.hostname" => Some(member.name.clone()),
                "node.role" => Some(member.role().to_owned()),
                key => member.label(key.strip_prefix("node.labels.").expect("a label of a node")),
            };
            found.as_deref() == Some(wanted.trim())
        })
    }
}

/// Whether tasks of one template are those of the other: where they may run does not matter.
/// <https://github.com/moby/swarmkit/blob/master/manager/orchestrator/task.go> (`IsTaskDirty`)
fn same(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return false };
    let mut keys = one.keys().chain(other.keys()).filter(|key| *key != "Placement");
    keys.all(|key| one.get(key) == other.get(key))
}
