//! A release of an app to what the swarm takes. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::compose_file::{ComposeFile, Owner, Refused};
use super::config::PORT;
use super::name::APP_LABEL;
use super::release::RELEASE_LABEL;
use super::route;
use super::scale::WEB;
use super::{App, Content, ImageOptions, Source, volumes};
use crate::bundle::AppRouting;
use crate::compose::{
    HealthTest, Healthcheck, Mode, Naming, Network, NetworkUse, Order, Rendered, Resources, Service, Stack,
    UpdateConfig, UpdateFailureAction,
};
use crate::swarm::COMPONENT_LABEL;
use diagnostics::Problems;

/// Between the end of a task and the start of the next.
const RESTART_DELAY: Duration = Duration::from_secs(2);
/// How long a new task is watched while others are replaced.
const MONITOR: Duration = Duration::from_secs(5);
/// Between two tasks that are replaced, so that routers know the first new one when the second old one goes.
const DELAY: Duration = Duration::from_secs(5);
/// The network of services that name none.
const DEFAULT_NETWORK: &str = "default";
const HEALTH_INTERVAL: Duration = Duration::from_secs(5);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);
/// Failures do not count while an app starts.
const HEALTH_START_PERIOD: Duration = Duration::from_secs(60);
const HEALTH_RETRIES: u32 = 3;

/// What a source consists of once the configuration is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blueprint {
    /// Without anything of the platform's.
    pub stack: Stack,
    /// The service that the router leads to.
    pub public: String,
    /// Ports that the source names for it.
    pub ports: Vec<u16>,
    /// Services that get the whole configuration.
    configured: BTreeSet<String>,
    /// What has no effect, or another one than elsewhere.
    pub notes: Vec<String>,
}

impl Blueprint {
    /// Reads a source; the mistakes of a Compose file come all at once.
    pub(super) fn read(source: &Source, owner: Owner<'_>) -> Result<Self, Problems> {
        Self::read_with_notes(source, owner).map_err(|refused| refused.problems)
    }

    /// The same, for who says what has no effect also when there are mistakes.
    pub(super) fn read_with_notes(source: &Source, owner: Owner<'_>) -> Result<Self, Refused> {
        match source {
            Source::Image { image, options } => Ok(Self {
                stack: Stack { services: [(WEB.to_owned(), of_image(image, options))].into(), ..Stack::default() },
                public: WEB.to_owned(),
                ports: Vec::new(),
                configured: [WEB.to_owned()].into(),
                notes: Vec::new(),
            }),
            Source::Compose { file, text, public, port: _ } => {
                let ComposeFile { stack, public, ports, configured, notes } =
                    ComposeFile::read(text, file, owner, public.as_deref())?;
                Ok(Self { stack, public, ports, configured, notes })
            }
        }
    }

    /// Images as the source names them.
    pub(super) fn images(&self) -> BTreeSet<&str> {
        self.stack.services.values().map(|service| service.image.as_str()).collect()
    }

    /// The services and whether they are global.
    pub(super) fn services(&self) -> BTreeMap<String, bool> {
        self.stack.services.iter().map(|(key, service)| (key.clone(), service.mode == Mode::Global)).collect()
    }
}

fn of_image(image: &str, options: &ImageOptions) -> Service {
    let limits = Resources { memory_bytes: options.memory_bytes, nano_cpus: options.nano_cpus, ..Resources::default() };
    Service { image: image.to_owned(), limits, ..Service::default() }
}

