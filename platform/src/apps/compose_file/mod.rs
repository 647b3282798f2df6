//! A Compose file as the source of an app: the app's configuration is filled in, and one service is public. Pure.

mod interpolation;

use std::collections::{BTreeMap, BTreeSet};

use interpolation::Missing;

use super::{AppName, Config};
use crate::compose::{Examined, MountKind, Protocol, Stack};
use diagnostics::suggestion;
use diagnostics::yaml::{self, Step, Value, line_of};
use diagnostics::{Origin, Problem, Problems};

/// Marks the public service.
const PUBLIC: &str = "x-public";
/// Says whether a service that is not public gets the app's configuration.
const CONFIG: &str = "x-config";
/// Names of services are DNS labels in the swarm's networks, and five characters may come before.
const LONGEST_SERVICE_NAME: usize = 63 - 5;

/// A Compose file that was read for an app.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ComposeFile {
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

/// Why a file cannot be what an app is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    pub problems: Problems,
    /// As [`ComposeFile::notes`].
    pub notes: Vec<String>,
}

impl From<Problems> for Refused {
    fn from(problems: Problems) -> Self {
        Self { problems, notes: Vec::new() }
    }
}

/// Whose file it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub app: &'a AppName,
    pub config: &'a Config,
}

impl ComposeFile {
    /// Reads a file with the variables of `owner`'s configuration; `public` names the public service. Finds all mistakes
    /// at once; what is wrong with a value whose variables are not set would be a guess and is left out.
    pub(super) fn read(text: &str, file: &str, owner: Owner<'_>, public: Option<&str>) -> Result<Self, Refused> {
        let filled = Filled::new(text, file, owner)?;
        let mut examined = Stack::examine(&filled.text, file, Vec::new());
        if filled.text != text && !(examined.problems.is_empty() && examined.warnings.is_empty()) {
            examined = Stack::examine(&filled.text, file, filled.lines(text));
        }
        let Examined { stack, warnings, problems: of_reader } = examined;
        let mut problems: Vec<Problem> = of_reader.iter().filter(|one| !filled.is_guess(one)).cloned().collect();
        let mut notes: Vec<String> = warnings.into_iter().map(|one| note(file, one.line, &one.message)).collect();
        let is_whole = problems.is_empty() && !filled.guesses_ports();
        problems.extend(filled.problems.iter().cloned());
        let Some(mut stack) = stack else { return Err(Refused { problems: by_line(problems), notes }) };
        let exposed = exposed(&filled.value);
        let line = |path: &[&str]| {
            let path: Vec<Step> = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
            line_of(text, &path)
        };
        let mut problem = |path: &[&str], message: String| {
            let origin = Origin::File { path: file.to_owned(), line: line(path) };
            problems.push(Problem { origin, message, hint: None });
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
                        let message = format!(
                            "`services.{key}.ports`: {published} is not published; the router leads to port {}",
                            port.target
                        );
                        notes.push(note(file, line(&path), &message));
                    }
                    ports.push(port.target);
                }
            }
            let binds = service.mounts.iter().filter_map(|mount| match &mount.kind {
                MountKind::Bind { source, .. } => Some(source),
                _ => None,
            });
            for source in binds {
                let message = format!("`services.{key}.volumes`: `{source}` is each node's own folder");
                notes.push(note(file, line(&["services", key.as_str(), "volumes"]), &message));
            }
        }
        match problems.is_empty() {
            true => Ok(Self { stack, public, ports, configured, notes }),
            false => Err(Refused { problems: by_line(problems), notes }),
        }
    }
}

/// What has no effect, with its place.
fn note(file: &str, line: Option<usize>, message: &str) -> String {
    format!("{}: {message}", Origin::File { path: file.to_owned(), line })
}

/// Mistakes in the order of their lines, those without a line last.
fn by_line(mut problems: Vec<Problem>) -> Problems {
    problems.sort_by_key(|problem| match problem.origin {
        Origin::File { line: Some(line), .. } => line,
        _ => usize::MAX,
    });
    problems.into_iter().collect()
}

