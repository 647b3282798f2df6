//! Reads `platform.yaml`.

mod settings;

use std::collections::BTreeMap;

use super::{
    AppRouting, Bundle, BundlePort, Component, ComponentKind, Health, PLATFORM_TARGET, PortProbe, SettingKey,
    SettingsSchema, Subsystem,
};
use diagnostics::Problems;
use diagnostics::yaml::{Document, Fields, Node};

/// What could be read, and every mistake.
pub(super) struct Manifest {
    pub bundle: Bundle,
    pub problems: Problems,
}

/// Within this time a component is well, when the bundle says nothing.
const DEADLINE_SECONDS: u32 = 600;
/// Names of the cluster's own rules for SSH and for the load balancer's probes.
const RESERVED_PORT_NAMES: [&str; 2] = ["ssh", "probes"];
/// Names that templates use for something else.
const RESERVED_TARGETS: [&str; 2] = ["bundle", "settings"];

/// Reads the text of a `platform.yaml`; `file` is the name that mistakes bear.
pub(super) fn read(file: &str, text: &str) -> Manifest {
    let mut bundle = Bundle {
        name: String::new(),
        version: semver::Version::new(0, 0, 0),
        description: String::new(),
        ports: Vec::new(),
        apps: None,
        settings: SettingsSchema::default(),
        subsystems: Vec::new(),
        origin: String::new(),
        files: BTreeMap::new(),
        networks: Vec::new(),
    };
    let problems = match Document::parse(file, text) {
        Ok(document) => {
            read_into(&document.root(), &mut bundle);
            document.into_problems()
        }
        Err(problems) => problems,
    };
    Manifest { bundle, problems }
}

fn read_into(root: &Node<'_>, bundle: &mut Bundle) -> Option<()> {
    let fields = root.fields()?;
    bundle.name = fields.required("name").and_then(|node| label(&node)).unwrap_or_default();
    if let Some(node) = fields.required("version")
        && let Some(text) = node.scalar()
    {
        match semver::Version::parse(&text) {
            Ok(version) => bundle.version = version,
            Err(_) => node.problem(format!("must be a semantic version such as `1.2.3`, found `{text}`")),
        }
    }
    bundle.description = fields.required("description").and_then(|node| node.string()).unwrap_or_default();
    bundle.ports = fields.take("ports").map(|node| ports(&node)).unwrap_or_default();
    bundle.apps = fields.take("apps").and_then(|node| apps(&node));
    bundle.subsystems = fields.required("subsystems").map(|node| subsystems(&node)).unwrap_or_default();
    settings::add_implicit(bundle);
    if let Some(node) = fields.take("settings") {
        settings::read(&node, bundle);
    }
    check_conditions(&fields, bundle);
    fields.finish();
    Some(())
}

/// `[a-z0-9-]`, from a letter to a letter or digit, 30 characters at most: names in the swarm are made of these.
fn label(node: &Node<'_>) -> Option<String> {
    const CHARACTERS: usize = 30;
    let name = node.string()?;
    let right = name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.len() <= CHARACTERS
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !right {
        node.problem(format!(
            "must be 1 to {CHARACTERS} of `a-z 0-9 -`, from a letter to a letter or digit, found `{name}`"
        ));
    }
    right.then_some(name)
}

/// `network` and `open_networks` are keys of networks of the stack until the stack is known; the rest is filled in with it.
fn apps(node: &Node<'_>) -> Option<AppRouting> {
    let fields = node.fields()?;
    let network = fields.required("network").and_then(|node| node.string());
    let labels = fields.required("labels").and_then(|node| node.take(node.string()?.parse()));
    let open_networks = fields.take("open_networks").and_then(|node| node.scalars()).unwrap_or_default();
    fields.finish();
    Some(AppRouting {
        bundle: String::new(),
        components: Vec::new(),
        network: network?,
        open_networks,
        labels: labels?,
    })
}

