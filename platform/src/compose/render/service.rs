//! A service's spec.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models::{
    EndpointPortConfig, EndpointPortConfigProtocolEnum, EndpointPortConfigPublishModeEnum, EndpointSpec,
    EndpointSpecModeEnum, GenericResourcesInner, GenericResourcesInnerDiscreteResourceSpec, Limit,
    NetworkAttachmentConfig, Platform, ResourceObject, ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated,
    ServiceSpecRollbackConfig, ServiceSpecRollbackConfigFailureActionEnum, ServiceSpecRollbackConfigOrderEnum,
    ServiceSpecUpdateConfig, ServiceSpecUpdateConfigFailureActionEnum, ServiceSpecUpdateConfigOrderEnum, TaskSpec,
    TaskSpecLogDriver, TaskSpecPlacement, TaskSpecPlacementPreferences, TaskSpecPlacementSpread, TaskSpecResources,
    TaskSpecRestartPolicy, TaskSpecRestartPolicyConditionEnum,
};

use super::{DEFAULT, RenderedService, container, labelled, nanoseconds, some, some_list};
use crate::compose::{
    Mode, Naming, NetworkUse, Order, Port, Protocol, PublishMode, Resources, RestartCondition, RestartPolicy, Service,
    Stack, UpdateConfig, UpdateFailureAction,
};

/// Between the end of a task and the start of the next.
const RESTART_DELAY: Duration = Duration::from_secs(5);

/// One service of a stack.
pub(super) fn render(stack: &Stack, naming: &Naming<'_>, key: &str, service: &Service) -> RenderedService {
    let spec = ServiceSpec {
        name: Some(naming.name(key)),
        labels: Some(labelled(naming, &service.service_labels)),
        task_template: Some(TaskSpec {
            container_spec: Some(container::spec(stack, naming, service)),
            resources: resources(service),
            restart_policy: Some(restart_policy(&service.restart)),
            placement: placement(service),
            networks: Some(networks(stack, naming, key, service)),
            log_driver: service
                .logging
                .as_ref()
                .map(|logging| TaskSpecLogDriver { name: logging.driver.clone(), options: some(&logging.options) }),
            ..TaskSpec::default()
        }),
        mode: Some(mode(service.mode)),
        update_config: Some(update(service.update.as_ref())),
        rollback_config: service.rollback.as_ref().map(rollback),
        endpoint_spec: Some(EndpointSpec {
            mode: Some(if service.round_robin { EndpointSpecModeEnum::DNSRR } else { EndpointSpecModeEnum::VIP }),
            ports: (!service.ports.is_empty()).then(|| service.ports.iter().map(port).collect()),
        }),
        ..ServiceSpec::default()
    };
    let secrets = service.secrets.iter().map(|secret| stack.secret_name(&secret.source)).collect();
    RenderedService { component: key.to_owned(), spec, secrets }
}

impl Stack {
    /// The logical name of a secret: its name outside the file.
    pub(super) fn secret_name(&self, key: &str) -> String {
        self.secrets.get(key).and_then(|secret| secret.name.clone()).unwrap_or_else(|| key.to_owned())
    }
}

fn mode(mode: Mode) -> ServiceSpecMode {
    match mode {
        Mode::Global => ServiceSpecMode { global: Some(HashMap::new()), ..ServiceSpecMode::default() },
        Mode::Replicated { replicas } => ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(i64::from(replicas)) }),
            ..ServiceSpecMode::default()
        },
    }
}

fn port(port: &Port) -> EndpointPortConfig {
    EndpointPortConfig {
        name: None,
        protocol: Some(match port.protocol {
            Protocol::Tcp => EndpointPortConfigProtocolEnum::TCP,
            Protocol::Udp => EndpointPortConfigProtocolEnum::UDP,
        }),
        target_port: Some(i64::from(port.target)),
        published_port: port.published.map(i64::from),
        publish_mode: Some(match port.mode {
            PublishMode::Ingress => EndpointPortConfigPublishModeEnum::INGRESS,
            PublishMode::Host => EndpointPortConfigPublishModeEnum::HOST,
        }),
    }
}

fn networks(stack: &Stack, naming: &Naming<'_>, key: &str, service: &Service) -> Vec<NetworkAttachmentConfig> {
    let default = BTreeMap::from([(DEFAULT.to_owned(), NetworkUse::default())]);
    let used = if service.networks.is_empty() { &default } else { &service.networks };
    used.iter()
        .map(|(network, network_use)| NetworkAttachmentConfig {
            target: Some(stack.network_name(naming, network)),
            aliases: Some([&[key.to_owned()], network_use.aliases.as_slice()].concat()),
            driver_opts: some(&network_use.driver_options),
        })
        .collect()
}

