//! A Compose file as the source of an app: the app's configuration is filled in, and one service is public. Pure.

mod interpolation;

use std::collections::{BTreeMap, BTreeSet};

use interpolation::Missing;

use super::{AppName, Config};
use crate::compose::{Examined, MountKind, Protocol, Stack};
use diagnostics::suggestion;
use diagnostics::yaml::{self, Step, Value, line_of};
use diagnostics::{Origin, Problems};

/// Marks the public service.
const PUBLIC: &str = "x-public";
/// Says whether a service that is not public gets the app's configuration.
const CONFIG: &str = "x-config";
/// Names of services are DNS labels in the swarm's networks, and five characters may come before.
const LONGEST_SERVICE_NAME: usize = 63 - 5;

/// A Compose file that was read for an app.
#[derive(Clone, Debug, PartialEq)]
pub struct ComposeFile {
    /// Without published ports.
    pub stack: Stack,
    pub public: String,
    /// TCP ports of the public service that the file names.
    pub ports: Vec<u16>,
    /// Services that get the app's whole configuration.
    pub configured: BTreeSet<String>,
    /// What was read and has no effect, or another one than elsewhere.
    pub notes: Vec<String>,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub app: &'a AppName,
    pub config: &'a Config,
}

impl ComposeFile {
    /// Reads a file with the variables of `owner`'s configuration; `public` names the public service. Finds all mistakes
    /// at once, but that mistakes of a file whose variables are not all set would be guesses.
    pub fn read(text: &str, file: &str, owner: Owner<'_>, public: Option<&str>) -> Result<Self, Problems> {
        let filled = Filled::new(text, file, owner)?;
        let mut examined = Stack::examine(&filled.text, file, Vec::new());
        if !examined.problems.is_empty() && filled.text != text {
            examined = Stack::examine(&filled.text, file, filled.lines(text));
        }
        let Examined { stack: Some(mut stack), warnings: mut notes, mut problems } = examined else {
            return Err(examined.problems);
        };
        let exposed = exposed(&filled.value);
        let is_whole = problems.is_empty();
        let mut problem = |path: &[&str], message: String| {
            let path: Vec<Step> = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
            problems.add(Origin::File { path: file.to_owned(), line: line_of(text, &path) }, message);
        };
        let public = match choose_public(&stack, &exposed, public) {
            Ok(public) => public,
            Err(message) => {
                // Of a service with mistakes a part may be missing that would decide it.
                if is_whole {
                    problem(&["services"], message);
                }
                String::new()
            }
        };
        let mut ports = exposed.get(&public).cloned().unwrap_or_default();
        let mut configured = BTreeSet::new();
        for (key, service) in &mut stack.services {
            let path = ["services", key.as_str()];
            if !is_service_name(key) || owner.app.service(key).len() > LONGEST_SERVICE_NAME {
                problem(
                    &path,
                    format!(
                        "`{key}` cannot be a service's name here: letters, digits, `-` and `_`, \
                     {LONGEST_SERVICE_NAME} of them at most in `{}`",
                        owner.app.service(key)
                    ),
                );
            }
            let wants_config = service.extensions.get(CONFIG).and_then(serde_json::Value::as_bool);
            if wants_config.unwrap_or(*key == public) {
                configured.insert(key.clone());
            }
            for port in std::mem::take(&mut service.ports) {
                let path = ["services", key.as_str(), "ports"];
                if *key != public {
                    if !public.is_empty() {
                        problem(
                            &path,
                            format!(
                                "`services.{key}.ports`: only the public service `{public}` is reached \
                             from outside, through the router; other services find `{key}` by its name: leave `ports` out"
                            ),
                        );
                        break;
                    }
                } else if port.protocol == Protocol::Udp {
                    problem(
                        &path,
                        format!(
                            "`services.{key}.ports`: the router speaks HTTP, not UDP: leave port \
                         {} out",
                            port.target
                        ),
                    );
                } else {
                    if let Some(published) = port.published {
                        notes.push(format!(
                            "`services.{key}.ports`: {published} is not published; the router leads to \
                             port {}",
                            port.target
                        ));
                    }
                    ports.push(port.target);
                }
            }
            let binds = service.mounts.iter().filter_map(|mount| match &mount.kind {
                MountKind::Bind { source, .. } => Some(source),
                _ => None,
            });
            for source in binds {
                notes.push(format!("`services.{key}.volumes`: `{source}` is each node's own folder"));
            }
        }
        if problems.is_empty() { Ok(Self { stack, public, ports, configured, notes }) } else { Err(problems) }
    }
}

/// A file after its variables were filled in.
struct Filled {
    text: String,
    value: Value,
}