/// The load balancer has no port after it.
/// <https://learn.microsoft.com/rest/api/load-balancer/load-balancers/create-or-update#loadbalancingrule>
const LAST_FRONT_PORT: i64 = 65_534;

fn ports(node: &Node<'_>) -> Vec<BundlePort> {
    let mut ports: Vec<BundlePort> = Vec::new();
    for item in node.items().unwrap_or_default() {
        let Some(fields) = item.fields() else { continue };
        let name = fields.required("name").and_then(|node| label(&node));
        let number = fields.required("port").and_then(|node| node.integer(1..=LAST_FRONT_PORT));
        if let Some(node) = fields.take("protocol") {
            node.choice(&[("tcp", ())]);
        }
        let probe = fields.required("probe").and_then(|node| probe(&node));
        // <https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout>
        let idle = fields.take("idle_timeout_minutes").map_or(Some(4), |node| node.integer(4..=30));
        let tls = fields.take("tls").map_or(Some(false), |node| node.boolean());
        fields.finish();
        let (Some(name), Some(number), Some(probe), Some(idle), Some(tls)) = (name, number, probe, idle, tls) else {
            continue;
        };
        // All three were read within the limits of their types.
        let (Ok(port), Ok(idle_timeout_minutes)) = (u16::try_from(number), i32::try_from(idle)) else { continue };
        if RESERVED_PORT_NAMES.contains(&name.as_str()) {
            item.problem(format!("the cluster has a rule of its own that is named `{name}`; choose another name"));
        }
        if let Some(owner) = nodes::ports::owner(port) {
            item.problem(format!("port {port} is {owner}'s on every node and is never opened to the world"));
        }
        if ports.iter().any(|other| other.name == name) {
            item.problem(format!("another port is named `{name}`"));
        }
        if let Some(other) = ports.iter().find(|other| other.port == port) {
            item.problem(format!("port {port} is already that of `{}`", other.name));
        }
        ports.push(BundlePort { name, port, probe, idle_timeout_minutes, tls });
    }
    ports
}

/// `tcp`, or `{http: PATH}`.
fn probe(node: &Node<'_>) -> Option<PortProbe> {
    if node.value().as_str().is_some() {
        return node.choice(&[("tcp", ())]).map(|()| PortProbe::Tcp);
    }
    let fields = node.fields()?;
    let path = fields.required("http").and_then(|node| http_path(&node));
    fields.finish();
    path.map(PortProbe::Http)
}

fn http_path(node: &Node<'_>) -> Option<String> {
    let path = node.string()?;
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        node.problem(format!("must be a path such as `/health-check`, found `{path}`"));
    }
    Some(path)
}

fn subsystems(node: &Node<'_>) -> Vec<Subsystem> {
    let mut subsystems: Vec<Subsystem> = Vec::new();
    for item in node.items().unwrap_or_default() {
        let Some(fields) = item.fields() else { continue };
        let name = fields.required("name").and_then(|node| node.string()).unwrap_or_default();
        let mut components: Vec<Component> = Vec::new();
        for node in fields.required("components").and_then(|node| node.items()).unwrap_or_default() {
            let Some(component) = component(&node) else { continue };
            let mut earlier = subsystems.iter().flat_map(|subsystem| &subsystem.components).chain(&components);
            if earlier.any(|other| other.name == component.name) {
                node.problem(format!("there is a component `{}` already", component.name));
            }
            components.push(component);
        }
        fields.finish();
        subsystems.push(Subsystem { name, components });
    }
    subsystems
}

