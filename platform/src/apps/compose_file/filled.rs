//! A Compose file with its app's configuration in the place of its variables, and what is missing of that.

use std::collections::BTreeMap;

use super::interpolation::{self, Missing};
use crate::apps::{AppName, Config};
use crate::bundle::AppRouting;
use diagnostics::yaml::{self, Step, Value, line_of};
use diagnostics::{Origin, Problem, Problems};

/// Whose file it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub app: &'a AppName,
    pub config: &'a Config,
    /// The platform that it is to run on, and keep to its own things on; none where a file is only looked at.
    pub on: Option<&'a AppRouting>,
}

/// A file after its variables were filled in.
pub(super) struct Filled {
    pub(super) text: String,
    pub(super) value: Value,
    /// Variables that are not set or malformed.
    pub(super) problems: Vec<Problem>,
    /// Paths of the values that these are in, as messages name them.
    guessed: Vec<String>,
}

impl Filled {
    pub(super) fn new(text: &str, file: &str, owner: Owner<'_>) -> Result<Self, Problems> {
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
    pub(super) fn is_guess(&self, problem: &Problem) -> bool {
        let named = problem.message.strip_prefix('`').and_then(|message| message.split_once('`'));
        let of = |path: &String, named: &str| {
            named.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        named.is_some_and(|(named, _)| self.guessed.iter().any(|path| of(path, named)))
    }

    /// Whether a port that may say which service is public is one of them.
    pub(super) fn guesses_ports(&self) -> bool {
        self.guessed.iter().any(|path| [".ports", ".expose"].iter().any(|key| path.contains(key)))
    }

    /// For each line of the filled text, the line of the file that it comes from.
    pub(super) fn lines(&self, original: &str) -> Vec<usize> {
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
            if services == "services" && environment == "environment" && crate::apps::config::is_name(name) =>
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