impl Filled {
    fn new(text: &str, file: &str, owner: Owner<'_>) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut value: Value = match yaml::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                let origin = Origin::File { path: file.to_owned(), line: error.line };
                problems.add(origin, format!("not YAML: {}", error.message));
                return Err(problems);
            }
        };
        let original = value.clone();
        let mut missing = Missing::default();
        let mut change = |path: &[Step], value: &mut Value| {
            if let Err(message) = fill(path, value, owner.config, &mut missing) {
                let origin = Origin::File { path: file.to_owned(), line: line_of(text, path) };
                problems.add(origin, format!("`{}`: {message}", yaml::path_text(path)));
            }
        };
        walk(&mut value, &mut Vec::new(), &mut change);
        if !missing.is_empty() {
            let pairs: Vec<String> = missing.names().map(|name| format!("{name}=…")).collect();
            problems.add_with_hint(
                Origin::File { path: file.to_owned(), line: None },
                format!("variables that are not set in the app's configuration: {}", missing.listed()),
                format!("platformctl apps config {} set {}", owner.app, pairs.join(" ")),
            );
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // Without a variable the file is taken as it is: its lines are then known exactly.
        let text = match value == original {
            true => text.to_owned(),
            false => yaml::to_string(&value).map_err(|error| {
                let mut problems = Problems::new();
                problems.add(Origin::File { path: file.to_owned(), line: error.line }, error.message);
                problems
            })?,
        };
        Ok(Self { text, value })
    }

    /// For each line of the filled text, the line of the file that it comes from.
    fn lines(&self, original: &str) -> Vec<usize> {
        let mut lines = vec![0; self.text.lines().count()];
        let mut value = self.value.clone();
        walk_all(&mut value, &mut Vec::new(), &mut |path, _| {
            if let (Some(new), Some(old)) = (line_of(&self.text, path), line_of(original, path))
                && let Some(line) = lines.get_mut(new - 1)
                && *line == 0
            {
                *line = old;
            }
        });
        let mut last = 1;
        for line in &mut lines {
            if *line == 0 {
                *line = last;
            }
            last = *line;
        }
        lines
    }
}

/// Fills in one value. In `environment` a name without a value gets that of the configuration.
fn fill(path: &[Step], value: &mut Value, config: &Config, missing: &mut Missing) -> Result<(), String> {
    let mut of_config = |name: &str| {
        let value = config.get(name);
        if value.is_none() {
            missing.add(name, None);
        }
        value.unwrap_or_default().to_owned()
    };
    match (path, &*value) {
        ([Step::Key(services), _, Step::Key(environment), Step::Key(name)], Value::Null)
            if services == "services" && environment == "environment" =>
        {
            *value = Value::String(interpolation::quoted(&of_config(name)));
        }
        ([Step::Key(services), _, Step::Key(environment), Step::Index(_)], Value::String(name))
            if services == "services" && environment == "environment" && super::config::is_name(name) =>
        {
            *value = Value::String(interpolation::quoted(&format!("{name}={}", of_config(name))));
        }
        (_, Value::String(text)) if text.contains('$') => {
            *value = Value::String(interpolation::quoted(&interpolation::interpolate(text, config, missing)?));
        }
        _ => {}
    }
    Ok(())
}

type Change<'c> = dyn FnMut(&[Step], &mut Value) + 'c;

/// Visits everything that is neither a mapping nor a list.
fn walk(value: &mut Value, path: &mut Vec<Step>, change: &mut Change<'_>) {
    walk_all(value, path, &mut |path, value| {
        if !matches!(value, Value::Mapping(_) | Value::Sequence(_)) {
            change(path, value);
        }
    });
}

/// Visits every value, the outer ones first.
fn walk_all(value: &mut Value, path: &mut Vec<Step>, change: &mut Change<'_>) {
    change(path, value);
    match value {
        Value::Mapping(mapping) => {
            for (key, inside) in mapping.iter_mut() {
                let Some(key) = key.as_str() else { continue };
                path.push(Step::Key(key.to_owned()));
                walk_all(inside, path, change);
                path.pop();
            }
        }
        Value::Sequence(items) => {
            for (index, inside) in items.iter_mut().enumerate() {
                path.push(Step::Index(index));
                walk_all(inside, path, change);
                path.pop();
            }
        }
        _ => {}
    }
}

/// `expose` of each service: it has no effect in a swarm, but it says where a service listens.
fn exposed(value: &Value) -> BTreeMap<String, Vec<u16>> {
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
fn choose_public(stack: &Stack, exposed: &BTreeMap<String, Vec<u16>>, wanted: Option<&str>) -> Result<String, String> {
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

/// Swarm takes service names that are host names too.
fn is_service_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.ends_with(|c: char| c.is_ascii_alphanumeric())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests;
