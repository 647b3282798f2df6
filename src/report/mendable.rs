//! Errors that whoever runs the program can mend: they travel through `anyhow` like all others, and end as a matter of
//! usage, or of a file with a mistake, not as something unexpected.

use std::fmt;

use super::Failure;
use crate::spec::{Origin, Problems};

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mendable {
    /// The file, when its content is the mistake; none when the mistake is how the program was called.
    pub file: Option<String>,
    pub message: String,
    pub hint: String,
}

impl Mendable {
    /// A matter of how and by whom the program is run: exit code 2.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { file: None, message: message.into(), hint: hint.into() }
    }

    /// A matter of what is in a file: exit code 3.
    pub fn file(file: impl fmt::Display, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { file: Some(file.to_string()), message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for Mendable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(formatter, "`{file}`: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for Mendable {}

impl From<Mendable> for Failure {
    fn from(error: Mendable) -> Self {
        match error.file {
            None => Self::Usage(format!("{}\nhint: {}", error.message, error.hint)),
            Some(path) => {
                let mut problems = Problems::new();
                problems.add_with_hint(Origin::File { path, line: None }, error.message, error.hint);
                Self::Spec(problems)
            }
        }
    }
}
