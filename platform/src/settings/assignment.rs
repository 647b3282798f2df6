//! `key=value` as a user writes it.

use std::path::PathBuf;

/// A key and its new value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub key: String,
    pub value: String,
}

/// Why a text is no assignment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssignmentError {
    #[error("`{0}` is not KEY=VALUE")]
    NoAssignment(String),
    #[error("`{0}` cannot be a key: a key has no space and no `/`")]
    Key(String),
    #[error("reading `{}` for `{key}`: {reason}", file.display())]
    File { key: String, file: PathBuf, reason: String },
}

impl Assignment {
    /// Reads `key=value`, or `key=@file` for a file's content; `key=@@value` for a value that starts with `@`. All that
    /// follows the first `=` is the value.
    pub(crate) fn parse<E: std::fmt::Display>(
        text: &str,
        read: impl Fn(&std::path::Path) -> Result<String, E>,
    ) -> Result<Self, AssignmentError> {
        let no_assignment = || AssignmentError::NoAssignment(text.split('=').next().unwrap_or_default().to_owned());
        let (key, value) = text.split_once('=').ok_or_else(no_assignment)?;
        if key.is_empty() {
            return Err(no_assignment());
        }
        if key.contains(['/', ' ']) {
            return Err(AssignmentError::Key(key.to_owned()));
        }
        let value = match value.strip_prefix('@') {
            Some(escaped) if escaped.starts_with('@') => escaped.to_owned(),
            Some(file) => {
                let file = PathBuf::from(file);
                read(&file).map_err(|error| AssignmentError::File {
                    key: key.to_owned(),
                    file,
                    reason: error.to_string(),
                })?
            }
            None => value.to_owned(),
        };
        Ok(Self { key: key.to_owned(), value })
    }
}

impl std::fmt::Debug for Assignment {
    /// The value may be a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Assignment({})", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments() {
        let read = |path: &std::path::Path| match path.to_str() {
            Some("key.pem") => Ok("-----BEGIN\nx=\n".to_owned()),
            _ => Err("it is missing"),
        };
        for (text, expected) in [
            ("domain=example.test", Some(("domain", "example.test"))),
            ("a=b=c=", Some(("a", "b=c="))),
            ("a=", Some(("a", ""))),
            ("sslKey=@key.pem", Some(("sslKey", "-----BEGIN\nx=\n"))),
            ("at=@@home", Some(("at", "@home"))),
            ("a=@missing", None),
            ("=x", None),
            ("domain", None),
            ("a b=c", None),
        ] {
            let assignment = Assignment::parse(text, read).ok();
            let found = assignment.as_ref().map(|found| (found.key.as_str(), found.value.as_str()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