fn placement(service: &Service) -> Option<TaskSpecPlacement> {
    let placement = &service.placement;
    let preference = |label: &String| TaskSpecPlacementPreferences {
        spread: Some(TaskSpecPlacementSpread { spread_descriptor: Some(label.clone()) }),
    };
    let rendered = TaskSpecPlacement {
        constraints: some_list(&placement.constraints),
        preferences: (!placement.spread.is_empty()).then(|| placement.spread.iter().map(preference).collect()),
        max_replicas: placement.max_replicas_per_node.map(i64::from),
        platforms: placement
            .platform
            .clone()
            .map(|(os, architecture)| vec![Platform { os: Some(os), architecture: Some(architecture) }]),
    };
    (rendered != TaskSpecPlacement::default()).then_some(rendered)
}

fn resources(service: &Service) -> Option<TaskSpecResources> {
    let limits = &service.limits;
    let reservations = &service.reservations;
    if *limits == Resources::default() && *reservations == Resources::default() {
        return None;
    }
    let devices = reservations.devices.iter().map(|device| GenericResourcesInner {
        discrete_resource_spec: Some(GenericResourcesInnerDiscreteResourceSpec {
            kind: Some(device.kind.clone()),
            value: Some(i64::from(device.count)),
        }),
        ..GenericResourcesInner::default()
    });
    Some(TaskSpecResources {
        limits: Some(Limit {
            nano_cpus: limits.nano_cpus.map(u64::cast_signed),
            memory_bytes: limits.memory_bytes.map(u64::cast_signed),
            pids: limits.pids.map(i64::from),
        }),
        reservations: Some(ResourceObject {
            nano_cpus: reservations.nano_cpus.map(u64::cast_signed),
            memory_bytes: reservations.memory_bytes.map(u64::cast_signed),
            generic_resources: (!reservations.devices.is_empty()).then(|| devices.collect()),
        }),
        ..TaskSpecResources::default()
    })
}

fn restart_policy(policy: &RestartPolicy) -> TaskSpecRestartPolicy {
    TaskSpecRestartPolicy {
        condition: Some(match policy.condition {
            Some(RestartCondition::None) => TaskSpecRestartPolicyConditionEnum::NONE,
            Some(RestartCondition::OnFailure) => TaskSpecRestartPolicyConditionEnum::ON_FAILURE,
            Some(RestartCondition::Any) | None => TaskSpecRestartPolicyConditionEnum::ANY,
        }),
        delay: Some(nanoseconds(policy.delay.unwrap_or(RESTART_DELAY))),
        max_attempts: policy.max_attempts.map(i64::from),
        window: policy.window.map(nanoseconds),
    }
}

/// One task at a time, the old one first, and a stop at the first failure, unless the file says otherwise.
fn update(given: Option<&UpdateConfig>) -> ServiceSpecUpdateConfig {
    let default = UpdateConfig::default();
    let given = given.unwrap_or(&default);
    ServiceSpecUpdateConfig {
        parallelism: Some(i64::from(given.parallelism.unwrap_or(1))),
        delay: given.delay.map(nanoseconds),
        failure_action: Some(match given.failure_action {
            Some(UpdateFailureAction::Continue) => ServiceSpecUpdateConfigFailureActionEnum::CONTINUE,
            Some(UpdateFailureAction::Rollback) => ServiceSpecUpdateConfigFailureActionEnum::ROLLBACK,
            Some(UpdateFailureAction::Pause) | None => ServiceSpecUpdateConfigFailureActionEnum::PAUSE,
        }),
        monitor: given.monitor.map(nanoseconds),
        max_failure_ratio: given.max_failure_ratio,
        order: Some(match given.order {
            Some(Order::StartFirst) => ServiceSpecUpdateConfigOrderEnum::START_FIRST,
            Some(Order::StopFirst) | None => ServiceSpecUpdateConfigOrderEnum::STOP_FIRST,
        }),
    }
}

fn rollback(given: &UpdateConfig) -> ServiceSpecRollbackConfig {
    ServiceSpecRollbackConfig {
        parallelism: Some(i64::from(given.parallelism.unwrap_or(1))),
        delay: given.delay.map(nanoseconds),
        failure_action: Some(match given.failure_action {
            Some(UpdateFailureAction::Continue) => ServiceSpecRollbackConfigFailureActionEnum::CONTINUE,
            _ => ServiceSpecRollbackConfigFailureActionEnum::PAUSE,
        }),
        monitor: given.monitor.map(nanoseconds),
        max_failure_ratio: given.max_failure_ratio,
        order: Some(match given.order {
            Some(Order::StartFirst) => ServiceSpecRollbackConfigOrderEnum::START_FIRST,
            Some(Order::StopFirst) | None => ServiceSpecRollbackConfigOrderEnum::STOP_FIRST,
        }),
    }
}
