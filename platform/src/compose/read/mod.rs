//! A Compose document to a [`Stack`].

mod deploy;
mod healthcheck;
mod mounts;
pub(super) mod networks;
mod ports;
mod service;
mod unsupported;

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::interpolation::interpolate;
use super::stack::Examined;
use super::{Config, PublishMode, Secret, Service, Stack, Volume, Warning};
use diagnostics::yaml::{Document, Fields, Node, Value};

/// What has no effect in a swarm, as it is met.
#[derive(Default)]
struct Warnings(RefCell<Vec<Warning>>);

impl Warnings {
    fn add(&self, node: &Node<'_>, message: &str) {
        let message = format!("`{}` {message}", node.path());
        self.0.borrow_mut().push(Warning { line: node.line(), message });
    }
}

/// Reads a document as far as it can be read, and tells all its mistakes.
pub(super) fn examine(mut document: Document) -> Examined {
    document.map_texts(&interpolate);
    let warnings = Warnings::default();
    let stack = read(document.root(), &warnings);
    Examined { stack, warnings: warnings.0.into_inner(), problems: document.into_problems() }
}

fn read(root: Node<'_>, warnings: &Warnings) -> Option<Stack> {
    let fields = root.fields()?;
    for (_, node) in fields.take_where(|key| key == "version") {
        warnings.add(&node, "is obsolete and ignored");
    }
    for (key, message) in unsupported::TOP_LEVEL {
        if let Some(node) = fields.take(key) {
            node.problem(*message);
        }
    }
    let extensions = extensions(&fields);
    let name = fields.take("name").and_then(|node| named(&node));
    let networks = section(&fields, "networks", networks::network);
    let volumes = section(&fields, "volumes", volume);
    let configs = section(&fields, "configs", config);
    let secrets = section(&fields, "secrets", secret);
    let services = fields.required("services").and_then(|node| {
        let entries = node.entries()?;
        if entries.is_empty() {
            node.problem("has no service");
        }
        Some(entries)
    });
    let mut stack = Stack { name, networks, volumes, configs, secrets, extensions, ..Stack::default() };
    for (key, node) in services.into_iter().flatten() {
        check_key(&key, &node);
        if let Some(service) = service::service(&node, &stack, warnings) {
            stack.services.insert(key, service);
        }
    }
    check_published_ports(&root, &stack.services);
    fields.finish();
    Some(stack)
}

