//! Reads parameters one by one: what was given, else what an earlier run settled, else the default. Mistakes are kept,
//! and reading goes on with the default.

use std::fmt::Display;
use std::str::FromStr;

use super::ClusterInput;
use super::given::Given;
use super::parameter::{Kind, Parameter};
use crate::spec::ClusterSpec;
use diagnostics::{Origin, Problems};

pub(super) struct Resolver<'a> {
    pub input: &'a ClusterInput,
    pub earlier: Option<&'a ClusterSpec>,
    pub problems: Problems,
}

impl<'a> Resolver<'a> {
    pub fn new(input: &'a ClusterInput, earlier: Option<&'a ClusterSpec>) -> Self {
        Self { input, earlier, problems: Problems::new() }
    }

    pub fn given(&self, parameter: &Parameter) -> Option<&'a Given> {
        self.input.values.get(parameter)
    }

    /// Where the value comes from, for mistakes that only show when it is held against others.
    pub fn origin(&self, parameter: &Parameter) -> Origin {
        match self.given(parameter) {
            Some(given) => given.origin.clone(),
            None => Origin::Flag(parameter.flag),
        }
    }

    pub fn problem(&mut self, parameter: &Parameter, message: impl Into<String>) {
        self.problems.add(self.origin(parameter), message);
    }

    pub fn problem_with_hint(&mut self, parameter: &Parameter, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.add_with_hint(self.origin(parameter), message, hint);
    }

    /// What was given, when it is valid.
    pub fn parsed<T>(&mut self, parameter: &Parameter) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let given = self.given(parameter)?;
        let text = given.texts.first().map(String::as_str).unwrap_or_default();
        self.problems.take(given.origin.clone(), text.parse())
    }

    /// A value that there always is.
    pub fn settle<T>(
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
    pub fn integer(&mut self, parameter: &Parameter) -> Option<u32> {
        let Kind::Integer { least, most } = parameter.kind else { return None };
        let text = self.given(parameter)?.texts.first()?;
        match text.trim().parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                let unit = if parameter.unit == "GiB" { " GiB" } else { "" };
                self.problem(parameter, format!("must be {least} to {most}{unit}, found {text}"));
                None
            }
        }
    }

    /// The word that was given, when it is one of the parameter's.
    pub fn choice(&mut self, parameter: &Parameter) -> Option<&'static str> {
        let Kind::Choice(words) = parameter.kind else { return None };
        let text = self.given(parameter)?.texts.first()?;
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
        if found.is_none() {
            self.problem(parameter, format!("must be one of {}, found `{text}`", words.join(", ")));
        }
        found.copied()
    }

    /// The switch that was given.
    pub fn switch(&mut self, parameter: &Parameter) -> Option<bool> {
        let text = self.given(parameter)?.texts.first()?;
        match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.problem(parameter, format!("must be `true` or `false`, found `{text}`"));
                None
            }
        }
    }

    /// The elements that were given; none when nothing was.
    pub fn list<T>(&mut self, parameter: &Parameter) -> Option<Vec<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let given = self.given(parameter)?;
        let texts = given.texts.iter().filter(|text| !text.is_empty());
        Some(texts.filter_map(|text| self.problems.take(given.origin.clone(), text.parse())).collect())
    }
}
