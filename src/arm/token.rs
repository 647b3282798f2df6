//! Why a request was not answered: there is no token, the host that gives tokens is out of reach, or ARM's own is.

use azure_core::error::ErrorKind;

use super::answer::shown;
use super::error::{ArmError, ArmErrorKind};
use super::retry::{FailedTry, Reason};

/// What the tools of developers print when they reach nobody; they tell their errors in words only.
const OFFLINE: [&str; 6] = [
    "Max retries exceeded",
    "Failed to establish a new connection",
    "Failed to resolve",
    "name resolution",
    "no such host",
    "connection refused",
];

/// What `azure_core`'s error means.
pub(super) fn failed_try(error: &azure_core::Error, doing: &str) -> FailedTry {
    let failed = |kind, message: String, reason| FailedTry { error: ArmError::local(kind, doing, message), reason };
    if *error.kind() != ErrorKind::Credential {
        return failed(ArmErrorKind::Unreachable, chain(error), Reason::Unanswered);
    }
    match Refusal::of(error) {
        Refusal::Final => failed(ArmErrorKind::SignIn, chain(error), Reason::NotSignedIn),
        Refusal::OutOfReach(cause) => {
            let message = format!("the host that signs in is out of reach: {cause}");
            failed(ArmErrorKind::Unreachable, message, Reason::Unanswered)
        }
        Refusal::Stranger(cause) => {
            let message = format!(
                "the answer to the sign-in is not Microsoft Entra's ({cause}); a captive portal (a network's sign-in page) or a \
                 proxy seems to stand between"
            );
            failed(ArmErrorKind::NotAzure, message, Reason::Stranger { status: 200, retry_after: None })
        }
    }
}

/// Why there is no token.
#[derive(Debug, PartialEq)]
enum Refusal {
    /// Whoever gives tokens said no, or nobody is signed in.
    Final,
    OutOfReach(String),
    Stranger(String),
}

impl Refusal {
    /// `azure_identity` wraps what happened once or more.
    fn of(error: &azure_core::Error) -> Self {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(inner) = source {
            if let Some(inner) = inner.downcast_ref::<azure_core::Error>() {
                match inner.kind() {
                    ErrorKind::Connection | ErrorKind::Io => return Self::OutOfReach(chain(inner)),
                    ErrorKind::HttpResponse { status, .. }
                        if u16::from(*status) >= 500 || u16::from(*status) == 429 =>
                    {
                        return Self::OutOfReach(chain(inner));
                    }
                    ErrorKind::HttpResponse { .. } => return Self::Final,
                    ErrorKind::DataConversion => return Self::Stranger(shown(&inner.to_string())),
                    _ => {}
                }
            }
            source = inner.source();
        }
        let text = chain(error);
        let lower = text.to_lowercase();
        if OFFLINE.iter().any(|words| lower.contains(&words.to_lowercase())) {
            return Self::OutOfReach(text);
        }
        Self::Final
    }
}

/// What `azure_core` says of every request that is not answered; its source says why.
const HOLLOW: [&str; 3] = ["failed to execute `reqwest` request", "non-transport error", "retry policy expired"];

/// The error with its sources, each once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        source = inner.source();
    }
    if parts.len() > 1 {
        let last = parts.len() - 1;
        let is_hollow = |part: &String| HOLLOW.iter().any(|words| part.starts_with(words));
        let told = parts.iter().enumerate().filter(|(index, part)| *index == last || !is_hollow(part));
        return told.map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(": ");
    }
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::Error;
    use azure_core::http::StatusCode;

    /// As `azure_identity` wraps what happened.
    fn credential(inner: Error) -> Error {
        Error::with_error(ErrorKind::Credential, inner.with_context("no more tries"), "ClientSecretCredential failed")
    }

    fn answered(status: StatusCode) -> Error {
        let kind = ErrorKind::HttpResponse { status, error_code: None, raw_response: None };
        credential(Error::with_message(kind, "AADSTS7000222: expired"))
    }

    #[test]
    fn out_of_reach_is_told_from_refused() {
        let with = |kind, message: &'static str| Error::with_message(kind, message);
        for (error, expected) in [
            (with(ErrorKind::Io, "reset"), ArmErrorKind::Unreachable),
            (credential(with(ErrorKind::Connection, "no such host")), ArmErrorKind::Unreachable),
            (credential(with(ErrorKind::Io, "reset")), ArmErrorKind::Unreachable),
            (answered(StatusCode::ServiceUnavailable), ArmErrorKind::Unreachable),
            (answered(StatusCode::Unauthorized), ArmErrorKind::SignIn),
            (credential(with(ErrorKind::DataConversion, "expected value at line 1")), ArmErrorKind::NotAzure),
            (with(ErrorKind::Credential, "Please run 'az login' to setup account."), ArmErrorKind::SignIn),
            (
                with(ErrorKind::Credential, "HTTPSConnectionPool(host='login', port=443): Max retries exceeded"),
                ArmErrorKind::Unreachable,
            ),
        ] {
            let found = failed_try(&error, "reading x");
            assert_eq!(found.error.kind, expected, "{error}");
        }
    }
}
