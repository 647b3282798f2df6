//! A run's bad end: what to tell people, and the exit code that tells programs.

use std::fmt;

use diagnostics::{Origin, Problems};

use crate::exit_code;
use crate::finding::Finding;
use crate::mendable::Mendable;

/// Why a command ended badly.
#[derive(Debug)]
pub enum Failure {
    /// The arguments contradict each other.
    Usage(String),
    /// The spec has mistakes.
    Spec(Problems),
    /// Azure would say no; all of it, found beforehand.
    Preflight { findings: Vec<Finding> },
    /// Azure said no or nothing; one error per step that failed.
    Azure { errors: Vec<ServiceError>, hint: String },
    /// A service other than Azure that does not answer.
    Unreachable { doing: String, cause: String, hint: String },
    /// Nodes that do not answer on SSH.
    Host { errors: Vec<NodeError>, unhealthy: Vec<String>, hint: String },
    /// Nodes or services that are not well.
    Unhealthy { reasons: Vec<String>, hint: String },
    /// Ctrl-C, SIGTERM or SIGHUP.
    Interrupted { hint: String },
    /// Anything else.
    Other(anyhow::Error),
}

/// What Azure said no to, or did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// What we were doing, in words: ``creating virtual machine `x` ``.
    pub doing: String,
    /// Azure's code, such as `QuotaExceeded`.
    pub code: Option<String>,
    /// Azure's message, or the transport's.
    pub message: String,
    /// `x-ms-request-id`, which Azure's support asks for.
    pub request_id: Option<String>,
    /// One of [`exit_code`]: 4, 5, 6 or 1.
    pub exit_code: u8,
}

/// Why a node was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeError {
    pub node: String,
    pub cause: String,
}

impl Failure {
    /// One error of Azure with what to run next.
    pub fn azure(error: impl Into<ServiceError>, hint: impl Into<String>) -> Self {
        Self::Azure { errors: vec![error.into()], hint: hint.into() }
    }

    /// Errors of several steps with what to run next.
    pub fn azure_all(errors: impl IntoIterator<Item = impl Into<ServiceError>>, hint: impl Into<String>) -> Self {
        Self::Azure { errors: errors.into_iter().map(Into::into).collect(), hint: hint.into() }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit_code::USAGE,
            Self::Spec(_) => exit_code::INVALID_SPEC,
            // Sign-in first, then refusals, then silence: the smallest code is the one to mend first.
            Self::Azure { errors, .. } => {
                errors.iter().map(|error| error.exit_code).min().unwrap_or(exit_code::UNEXPECTED)
            }
            Self::Preflight { .. } => exit_code::AZURE_REFUSED,
            Self::Unreachable { .. } => exit_code::AZURE_UNREACHABLE,
            Self::Host { .. } => exit_code::HOST_UNREACHABLE,
            Self::Unhealthy { .. } => exit_code::UNHEALTHY,
            Self::Interrupted { .. } => exit_code::INTERRUPTED,
            Self::Other(_) => exit_code::UNEXPECTED,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => write!(formatter, "error: {message}"),
            Self::Spec(problems) => {
                for (index, problem) in problems.iter().enumerate() {
                    let lead = if index == 0 { "" } else { "\n" };
                    write!(formatter, "{lead}error: {}: {}", problem.origin, problem.message)?;
                    if let Some(hint) = &problem.hint {
                        write!(formatter, "\nhint: {hint}")?;
                    }
                }
                Ok(())
            }
            Self::Preflight { findings } => {
                for (index, finding) in findings.iter().enumerate() {
                    let lead = if index == 0 { "" } else { "\n" };
                    write!(formatter, "{lead}error: {finding}\nhint: {}", finding.remedy)?;
                }
                Ok(())
            }
            Self::Azure { errors, hint } => {
                for error in errors {
                    writeln!(formatter, "error: {}", error.doing)?;
                    match &error.code {
                        Some(code) => writeln!(formatter, "cause: {code}: {}", error.message)?,
                        None => writeln!(formatter, "cause: {}", error.message)?,
                    }
                    if let Some(id) = &error.request_id {
                        writeln!(formatter, "request id: {id}")?;
                    }
                }
                write!(formatter, "hint: {hint}")
            }
            Self::Unreachable { doing, cause, hint } => {
                write!(formatter, "error: {doing}\ncause: {cause}\nhint: {hint}")
            }
            Self::Host { errors, unhealthy, hint } => {
                for NodeError { node, cause } in errors {
                    writeln!(formatter, "error: reaching node `{node}` over SSH\ncause: {cause}")?;
                }
                for reason in unhealthy {
                    writeln!(formatter, "error: {reason}")?;
                }
                write!(formatter, "hint: {hint}")
            }
            Self::Unhealthy { reasons, hint } => {
                for reason in reasons {
                    writeln!(formatter, "error: {reason}")?;
                }
                write!(formatter, "hint: {hint}")
            }
            Self::Interrupted { hint } => write!(formatter, "error: interrupted\nhint: {hint}"),
            Self::Other(error) => {
                let mut chain = error.chain();
                write!(formatter, "error: {}", chain.next().map(ToString::to_string).unwrap_or_default())?;
                for cause in chain {
                    write!(formatter, "\ncause: {cause}")?;
                }
                Ok(())
            }
        }
    }
}

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

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.chain().find_map(|cause| cause.downcast_ref::<Mendable>()) {
            Some(mendable) => mendable.clone().into(),
            None => Self::Other(error),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Spec(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(exit_code: u8) -> ServiceError {
        ServiceError {
            doing: "creating virtual machine `x`".into(),
            code: Some("QuotaExceeded".into()),
            message: "no cores left".into(),
            request_id: Some("r-1".into()),
            exit_code,
        }
    }

    #[test]
    fn azures_words_reach_the_user() {
        let failure = Failure::azure(error(exit_code::AZURE_REFUSED), "azure-coreos-cluster x");
        let expected = "error: creating virtual machine `x`\ncause: QuotaExceeded: no cores left\n\
                        request id: r-1\nhint: azure-coreos-cluster x";
        assert_eq!((failure.to_string().as_str(), failure.exit_code()), (expected, 5));
    }

    #[test]
    fn what_users_can_mend_is_not_unexpected() {
        use anyhow::Context as _;
        let through = |error: Mendable| Failure::from(Err::<(), _>(error).context("reading").unwrap_err());
        let failure = through(Mendable::usage("`HOME` is not set", "export HOME=DIR"));
        assert_eq!(
            (failure.exit_code(), failure.to_string().as_str()),
            (2, "error: `HOME` is not set\nhint: export HOME=DIR")
        );
        let failure = through(Mendable::file("/x/spec.json", "is damaged", "restore it"));
        assert_eq!(
            (failure.exit_code(), failure.to_string().as_str()),
            (3, "error: `/x/spec.json`: is damaged\nhint: restore it")
        );
    }

    #[test]
    fn the_code_to_mend_first_wins() {
        for (codes, code) in [(vec![6, 5], 5), (vec![5, 4], 4), (vec![6], 6), (vec![1, 6], 1), (vec![1], 1)] {
            let failure = Failure::Azure { errors: codes.iter().copied().map(error).collect(), hint: String::new() };
            assert_eq!(failure.exit_code(), code, "{codes:?}");
        }
    }
}
