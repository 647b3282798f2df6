//! Networks, and a service's place in them.

use std::collections::BTreeMap;

use super::{Warnings, extensions, external, labels, named, unsupported};
use crate::compose::{Network, NetworkUse, Stack};
use diagnostics::yaml::{Node, Value};

/// A network that a service is in when it names none.
pub(crate) const DEFAULT: &str = "default";

/// A top-level network.
pub(super) fn network(node: &Node<'_>) -> Option<Network> {
    if node.is_null() {
        return Some(Network::default());
    }
    let fields = node.fields()?;
    let (external, old_name) = external(&fields);
    let name = fields.take("name").and_then(|node| named(&node)).or(old_name);
    for (key, message) in unsupported::NETWORK {
        if let Some(node) = fields.take(key) {
            node.problem(*message);
        }
    }
    if let Some(driver) = fields.take("driver")
        && driver.value().as_str() != Some("overlay")
    {
        driver.problem("must be `overlay`: other networks do not reach from node to node");
    }
    let flag = |key| fields.take(key).and_then(|node| node.boolean()).unwrap_or_default();
    let network = Network {
        external,
        name,
        internal: flag("internal"),
        attachable: flag("attachable"),
        driver_options: fields.take("driver_opts").and_then(|node| node.text_map()).unwrap_or_default(),
        labels: labels(&fields),
    };
    if external && (network.internal || network.attachable || !network.driver_options.is_empty()) {
        node.problem("an external network exists already: only `name` belongs here");
    }
    extensions(&fields);
    fields.finish();
    Some(network)
}

/// The networks of a service: a list of keys, or a mapping with aliases.
pub(super) fn of_service(node: &Node<'_>, stack: &Stack, warnings: &Warnings) -> BTreeMap<String, NetworkUse> {
    let entries = match node.value() {
        Value::Sequence(_) => node.items().map(|items| {
            items.into_iter().filter_map(|item| Some((item.string()?, item.clone(), NetworkUse::default()))).collect()
        }),
        _ => node.entries().map(|entries| {
            entries.into_iter().map(|(key, node)| (key, node.clone(), network_use(&node, warnings))).collect()
        }),
    };
    let entries: Vec<(String, Node<'_>, NetworkUse)> = entries.unwrap_or_default();
    let mut networks = BTreeMap::new();
    for (key, node, network_use) in entries {
        if key != DEFAULT && !stack.networks.contains_key(&key) {
            node.problem(format!("network `{key}` is not among the file's `networks`"));
        }
        if networks.insert(key.clone(), network_use).is_some() {
            node.problem(format!("network `{key}` is named twice"));
        }
    }
    networks
}

fn network_use(node: &Node<'_>, warnings: &Warnings) -> NetworkUse {
    if node.is_null() {
        return NetworkUse::default();
    }
    let Some(fields) = node.fields() else { return NetworkUse::default() };
    for (key, message) in unsupported::NETWORK_USE {
        if let Some(node) = fields.take(key) {
            node.problem(*message);
        }
    }
    if let Some(node) = fields.take("priority") {
        warnings.add(&node, "is ignored: Swarm orders networks itself");
    }
    let network_use = NetworkUse {
        aliases: fields.take("aliases").and_then(|node| node.scalars()).unwrap_or_default(),
        driver_options: fields.take("driver_opts").and_then(|node| node.text_map()).unwrap_or_default(),
    };
    extensions(&fields);
    fields.finish();
    network_use
}