/// A top-level section: each key is a name.
fn section<T>(fields: &Fields<'_>, key: &'static str, read: impl Fn(&Node<'_>) -> Option<T>) -> BTreeMap<String, T> {
    let entries = fields.take(key).and_then(|node| node.entries()).unwrap_or_default();
    let mut section = BTreeMap::new();
    for (key, node) in entries {
        check_key(&key, &node);
        if let Some(value) = read(&node) {
            section.insert(key, value);
        }
    }
    section
}

/// Keys become parts of names in the swarm, and of host names.
fn check_key(key: &str, node: &Node<'_>) {
    let right = key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.ends_with(|c: char| c.is_ascii_alphanumeric())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if !right {
        node.problem("the name must be of letters, digits and `. _ -`, from a letter or digit to a letter or digit");
    }
}

/// `name:`, which is taken as it is.
fn named(node: &Node<'_>) -> Option<String> {
    let name = node.string()?;
    check_key(&name, node);
    Some(name)
}

/// `external:`, also in its old form with a name inside.
fn external(fields: &Fields<'_>) -> (bool, Option<String>) {
    match fields.take("external") {
        Some(node) if matches!(node.value(), Value::Mapping(_)) => {
            let name = node.fields().and_then(|inside| {
                let name = inside.take("name").and_then(|name| named(&name));
                inside.finish();
                name
            });
            (true, name)
        }
        Some(node) => (node.boolean().unwrap_or_default(), None),
        None => (false, None),
    }
}

fn volume(node: &Node<'_>) -> Option<Volume> {
    if node.is_null() {
        return Some(Volume::default());
    }
    let fields = node.fields()?;
    let (external, old_name) = external(&fields);
    let name = fields.take("name").and_then(|node| named(&node)).or(old_name);
    let driver = fields.take("driver").and_then(|node| node.string());
    let driver_options = fields.take("driver_opts").and_then(|node| node.text_map()).unwrap_or_default();
    let labels = labels(&fields);
    if external && (driver.is_some() || !driver_options.is_empty()) {
        node.problem("an external volume exists already: `driver` and `driver_opts` do not belong here");
    }
    extensions(&fields);
    fields.finish();
    Some(Volume { external, name, driver, driver_options, labels })
}

fn config(node: &Node<'_>) -> Option<Config> {
    let fields = node.fields()?;
    let content = fields.take("content");
    for (key, message) in unsupported::CONFIG {
        if let Some(node) = fields.take(key) {
            node.problem(*message);
        }
    }
    let labels = labels(&fields);
    extensions(&fields);
    fields.finish();
    match content {
        Some(node) => {
            let content = node.string()?;
            /// <https://docs.docker.com/engine/swarm/configs/>
            const LARGEST_BYTES: usize = 500 * 1000;
            if content.len() > LARGEST_BYTES {
                node.problem(format!("has {} bytes; Swarm takes {LARGEST_BYTES} at most", content.len()));
            }
            Some(Config { content, labels })
        }
        None => {
            node.problem("`content` is missing: a config's text stands in the file");
            None
        }
    }
}

fn secret(node: &Node<'_>) -> Option<Secret> {
    let fields = node.fields()?;
    let (external, old_name) = external(&fields);
    let name = fields.take("name").and_then(|node| named(&node)).or(old_name);
    for (key, message) in unsupported::SECRET {
        if let Some(node) = fields.take(key) {
            node.problem(*message);
        }
    }
    extensions(&fields);
    fields.finish();
    if !external {
        node.problem("must be `external: true`: a secret's value never stands in a file");
    }
    Some(Secret { name })
}

/// `labels:`, as a mapping or a list of `key=value`.
fn labels(fields: &Fields<'_>) -> BTreeMap<String, String> {
    fields.take("labels").and_then(|node| pairs(&node)).unwrap_or_default()
}

/// A mapping, or a list of `key=value`; a key alone has the empty text.
fn pairs(node: &Node<'_>) -> Option<BTreeMap<String, String>> {
    if !matches!(node.value(), Value::Sequence(_)) {
        return node.text_map();
    }
    let mut pairs = BTreeMap::new();
    for item in node.items()? {
        let Some(text) = item.scalar() else { continue };
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            item.problem(format!("`{key}` is given twice"));
        }
    }
    Some(pairs)
}

/// `x-…` keys as JSON.
fn extensions(fields: &Fields<'_>) -> BTreeMap<String, serde_json::Value> {
    let mut extensions = BTreeMap::new();
    for (key, node) in fields.take_where(|key| key.starts_with("x-")) {
        if let Some(value) = node.take(serde_json::to_value(node.value())) {
            extensions.insert(key, value);
        }
    }
    extensions
}

/// A port of the routing mesh is taken on every node; the nodes' own ports may be shared out by constraints.
fn check_published_ports(root: &Node<'_>, services: &BTreeMap<String, Service>) {
    let mut taken: BTreeMap<_, (&String, PublishMode)> = BTreeMap::new();
    for (key, service) in services {
        for port in &service.ports {
            let Some(published) = port.published else { continue };
            match taken.insert((published, port.protocol), (key, port.mode)) {
                Some((other, _)) if other == key => {
                    root.problem(format!("service `{key}` publishes port {published} twice"));
                }
                Some((other, mode)) if mode == PublishMode::Ingress || port.mode == PublishMode::Ingress => {
                    root.problem(format!("services `{other}` and `{key}` both publish port {published}"));
                }
                _ => {}
            }
        }
    }
}