/// A file after its variables were filled in.
struct Filled {
    text: String,
    value: Value,
    /// Variables that are not set or malformed.
    problems: Vec<Problem>,
    /// Paths of the values that these are in, as messages name them.
    guessed: Vec<String>,
}

impl Filled {
    fn new(text: &str, file: &str, owner: Owner<'_>) -> Result<Self, Problems> {
        let at = |line: Option<usize>| Origin::File { path: file.to_owned(), line };
        let refused = |line: Option<usize>, message: String| {
            let problem = Problem { origin: at(line), message, hint: None };
            [problem].into_iter().collect::<Problems>()
        };
        let mut value: Value =
            yaml::from_str(text).map_err(|error| refused(error.line, format!("not YAML: {}", error.message)))?;
        let original = value.clone();
        let mut guessed = Vec::new();
        let mut problems = Vec::new();
        let mut unset: BTreeMap<String, Unset> = BTreeMap::new();
        let mut change = |path: &[Step], value: &mut Value| {
            let mut missing = Missing::default();
            let filled = fill(path, value, owner.config, &mut missing);
            if filled.is_ok() && missing.is_empty() {
                return;
            }
            let line = line_of(text, path);
            let name = yaml::path_text(path);
            if let Err(message) = filled {
                problems.push(Problem { origin: at(line), message: format!("`{name}`: {message}"), hint: None });
            }
            for (variable, words) in missing.iter() {
                let known = unset
                    .entry(variable.to_owned())
                    .or_insert_with(|| Unset { path: name.clone(), ..Unset::default() });
                known.lines.extend(line);
                known.words = known.words.take().or_else(|| words.map(str::to_owned));
            }
            guessed.push(name);
        };
        walk(&mut value, &mut Vec::new(), &mut change);
        let pairs: Vec<String> = unset.keys().map(|name| format!("{name}=…")).collect();
        let remedy = format!("platformctl apps config {} set {}", owner.app, pairs.join(" "));
        let last = unset.len();
        problems.extend(unset.into_iter().zip(1..).map(|((name, unset), number)| Problem {
            origin: at(unset.lines.first().copied()),
            message: unset.message(&name),
            // Once is enough, and with all of them.
            hint: (number == last).then(|| remedy.clone()),
        }));
        // Without a variable the file is taken as it is: its lines are then known exactly.
        let text = match value == original {
            true => text.to_owned(),
            false => yaml::to_string(&value).map_err(|error| refused(error.line, error.message))?,
        };
        Ok(Self { text, value, problems, guessed })
    }

    /// Whether a mistake may be that a variable is not set.
    fn is_guess(&self, problem: &Problem) -> bool {
        let named = problem.message.strip_prefix('`').and_then(|message| message.split_once('`'));
        let of = |path: &String, named: &str| {
            named.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        named.is_some_and(|(named, _)| self.guessed.iter().any(|path| of(path, named)))
    }

    /// Whether a port that may say which service is public is one of them.
    fn guesses_ports(&self) -> bool {
        self.guessed.iter().any(|path| [".ports", ".expose"].iter().any(|key| path.contains(key)))
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

/// A variable that a file uses and the configuration has not.
#[derive(Default)]
struct Unset {
    /// Where it is used first.
    path: String,
    lines: Vec<usize>,
    /// What the file says about it.
    words: Option<String>,
}

impl Unset {
    fn message(&self, name: &str) -> String {
        let words = self.words.as_ref().map(|words| format!(" ({words})")).unwrap_or_default();
        let mut lines = self.lines.clone();
        lines.dedup();
        let more: Vec<String> = lines.iter().skip(1).map(usize::to_string).collect();
        let more = if more.is_empty() { String::new() } else { format!("; also used in line {}", more.join(", ")) };
        format!("`{}`: variable `{name}`{words} is not set in the app's configuration{more}", self.path)
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
