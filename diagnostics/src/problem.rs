//! Mistakes of what users wrote, with their place, collected so that a user meets all of them at once.

use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag or argument, as the user writes it: `--ssh-key`, `NAME`.
    Flag(&'static str),
    /// An environment variable.
    Environment(String),
    /// A file and, where known, its line.
    File { path: String, line: Option<usize> },
    /// The cluster as it was made earlier.
    EarlierRun,
    /// Nobody said anything.
    Default,
    /// A platform's setting, `TARGET/KEY`.
    Setting(String),
}

impl Origin {
    /// Which of two layers counts: the one with the greater rank.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Default | Self::Setting(_) => 0,
            Self::EarlierRun => 1,
            Self::File { .. } => 2,
            Self::Environment(_) => 3,
            Self::Flag(_) => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(formatter, "`{flag}`"),
            Self::Environment(name) => write!(formatter, "`{name}`"),
            Self::File { path, line: Some(line) } => write!(formatter, "`{path}` line {line}"),
            Self::File { path, line: None } => write!(formatter, "`{path}`"),
            Self::EarlierRun => write!(formatter, "the cluster's earlier run"),
            Self::Default => write!(formatter, "the default"),
            Self::Setting(name) => write!(formatter, "setting `{name}`"),
        }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the value came from.
    pub origin: Origin,
    /// What is wrong with it, quoting the value.
    pub message: String,
    /// What to do instead, when it is known.
    pub hint: Option<String>,
}

/// All mistakes of a spec in the order in which the user wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problem so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a mistake.
    pub fn add(&mut self, origin: Origin, message: impl Into<String>) {
        self.0.push(Problem { origin, message: message.into(), hint: None });
    }

    /// Adds a mistake with its remedy.
    pub fn add_with_hint(&mut self, origin: Origin, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Problem { origin, message: message.into(), hint: Some(hint.into()) });
    }

    /// Takes a result apart: the value, or `None` and one more problem.
    pub fn take<T, E: fmt::Display>(&mut self, origin: Origin, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(origin, error.to_string());
                None
            }
        }
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Problems) {
        self.0.extend(others.0);
    }

    /// The same, with those of one file in the order of its lines, in the places that they have among the others.
    #[must_use]
    pub fn by_line(mut self) -> Self {
        let place_of = |problem: &Problem| match &problem.origin {
            Origin::File { path, line } => Some((path.clone(), *line)),
            _ => None,
        };
        let mut paths: Vec<String> = self.0.iter().filter_map(place_of).map(|(path, _)| path).collect();
        paths.sort();
        paths.dedup();
        for file in paths {
            let is_of_file = |problem: &Problem| place_of(problem).is_some_and(|(path, _)| path == file);
            let mut of_file: Vec<Problem> = self.0.iter().filter(|problem| is_of_file(problem)).cloned().collect();
            of_file.sort_by_key(|problem| place_of(problem).and_then(|(_, line)| line));
            let places = self.0.iter_mut().filter(|problem| is_of_file(problem));
            places.zip(of_file).for_each(|(place, problem)| *place = problem);
        }
        self
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(problems.into_iter().collect())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}: {}", problem.origin, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_a_file_stand_in_the_order_of_its_lines() {
        let file = |path: &str, line| Origin::File { path: path.into(), line };
        let mut problems = Problems::new();
        for (origin, message) in [
            (file("a", Some(9)), "1"),
            (Origin::Flag("--x"), "2"),
            (file("a", Some(2)), "3"),
            (file("b", Some(7)), "4"),
            (file("a", None), "5"),
            (file("b", Some(3)), "6"),
            (file("a", Some(2)), "7"),
        ] {
            problems.add(origin, message);
        }
        let order: String = problems.by_line().iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(order, "5236741");
    }
}
