//! Published ports, in both forms.

use super::Warnings;
use crate::compose::{Port, Protocol, PublishMode};
use diagnostics::yaml::{Node, Value};

/// The ports of a service.
pub(super) fn of_service(node: &Node<'_>, warnings: &Warnings) -> Vec<Port> {
    let mut ports = Vec::new();
    for item in node.items().unwrap_or_default() {
        match item.value() {
            Value::Mapping(_) => ports.extend(long(&item, warnings)),
            _ => match item.scalar().map(|text| short(&text)) {
                Some(Ok(some)) => ports.extend(some),
                Some(Err(message)) => item.problem(message),
                None => {}
            },
        }
    }
    ports
}

fn long(node: &Node<'_>, warnings: &Warnings) -> Option<Port> {
    const PORT: std::ops::RangeInclusive<i64> = 1..=65535;
    let fields = node.fields()?;
    let port = |node: Node<'_>| node.integer(PORT).and_then(|port| u16::try_from(port).ok());
    let target = fields.required("target").and_then(port);
    let published = fields.take("published").and_then(|node| match node.value().as_str() {
        Some(text) if text.contains('-') => {
            node.problem("a range is not supported here: name one port");
            None
        }
        _ => port(node),
    });
    let protocol = fields
        .take("protocol")
        .map_or(Some(Protocol::Tcp), |node| node.choice(&[("tcp", Protocol::Tcp), ("udp", Protocol::Udp)]));
    let mode = fields.take("mode").map_or(Some(PublishMode::Ingress), |node| {
        node.choice(&[("ingress", PublishMode::Ingress), ("host", PublishMode::Host)])
    });
    if let Some(node) = fields.take("host_ip") {
        node.problem("Swarm publishes on all addresses of a node: leave it out");
    }
    for key in ["name", "app_protocol"] {
        if let Some(node) = fields.take(key) {
            warnings.add(&node, "is ignored: it has no effect in a swarm");
        }
    }
    super::extensions(&fields);
    fields.finish();
    Some(Port { target: target?, published, protocol: protocol?, mode: mode? })
}

/// `[PUBLISHED:]TARGET[/PROTOCOL]`, each side a port or a range.
fn short(text: &str) -> Result<Vec<Port>, String> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        other => return Err(format!("protocol `{other}` is none of `tcp`, `udp`")),
    };
    let parts: Vec<&str> = ports.split(':').collect();
    let (published, target) = match parts.as_slice() {
        [target] => (None, range(target, text)?),
        ["", target] => (None, range(target, text)?),
        [published, target] => (Some(range(published, text)?), range(target, text)?),
        _ => return Err(format!("`{text}`: Swarm publishes on all addresses of a node: leave the address out")),
    };
    let count = |range: &std::ops::RangeInclusive<u16>| usize::from(range.end() - range.start()) + 1;
    if let Some(published) = &published
        && count(published) != count(&target)
    {
        return Err(format!("`{text}`: the two ranges differ in length"));
    }
    let port = |(index, target)| Port {
        target,
        // As long as the target's range, so there is no end to run over.
        published: published.as_ref().map(|range| range.start() + u16::try_from(index).unwrap_or_default()),
        protocol,
        mode: PublishMode::Ingress,
    };
    Ok(target.enumerate().map(port).collect())
}

fn range(text: &str, whole: &str) -> Result<std::ops::RangeInclusive<u16>, String> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(format!("`{whole}` is not `[PUBLISHED:]TARGET[/PROTOCOL]` with ports of 1 to 65535")),
    }
}
