//! `deploy:`: how many tasks, where, and how they are renewed.

use super::{Warnings, extensions, labels, service};
use crate::compose::{
    Device, Mode, Order, Placement, Resources, RestartCondition, RestartPolicy, Service, UpdateConfig,
    UpdateFailureAction, parse_size,
};
use diagnostics::yaml::{Fields, Node};

/// Reads `deploy:` into a service.
pub(super) fn deploy(node: &Node<'_>, service: &mut Service, warnings: &Warnings) -> Option<()> {
    let fields = node.fields()?;
    service.mode = mode(&fields);
    service.service_labels = labels(&fields);
    if let Some(node) = fields.take("endpoint_mode") {
        service.round_robin = node.choice(&[("vip", false), ("dnsrr", true)]).unwrap_or_default();
    }
    if let Some(node) = fields.take("placement") {
        let platform = service.placement.platform.take();
        service.placement = Placement { platform, ..placement(&node).unwrap_or_default() };
    }
    service.update = fields.take("update_config").and_then(|node| update(&node, true));
    service.rollback = fields.take("rollback_config").and_then(|node| update(&node, false));
    if let Some(node) = fields.take("restart_policy") {
        service.restart = restart_policy(&node).unwrap_or_default();
    }
    if let Some(resources) = fields.take("resources").and_then(|node| node.fields()) {
        let read = |key, reservation| {
            resources.take(key).and_then(|node| amounts(&node, reservation, warnings)).unwrap_or_default()
        };
        (service.limits, service.reservations) = (read("limits", false), read("reservations", true));
        extensions(&resources);
        resources.finish();
    }
    extensions(&fields);
    fields.finish();
    Some(())
}

fn mode(fields: &Fields<'_>) -> Mode {
    let global = fields.take("mode").and_then(|node| match node.value().as_str() {
        Some("replicated-job" | "global-job") => {
            node.problem("jobs are not supported: a service runs without end");
            None
        }
        _ => node.choice(&[("replicated", false), ("global", true)]),
    });
    let replicas = fields.take("replicas");
    match (global, replicas) {
        (Some(true), Some(node)) => {
            node.problem("a global service has one task on each node: leave `replicas` out");
            Mode::Global
        }
        (Some(true), None) => Mode::Global,
        (_, Some(node)) => {
            let replicas = node.integer(0..=10_000).and_then(|replicas| u32::try_from(replicas).ok());
            Mode::Replicated { replicas: replicas.unwrap_or(1) }
        }
        _ => Mode::default(),
    }
}

fn placement(node: &Node<'_>) -> Option<Placement> {
    let fields = node.fields()?;
    let mut placement = Placement::default();
    for item in fields.take("constraints").and_then(|node| node.items()).unwrap_or_default() {
        let Some(text) = item.string() else { continue };
        let sides = text.split_once("==").or_else(|| text.split_once("!="));
        let known = ["node.id", "node.hostname", "node.role", "node.platform.os", "node.platform.arch"];
        match sides.map(|(key, value)| (key.trim(), value.trim())) {
            Some((_, "")) | None => {
                item.problem(format!("`{text}` is not `node.labels.NAME == VALUE` or `… != VALUE`"));
            }
            Some((key, _)) if known.contains(&key) => {}
            Some((key, _)) if key.starts_with("node.labels.") || key.starts_with("engine.labels.") => {}
            Some((key, _)) => item.problem(format!(
                "`{key}` is none of `node.labels.…`, `engine.labels.…`, {}",
                known.map(|known| format!("`{known}`")).join(", ")
            )),
        }
        placement.constraints.push(text);
    }
    for item in fields.take("preferences").and_then(|node| node.items()).unwrap_or_default() {
        let Some(preference) = item.fields() else { continue };
        placement.spread.extend(preference.required("spread").and_then(|node| node.string()));
        preference.finish();
    }
    placement.max_replicas_per_node = service::count(&fields, "max_replicas_per_node");
    extensions(&fields);
    fields.finish();
    Some(placement)
}