fn component(node: &Node<'_>) -> Option<Component> {
    let fields = node.fields()?;
    let name = fields.required("name").and_then(|node| {
        let name = label(&node)?;
        if name == PLATFORM_TARGET || RESERVED_TARGETS.contains(&name.as_str()) {
            node.problem(format!("`{name}` means something else in settings and templates; choose another name"));
        }
        Some(name)
    });
    let kind = fields.take("kind").map_or(Some(ComponentKind::Service), |node| {
        node.choice(&[("service", ComponentKind::Service), ("host", ComponentKind::Host)])
    });
    let setting = |key| fields.take(key).and_then(|node| node.take(node.string()?.parse::<SettingKey>()));
    let when = setting("when");
    let scalable_when = setting("scalable_when");
    let given = fields.take("health");
    let health = given.as_ref().map_or(Some(Health::Container), health);
    let deadline_seconds =
        fields.take("deadline_seconds").and_then(|node| node.integer(1..=86_400)).and_then(|n| u32::try_from(n).ok());
    let scalable = fields.take("scalable").and_then(|node| node.boolean()).unwrap_or_default();
    let publishes = fields.take("publishes").map(|node| published(&node)).unwrap_or_default();
    fields.finish();
    match (kind, &health) {
        (Some(ComponentKind::Host), Some(Health::Container)) => {
            node.problem("a component of kind `host` needs `health: etcd-quorum`");
        }
        (Some(ComponentKind::Service), Some(Health::EtcdQuorum)) => {
            node.problem("`health: etcd-quorum` belongs to a component of kind `host`");
        }
        _ => {}
    }
    if kind == Some(ComponentKind::Host) && (scalable || when.is_some() || !publishes.is_empty()) {
        node.problem(
            "a component of kind `host` is always there: `scalable`, `when` and `publishes` do not belong here",
        );
    }
    if scalable_when.is_some() && !scalable {
        node.problem("`scalable_when` needs `scalable: true`");
    }
    Some(Component {
        name: name?,
        kind: kind?,
        when,
        health: health?,
        deadline_seconds: deadline_seconds.unwrap_or(DEADLINE_SECONDS),
        scalable,
        scalable_when,
        publishes,
    })
}

/// Ports of what a component makes itself.
fn published(node: &Node<'_>) -> Vec<u16> {
    let mut ports = Vec::new();
    for item in node.items().unwrap_or_default() {
        let Some(port) = item.integer(1..=65535).and_then(|number| u16::try_from(number).ok()) else { continue };
        match nodes::ports::owner(port) {
            Some(owner) => item.problem(format!("port {port} is {owner}'s on every node; choose another one")),
            None => ports.push(port),
        }
    }
    ports
}

/// `container`, `etcd-quorum`, or `{http: {port, path, status}}`.
fn health(node: &Node<'_>) -> Option<Health> {
    if node.value().as_str().is_some() {
        let choice = node.choice(&[("container", false), ("etcd-quorum", true)])?;
        return Some(if choice { Health::EtcdQuorum } else { Health::Container });
    }
    let fields = node.fields()?;
    let http = fields.required("http").and_then(|node| node.fields());
    fields.finish();
    let http = http?;
    let number = |node: Node<'_>, range| node.integer(range).and_then(|number| u16::try_from(number).ok());
    let port = http.required("port").and_then(|node| number(node, 1..=65535));
    let path = http.required("path").and_then(|node| http_path(&node));
    let status = http.take("status").map_or(Some(200), |node| number(node, 100..=599));
    http.finish();
    Some(Health::Http { port: port?, path: path?, status: status? })
}

/// `when` and `scalable_when` name settings.
fn check_conditions(fields: &Fields<'_>, bundle: &Bundle) {
    for component in bundle.components() {
        for (key, condition) in [("when", &component.when), ("scalable_when", &component.scalable_when)] {
            let Some(condition) = condition else { continue };
            if bundle.settings.get(&condition.target, &condition.key).is_none() {
                let message =
                    format!("component `{}`: `{key}` names `{condition}`, which is no setting", component.name);
                match bundle.settings.suggestion(&condition.target, &condition.key) {
                    Some(right) => fields.node().problem_with_hint(message, format!("did you mean `{right}`?")),
                    None => fields.node().problem(message),
                }
            }
        }
    }
}
