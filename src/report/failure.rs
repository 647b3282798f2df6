//! A run's bad end: what to tell people, and the exit code that tells programs.

use std::fmt;

use crate::arm::{ArmError, ArmErrorKind};
use crate::preflight::Finding;
use crate::spec::Problems;
use crate::ssh::SshError;

/// Exit codes; they are an interface and listed in the README.
pub mod exit_code {
    pub const DONE: u8 = 0;
    /// A bug, or something nobody thought of.
    pub const UNEXPECTED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const INVALID_SPEC: u8 = 3;
    pub const SIGN_IN: u8 = 4;
    /// Quota, policy, a name that is taken.
    pub const AZURE_REFUSED: u8 = 5;
    /// No answer, or none in time.
    pub const AZURE_UNREACHABLE: u8 = 6;
    pub const HOST_UNREACHABLE: u8 = 7;
    /// A cluster or a platform that is there but not well.
    pub const UNHEALTHY: u8 = 8;
    /// `plan --exit-code`: something is to be done.
    pub const CHANGES_PENDING: u8 = 10;
    /// Stopped by the user; running again goes on.
    pub const INTERRUPTED: u8 = 130;
}

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
    Azure { errors: Vec<ArmError>, hint: String },
    /// A service other than Azure that does not answer.
    Unreachable { doing: String, cause: String, hint: String },
    /// Nodes that do not answer on SSH.
    Host { errors: Vec<(String, SshError)>, unhealthy: Vec<String>, hint: String },
    /// Nodes or services that are not well.
    Unhealthy { reasons: Vec<String>, hint: String },
    /// Ctrl-C, SIGTERM or SIGHUP.
    Interrupted { hint: String },
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    /// One error of Azure with what to run next.
    pub fn azure(error: ArmError, hint: impl Into<String>) -> Self {
        Self::Azure { errors: vec![error], hint: hint.into() }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit_code::USAGE,
            Self::Spec(_) => exit_code::INVALID_SPEC,
            Self::Azure { errors, .. } => errors.iter().map(code_of).min().unwrap_or(exit_code::UNEXPECTED),
            Self::Preflight { .. } => exit_code::AZURE_REFUSED,
            Self::Unreachable { .. } => exit_code::AZURE_UNREACHABLE,
            Self::Host { .. } => exit_code::HOST_UNREACHABLE,
            Self::Unhealthy { .. } => exit_code::UNHEALTHY,
            Self::Interrupted { .. } => exit_code::INTERRUPTED,
            Self::Other(_) => exit_code::UNEXPECTED,
        }
    }
}

/// Sign-in first, then refusals, then silence: the smallest code is the one to mend first.
fn code_of(error: &ArmError) -> u8 {
    match error.kind {
        ArmErrorKind::SignIn => exit_code::SIGN_IN,
        ArmErrorKind::Refused | ArmErrorKind::OperationFailed => exit_code::AZURE_REFUSED,
        ArmErrorKind::Unreachable => exit_code::AZURE_UNREACHABLE,
        ArmErrorKind::Unexpected => exit_code::UNEXPECTED,
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
                for (node, error) in errors {
                    writeln!(formatter, "error: reaching node `{node}` over SSH\ncause: {error}")?;
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

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
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
    use serde_json::json;

    #[test]
    fn azures_words_reach_the_user() {
        let document = json!({"error": {"code": "QuotaExceeded", "message": "no cores left"}});
        let doing = "creating virtual machine `x`";
        let error = ArmError::from_document(ArmErrorKind::Refused, doing, Some(409), &document, Some("r-1".into()));
        let failure = Failure::azure(error, "azure-coreos-cluster x");
        let expected = "error: creating virtual machine `x`\ncause: QuotaExceeded: no cores left\n\
                        request id: r-1\nhint: azure-coreos-cluster x";
        assert_eq!((failure.to_string().as_str(), failure.exit_code()), (expected, 5));
    }

    #[test]
    fn the_code_to_mend_first_wins() {
        let error = |kind| ArmError::local(kind, "x", "y");
        for (kinds, code) in [
            (vec![ArmErrorKind::Unreachable, ArmErrorKind::Refused], 5),
            (vec![ArmErrorKind::Refused, ArmErrorKind::SignIn], 4),
            (vec![ArmErrorKind::Unreachable], 6),
        ] {
            let failure = Failure::Azure { errors: kinds.iter().copied().map(error).collect(), hint: String::new() };
            assert_eq!(failure.exit_code(), code, "{kinds:?}");
        }
    }
}
