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

/// Says what may not be or cannot be read or written where a user put it, and what helps; whatever else goes wrong keeps the
/// system's words.
pub fn access<T>(result: std::io::Result<T>, path: &Path, doing: &str) -> anyhow::Result<T> {
    result.map_err(|error| {
        let (why, hint) = match error.kind() {
            ErrorKind::PermissionDenied => (
                "permission denied",
                "run as the user who created the cluster, or name the folder of your own clusters with --state-dir DIR",
            ),
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                ("a part of this path is a file, not a folder", "name the folder of your clusters with --state-dir DIR")
            }
            ErrorKind::IsADirectory => ("it is a folder", "move it away, then run the same command again"),
            ErrorKind::ReadOnlyFilesystem => {
                ("the file system cannot be written", "name a folder that can be written with --state-dir DIR")
            }
            _ => return anyhow::Error::new(error).context(format!("{doing} `{}`", path.display())),
        };
        Mendable::usage(format!("{doing} `{}`: {why}", path.display()), hint).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_can_mend_is_a_matter_of_usage() {
        let failure = |kind: ErrorKind| {
            crate::Failure::from(access::<()>(Err(kind.into()), Path::new("/a/b"), "writing").unwrap_err())
        };
        for (kind, exit_code, message) in [
            (ErrorKind::PermissionDenied, 2, "writing `/a/b`: permission denied"),
            (ErrorKind::NotADirectory, 2, "writing `/a/b`: a part of this path is a file, not a folder"),
            (ErrorKind::AlreadyExists, 2, "writing `/a/b`: a part of this path is a file, not a folder"),
            (ErrorKind::IsADirectory, 2, "writing `/a/b`: it is a folder"),
            (ErrorKind::ReadOnlyFilesystem, 2, "writing `/a/b`: the file system cannot be written"),
            (ErrorKind::StorageFull, 1, "writing `/a/b`"),
        ] {
            let failure = failure(kind);
            assert_eq!(failure.exit_code(), exit_code, "{kind}");
            assert!(failure.to_string().contains(message), "{failure}");
        }
    }
}
