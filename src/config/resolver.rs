//! Reads parameters one by one: what was given, else what an earlier run settled, else the default. Mistakes are kept,
//! and reading goes on with the default.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use super::ClusterInput;
use super::given::Given;
use super::parameter::{Kind, Parameter};
use crate::spec::ClusterSpec;
use diagnostics::{Origin, Problems};

/// No list of a cluster is longer: it has at most so many machines.
const MOST_ELEMENTS: usize = 1000;

pub(super) struct Resolver<'a> {
    pub input: &'a ClusterInput,
    pub earlier: Option<&'a ClusterSpec>,
    /// Whether machines may exist that were made as `earlier` says.
    pub has_machines: bool,
    pub problems: Problems,
    /// Keys of parameters whose value could not be read: what they stand for is not known, so nothing is said of it.
    unreadable: BTreeSet<&'static str>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(input: &'a ClusterInput, earlier: Option<&'a ClusterSpec>) -> Self {
        let has_machines = earlier.is_some();
        Self { input, earlier, has_machines, problems: Problems::new(), unreadable: BTreeSet::new() }
    }

    pub(super) fn given(&self, parameter: &Parameter) -> Option<&'a Given> {
        self.input.values.get(parameter)
    }

    /// Where the value comes from, for mistakes that only show when it is held against others.
    pub(super) fn origin(&self, parameter: &Parameter) -> Origin {
        match self.given(parameter) {
            Some(given) => given.origin.clone(),
            None => Origin::Flag(parameter.flag),
        }
    }

    pub(super) fn problem(&mut self, parameter: &Parameter, message: impl Into<String>) {
        let origin = self.origin(parameter);
        let message = about(parameter, &origin, &message.into());
        self.problems.add(origin, message);
    }

    pub(super) fn problem_with_hint(
        &mut self,
        parameter: &Parameter,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let origin = self.origin(parameter);
        let message = about(parameter, &origin, &message.into());
        self.problems.add_with_hint(origin, message, hint);
    }

    /// Notes that a parameter's value cannot be read.
    pub(super) fn mark_unreadable(&mut self, parameter: &Parameter) {
        self.unreadable.insert(parameter.key);
    }

    /// Whether a parameter's value was given and could not be read; that is told already.
    pub(super) fn is_unreadable(&self, parameter: &Parameter) -> bool {
        self.unreadable.contains(parameter.key)
    }

    /// What was given, when it is valid.
    pub(super) fn parsed<T>(&mut self, parameter: &Parameter) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let given = self.given(parameter)?;
        let text = given.texts.first().map(String::as_str).unwrap_or_default();
        let parsed = self.problems.take(given.origin.clone(), read(parameter, given, text));
        if parsed.is_none() {
            self.mark_unreadable(parameter);
        }
        parsed
    }

    /// A value that there always is.
    pub(super) fn settle<T>(
        &mut self,
        parameter: &Parameter,
        earlier: impl FnOnce(&ClusterSpec) -> T,
        default: impl FnOnce() -> T,
    ) -> T
    where
        T: FromStr,
        T::Err: Display,
    {
        self.parsed(parameter).or(self.earlier.map(earlier)).unwrap_or_else(default)
    }

    /// The whole number that was given, when it is within the parameter's bounds.
    pub(super) fn integer(&mut self, parameter: &Parameter) -> Option<u32> {
        let Kind::Integer { least, most } = parameter.kind else { return None };
        let text = self.given(parameter)?.texts.first()?;
        match text.trim().parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                let unit = if parameter.unit == "GiB" { " GiB" } else { "" };
                self.problem(parameter, format!("must be {least} to {most}{unit}, found {text}"));
                self.mark_unreadable(parameter);
                None
            }
        }
    }

    /// The word that was given, when it is one of the parameter's.
    pub(super) fn choice(&mut self, parameter: &Parameter) -> Option<&'static str> {
        let Kind::Choice(words) = parameter.kind else { return None };
        let text = self.given(parameter)?.texts.first()?;
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        if found.is_none() {
            self.problem(parameter, format!("must be one of {}, found `{text}`", words.join(", ")));
            self.mark_unreadable(parameter);
        }
        found.copied()
    }

    /// The switch that was given.
    pub(super) fn switch(&mut self, parameter: &Parameter) -> Option<bool> {
        let text = self.given(parameter)?.texts.first()?;
        match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.problem(parameter, format!("must be `true` or `false`, found `{text}`"));
                self.mark_unreadable(parameter);
                None
            }
        }
    }

    /// The elements that were given; none when nothing was.
    pub(super) fn list<T>(&mut self, parameter: &Parameter) -> Option<Vec<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let given = self.given(parameter)?;
        if given.texts.len() > MOST_ELEMENTS {
            self.problem(parameter, format!("has {} elements; {MOST_ELEMENTS} are the most", given.texts.len()));
            self.mark_unreadable(parameter);
            return None;
        }
        let mut elements = Vec::new();
        for text in given.texts.iter().filter(|text| !text.is_empty()) {
            match self.problems.take(given.origin.clone(), read(parameter, given, text)) {
                Some(element) => elements.push(element),
                None => self.mark_unreadable(parameter),
            }
        }
        Some(elements)
    }
}

fn read<T>(parameter: &Parameter, given: &Given, text: &str) -> Result<T, String>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| about(parameter, &given.origin, &error.to_string()))
}

/// A mistake of a parameter; a file has many keys, so that it names its own.
fn about(parameter: &Parameter, origin: &Origin, message: &str) -> String {
    let message = on_one_line(message);
    match origin {
        Origin::File { .. } => format!("`{}`: {message}", parameter.key),
        _ => message,
    }
}

/// A mistake that quotes a value with line ends, as one line.
fn on_one_line(message: &str) -> String {
    message.replace('\r', "\\r").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{LOCATION, NUM_NODES, OPEN};

    #[test]
    fn a_mistake_is_told_on_one_line() {
        let flags = [(&LOCATION, "west\neurope"), (&OPEN, "8\r\n0"), (&NUM_NODES, "3\n4")];
        let input = ClusterInput::flags("mycluster", &flags);
        let mut resolver = Resolver::new(&input, None);
        resolver.parsed::<crate::spec::Location>(&LOCATION);
        resolver.list::<crate::spec::OpenPort>(&OPEN);
        resolver.integer(&NUM_NODES);
        let told = resolver.problems.to_string();
        assert_eq!((told.lines().count(), told.contains('\r')), (3, false), "{told}");
        assert!(told.contains("3\\n4"), "{told}");
    }

    #[test]
    fn a_mistake_of_a_file_names_its_key() {
        let text = "name: mycluster\nssh: 22001.0\nlocation: west europe!\nopen: [80, x]\nnum_nodes: 0\n";
        let (values, _) = crate::config::from_file("c.yaml", text);
        let input = ClusterInput { values: values.unwrap(), ..ClusterInput::flags("mycluster", &[]) };
        let key = crate::pki::generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let told = crate::config::resolve(&input, None, &key).unwrap_err().to_string();
        let told: Vec<&str> = told.lines().collect();
        for (line, start) in [
            "`c.yaml` line 2: `ssh`: must be 1 to 65534, found 22001.0",
            "`c.yaml` line 3: `location`: ",
            "`c.yaml` line 4: `open`: ",
            "`c.yaml` line 5: `num_nodes`: must be ",
        ]
        .into_iter()
        .enumerate()
        {
            assert!(told[line].starts_with(start), "{told:#?}");
        }
    }
}