/// The services, networks and configs of release `version` with `content`, reached as the platform's bundle says.
pub fn render(app: &App, version: u32, content: &Content, reached: &AppRouting) -> Result<Rendered, Problems> {
    // What ran once may run again, be scaled and be stopped: what it may reach was looked at when it was deployed.
    let owner = Owner { app: &app.name, config: &content.config, on: None };
    let Blueprint { mut stack, configured, .. } = Blueprint::read(&content.source, owner)?;
    for (key, service) in &mut stack.services {
        if let Some(pinned) = content.images.get(&service.image) {
            service.image = pinned.clone();
        }
        if configured.contains(key) {
            let config = content.config.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            service.environment.extend(config);
        }
        if let (Some(replicas), Mode::Replicated { .. }) = (app.scale.get(key), service.mode) {
            service.mode = Mode::Replicated { replicas: *replicas };
        }
        // Only the platform says which requests go where.
        service.service_labels.retain(|label, _| reached.labels.key(label).is_none());
        if *key == content.public {
            publish(app, content, reached, service);
        }
        keep_at_its_volumes(app, service);
        let has_volumes = !volumes::of_service(service).is_empty();
        service.update = Some(settled(service.update.take(), has_volumes, *key == content.public));
        service.restart.delay.get_or_insert(RESTART_DELAY);
        if service.placement.spread.is_empty() {
            service.placement.spread.push("node.id".into());
        }
        let labels =
            [(COMPONENT_LABEL, key.clone()), (APP_LABEL, app.name.to_string()), (RELEASE_LABEL, version.to_string())];
        service.service_labels.extend(labels.map(|(label, value)| (label.to_owned(), value)));
    }
    let router = Network { external: true, name: Some(reached.network.clone()), ..Network::default() };
    stack.networks.insert(reached.network.clone(), router);
    let namespace = app.name.namespace();
    let mut rendered = stack.render(&Naming { namespace: &namespace });
    for service in &mut rendered.services {
        let networks = service.spec.task_template.iter_mut().filter_map(|task| task.networks.as_mut()).flatten();
        for network in networks {
            let target = network.target.as_deref().unwrap_or_default();
            // All apps share these networks; their services' short names would meet there, and those of the platform's
            // services. Requests go to the public one.
            if target == reached.network {
                network.aliases = (service.component == content.public).then(|| vec![route::alias(app)]);
            } else if reached.is_shared(target) {
                network.aliases = None;
            }
        }
    }
    Ok(rendered)
}

/// Makes a service reachable for the router, and tells it where to listen.
fn publish(app: &App, content: &Content, reached: &AppRouting, service: &mut Service) {
    let labels = route::labels(app, content.port, &reached.labels);
    service.service_labels.extend(labels);
    service.environment.entry(PORT.to_owned()).or_insert_with(|| content.port.to_string());
    if let Source::Compose { .. } = content.source
        && service.networks.is_empty()
    {
        service.networks.insert(DEFAULT_NETWORK.into(), NetworkUse::default());
    }
    service.networks.insert(reached.network.clone(), NetworkUse::default());
    if let Source::Image { options: ImageOptions { health: Some(path), .. }, .. } = &content.source {
        service.healthcheck = Some(health(content.port, path));
    }
}

/// Asks the app from within its container, with what its image has.
fn health(port: u16, path: &str) -> Healthcheck {
    let url = format!("http://127.0.0.1:{port}{path}");
    let line = format!(
        "if command -v wget > /dev/null; then exec wget -q -O /dev/null '{url}'; fi; \
         if command -v curl > /dev/null; then exec curl -fsS -o /dev/null '{url}'; fi; \
         echo 'the image has neither wget nor curl, which --health needs'; exit 1"
    );
    Healthcheck {
        test: HealthTest::Shell(line),
        interval: Some(HEALTH_INTERVAL),
        timeout: Some(HEALTH_TIMEOUT),
        retries: Some(HEALTH_RETRIES),
        start_period: Some(HEALTH_START_PERIOD),
        start_interval: None,
    }
}

fn keep_at_its_volumes(app: &App, service: &mut Service) {
    let nodes: BTreeSet<&String> =
        volumes::of_service(service).into_iter().filter_map(|volume| app.volumes.get(volume)).collect();
    let constraints: Vec<String> = nodes.into_iter().map(|node| format!("node.hostname == {node}")).collect();
    service.placement.constraints.extend(constraints);
}

/// What the file does not say of updates: a new task is there before the old one goes, unless both would write into one
/// volume; and a task that fails stops the update, so that the release before can come back.
fn settled(given: Option<UpdateConfig>, has_volumes: bool, is_public: bool) -> UpdateConfig {
    let given = given.unwrap_or_default();
    let order = if has_volumes { Order::StopFirst } else { Order::StartFirst };
    UpdateConfig {
        order: given.order.or(Some(order)),
        delay: given.delay.or(is_public.then_some(DELAY)),
        monitor: given.monitor.or(Some(MONITOR)),
        failure_action: Some(UpdateFailureAction::Pause),
        ..given
    }
}