fn update(node: &Node<'_>, may_roll_back: bool) -> Option<UpdateConfig> {
    let fields = node.fields()?;
    let actions = [
        ("continue", UpdateFailureAction::Continue),
        ("pause", UpdateFailureAction::Pause),
        ("rollback", UpdateFailureAction::Rollback),
    ];
    // The way back has no way back.
    let actions = if may_roll_back { &actions[..] } else { &actions[..2] };
    let update = UpdateConfig {
        parallelism: service::count(&fields, "parallelism"),
        delay: service::duration(&fields, "delay"),
        failure_action: fields.take("failure_action").and_then(|node| node.choice(actions)),
        monitor: service::duration(&fields, "monitor"),
        max_failure_ratio: fields.take("max_failure_ratio").and_then(|node| {
            let ratio = node.number()?;
            if !(0.0..=1.0).contains(&ratio) {
                node.problem(format!("must be 0 to 1, found `{ratio}`"));
            }
            Some(ratio)
        }),
        order: fields
            .take("order")
            .and_then(|node| node.choice(&[("stop-first", Order::StopFirst), ("start-first", Order::StartFirst)])),
    };
    extensions(&fields);
    fields.finish();
    Some(update)
}

fn restart_policy(node: &Node<'_>) -> Option<RestartPolicy> {
    let fields = node.fields()?;
    let conditions =
        [("none", RestartCondition::None), ("on-failure", RestartCondition::OnFailure), ("any", RestartCondition::Any)];
    let policy = RestartPolicy {
        condition: fields.take("condition").and_then(|node| node.choice(&conditions)),
        delay: service::duration(&fields, "delay"),
        max_attempts: service::count(&fields, "max_attempts"),
        window: service::duration(&fields, "window"),
    };
    extensions(&fields);
    fields.finish();
    Some(policy)
}

/// `limits:` or `reservations:`.
fn amounts(node: &Node<'_>, reservation: bool, warnings: &Warnings) -> Option<Resources> {
    let fields = node.fields()?;
    let mut resources = Resources {
        nano_cpus: fields.take("cpus").and_then(|node| nano_cpus(&node)),
        memory_bytes: fields.take("memory").and_then(|node| node.take(parse_size(&node.scalar()?))),
        ..Resources::default()
    };
    match reservation {
        true => {
            let list = fields.take("generic_resources").and_then(|node| node.items()).unwrap_or_default();
            resources.devices = list.iter().filter_map(generic_resource).collect();
            if let Some(node) = fields.take("devices") {
                node.problem("Swarm hands out devices as `generic_resources`");
            }
        }
        false => resources.pids = service::count(&fields, "pids"),
    }
    for (_, node) in fields.take_where(|key| key == "pids") {
        warnings.add(&node, "is ignored: processes can be limited, not reserved");
    }
    extensions(&fields);
    fields.finish();
    Some(resources)
}

fn generic_resource(node: &Node<'_>) -> Option<Device> {
    let fields = node.fields()?;
    let discrete = fields.required("discrete_resource_spec").and_then(|node| node.fields());
    fields.finish();
    let discrete = discrete?;
    let kind = discrete.required("kind").and_then(|node| node.string());
    let count = discrete.required("value").and_then(|node| node.integer(1..=1_000_000));
    discrete.finish();
    Some(Device { kind: kind?, count: u32::try_from(count?).ok()? })
}

fn nano_cpus(node: &Node<'_>) -> Option<u64> {
    let cpus = node.number()?;
    if !(0.001..=10_000.0).contains(&cpus) {
        node.problem(format!("must be a number of CPUs such as `0.5`, found `{cpus}`"));
        return None;
    }
    // In range, so nothing is cut off but the fraction of a thousand millionth.
    Some((cpus * 1e9).round() as u64)
}
