//! Errors that whoever runs the program can mend: they travel through `anyhow` like all others, and end as a matter of
//! usage, or of a file with a mistake, not as something unexpected.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

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

/// Says what may not be read or written, and what helps; whatever else goes wrong keeps the system's words.
pub fn access<T>(result: std::io::Result<T>, path: &Path, doing: &str) -> anyhow::Result<T> {
    result.map_err(|error| {
        if error.kind() != ErrorKind::PermissionDenied {
            return anyhow::Error::new(error).context(format!("{doing} `{}`", path.display()));
        }
        anyhow::Error::new(Mendable::usage(
            format!("{doing} `{}`: permission denied", path.display()),
            "run as the user who created the cluster, or name the folder of your own clusters with --state-dir DIR",
        ))
    })
}
