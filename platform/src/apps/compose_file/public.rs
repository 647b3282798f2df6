//! Which service of a Compose file is the public one, and the ports on which services say that they listen.

use std::collections::BTreeMap;

use crate::compose::Stack;
use diagnostics::suggestion;
use diagnostics::yaml::Value;

/// Marks the public service.
const PUBLIC: &str = "x-public";

/// `expose` of each service: it has no effect in a swarm, but it says where a service listens.
pub(super) fn exposed(value: &Value) -> BTreeMap<String, Vec<u16>> {
    let port = |value: &Value| match value {
        Value::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        Value::String(text) => text.strip_suffix("/tcp").unwrap_or(text).parse().ok(),
        _ => None,
    };
    let mut exposed = BTreeMap::new();
    for (key, service) in value.get("services").and_then(Value::as_mapping).into_iter().flatten() {
        let ports: Vec<u16> =
            service.get("expose").and_then(Value::as_sequence).into_iter().flatten().filter_map(port).collect();
        if let Some(key) = key.as_str().filter(|_| !ports.is_empty()) {
            exposed.insert(key.to_owned(), ports);
        }
    }
    exposed
}

/// The named service, else the one that is marked, else the only one with ports, else the only one.
pub(super) fn choose_public(
    stack: &Stack,
    exposed: &BTreeMap<String, Vec<u16>>,
    wanted: Option<&str>,
) -> Result<String, String> {
    let all: Vec<&str> = stack.services.keys().map(String::as_str).collect();
    if let Some(wanted) = wanted {
        return match suggestion(wanted, all.iter().copied()) {
            _ if all.contains(&wanted) => Ok(wanted.to_owned()),
            Some(right) => Err(format!("there is no service `{wanted}` to be public; did you mean `{right}`?")),
            None => Err(format!("there is no service `{wanted}` to be public; there are {}", all.join(", "))),
        };
    }
    let of = |test: &dyn Fn(&str) -> bool| all.iter().copied().filter(|key| test(key)).collect::<Vec<_>>();
    let marked = of(&|key| stack.services[key].extensions.get(PUBLIC) == Some(&serde_json::Value::Bool(true)));
    let with_ports = of(&|key| !stack.services[key].ports.is_empty() || exposed.contains_key(key));
    match (marked.as_slice(), with_ports.as_slice(), all.as_slice()) {
        ([only], ..) | ([], [only], _) | ([], [], [only]) => Ok((*only).to_owned()),
        ([], [], several) | ([], several, _) | (several, ..) => Err(format!(
            "one service is public, and this could be {}: name it with --public SERVICE or `{PUBLIC}: true`",
            several.join(" or ")
        )),
    }
}
