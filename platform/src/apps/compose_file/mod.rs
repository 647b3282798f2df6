//! A Compose file as the source of an app: the app's configuration is filled in, and one service is public. Pure.

mod confinement;
mod filled;
mod interpolation;
mod public;

pub(super) use filled::Owner;

use std::collections::BTreeSet;

use filled::Filled;
use public::{choose_public, exposed};

use super::{AppName, Config};
use crate::compose::{Examined, MountKind, Protocol, Stack};
use diagnostics::yaml::{Step, line_of};
use diagnostics::{Origin, Problem, Problems};

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

/// What is wrong with a file whatever its app's configuration is, before anybody is asked for that: all of a file without
/// variables, and of another only that it cannot be read.
pub(super) fn mistakes(text: &str, file: &str, app: &AppName, public: Option<&str>) -> Problems {
    let config = Config::default();
    let owner = Owner { app, config: &config, on: None };
    let of_config = match Filled::new(text, file, owner) {
        Err(unreadable) => return unreadable,
        Ok(_) if text.contains('$') => return Problems::new(),
        Ok(filled) => filled.problems,
    };
    let refused = ComposeFile::read(text, file, owner, public).err();
    let problems = refused.iter().flat_map(|refused| refused.problems.iter());
    problems.filter(|problem| !of_config.contains(problem)).cloned().collect()
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
        if let Some(reached) = owner.on {
            for (path, message) in confinement::trespasses(&stack, &public, owner.app, reached) {
                problem(&path.iter().map(String::as_str).collect::<Vec<_>>(), message);
            }
        }
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

/// Swarm takes service names that are host names too.
fn is_service_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.ends_with(|c: char| c.is_ascii_alphanumeric())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests;
