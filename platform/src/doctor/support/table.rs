//! What the swarm and etcd know as text, a line a thing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::redactor::looks_secret;
use crate::bundle::Values;
use crate::swarm::{Member, Role, Service, Task};

/// Settings with their values; of those that hold secrets only the names. `secrets` are logical names in the swarm.
pub(super) fn settings(values: &Values, secrets: &BTreeSet<String>) -> String {
    let plain = values.iter().map(|(target, key, value)| match looks_secret(key) {
        true => format!("{target}/{key} is set\n"),
        false => format!("{target}/{key} = {value}\n"),
    });
    plain.chain(secrets.iter().map(|name| format!("{} is set (secret)\n", name.replacen('.', "/", 1)))).collect()
}

/// As `docker node ls` has it, with labels.
pub(super) fn members(members: &[Member]) -> String {
    let line = |member: &Member| {
        let labels: BTreeMap<&String, &String> = member.labels.iter().collect();
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        let state = match (member.ready, member.available) {
            (false, _) => "down",
            (true, false) => "drained",
            (true, true) => "ready",
        };
        let role = match (member.role, member.leader, member.reachable) {
            (Role::Worker, _, _) => "worker",
            (Role::Manager, true, _) => "leader",
            (Role::Manager, _, true) => "manager",
            (Role::Manager, _, false) => "manager, unreachable",
        };
        let engine = member.engine_version.as_deref().unwrap_or("-");
        format!("{} {}: {state}, {role}, Docker {engine}, {}\n", member.id, member.name, labels.join(" "))
    };
    members.iter().map(line).collect()
}

/// As `docker service ls` has it; nothing of their environment.
pub(super) fn services(services: &[Service]) -> String {
    let line = |service: &Service| {
        let mode = if service.is_global() { "global" } else { "replicated" };
        let state = if service.is_started() { "started" } else { "stopped" };
        let update = service.update_message.as_ref().map(|message| format!(", update: {message}")).unwrap_or_default();
        format!("{} {}: {mode}, {state}, {}{update}\n", service.id, service.name, service.image())
    };
    services.iter().map(line).collect()
}

/// As `docker service ps` has it for all services.
pub(super) fn tasks(tasks: &[Task], services: &[Service]) -> String {
    let line = |task: &Task| {
        let service = services.iter().find(|service| service.id == task.service_id);
        let service = service.map_or(task.service_id.as_str(), |service| service.name.as_str());
        let wanted = if task.wanted { "" } else { ", not wanted any more" };
        let error = task.error.as_ref().map(|error| format!(", error: {error}")).unwrap_or_default();
        let node = if task.node.is_empty() { "no node" } else { &task.node };
        format!(
            "{} {service}.{}: {} on {node} since {}{wanted}{error}\n",
            task.id,
            task.place(),
            task.state,
            task.since
        )
    };
    tasks.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_hold_secrets_are_names_only() {
        let mut values = Values::new();
        values.set("platform", "domain", "example.test");
        values.set("shop", "apiKey", "k-123");
        let text = settings(&values, &BTreeSet::from(["router.sslKey".to_owned()]));
        assert_eq!(text, "platform/domain = example.test\nshop/apiKey is set\nrouter/sslKey is set (secret)\n");
    }
}
