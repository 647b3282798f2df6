//! Which failures are worth asking again, and after how long. Pure decisions; `request` does the waiting.

use std::time::Duration;

use rand::RngExt as _;

use super::error::ArmError;
use super::patience::{LEAST_ATTEMPTS, Patience};

/// First wait without a `Retry-After`.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait without a `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A proxy's hiccup is over after a moment; a captive portal stays.
const STRANGER_ATTEMPTS: u32 = 3;

/// Codes of a 409 that mean "later", not "no": another write holds the resource's lock.
const LOCK_CODES: [&str; 5] = [
    "AnotherOperationInProgress",
    "RetryableError",
    "RetryableErrorDueToAnotherOperation",
    "ReferencedResourceNotProvisioned",
    "CanceledAndSupersededDueToAnotherOperation",
];

/// A try that came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FailedTry {
    pub error: ArmError,
    pub reason: Reason,
}

/// Why a try came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// ARM said no, or not yet.
    Refused { retry_after: Option<Duration> },
    /// ARM does not know yet what this program has just made.
    LateReplica,
    /// Somebody else answered, with this HTTP status.
    Stranger { status: u16, retry_after: Option<Duration> },
    /// Nobody answered.
    Unanswered,
    /// There is no token, for a reason that does not pass.
    NotSignedIn,
}

/// What to do after a failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask again after this time.
    Again(Duration),
    /// The error stands.
    End,
    /// Azure asks for a wait that goes beyond the request's deadline.
    TooLate(Duration),
}

/// What to do after try number `attempt` (1 for the first), `elapsed` after the first one began.
pub(super) fn next(failed: &FailedTry, attempt: u32, elapsed: Duration, patience: &Patience) -> Next {
    let (status, retry_after) = match failed.reason {
        Reason::Refused { retry_after } => (failed.error.status.unwrap_or_default(), retry_after),
        Reason::LateReplica => (503, None),
        Reason::Stranger { status, retry_after } => (status, retry_after),
        Reason::Unanswered => (0, None),
        Reason::NotSignedIn => return Next::End,
    };
    let is_later = is_retryable(status, failed.error.code.as_deref());
    let (deadline, is_worth_it) = match failed.reason {
        Reason::Unanswered => (patience.unreachable, true),
        Reason::Stranger { .. } if !is_later => (patience.unreachable, attempt < STRANGER_ATTEMPTS),
        _ => (patience.request, is_later),
    };
    let wait = wait(attempt, retry_after.filter(|_| is_later));
    let is_in_time = elapsed + wait <= deadline;
    let is_nobody = matches!(failed.reason, Reason::Unanswered | Reason::Stranger { .. });
    let is_owed = is_nobody && attempt < LEAST_ATTEMPTS;
    match retry_after.filter(|_| is_later) {
        _ if !is_worth_it => Next::End,
        _ if is_in_time || is_owed => Next::Again(wait),
        Some(asked) => Next::TooLate(asked),
        None => Next::End,
    }
}

/// Whether an answer with this status and code is worth asking again.
fn is_retryable(status: u16, code: Option<&str>) -> bool {
    match status {
        408 | 429 | 500 | 502 | 503 | 504 => true,
        409 => code.is_some_and(|code| LOCK_CODES.iter().any(|known| known.eq_ignore_ascii_case(code))),
        _ => false,
    }
}

/// The wait before try number `attempt` (1 for the second try): what the server asks for, else a growing time with
/// jitter, so that requests refused together do not come back together.
fn wait(attempt: u32, retry_after: Option<Duration>) -> Duration {
    let spread = rand::rng().random_range(0.5..1.0);
    match retry_after {
        // Earlier would restart the server's clock; a little later keeps the herd apart.
        Some(asked) => asked + FIRST_WAIT.mul_f64(spread),
        None => (FIRST_WAIT * 2_u32.saturating_pow(attempt.min(10) - 1)).min(LONGEST_WAIT).mul_f64(spread),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::error::ArmErrorKind;
    use serde_json::json;

    fn refused(status: u16, code: Option<&str>, retry_after: Option<u64>) -> FailedTry {
        let document = json!({"error": {"code": code, "message": "x"}});
        let error = ArmError::from_document(ArmErrorKind::Refused, "x", Some(status), &document, None);
        FailedTry { error, reason: Reason::Refused { retry_after: retry_after.map(Duration::from_secs) } }
    }

    fn other(reason: Reason) -> FailedTry {
        FailedTry { error: ArmError::local(ArmErrorKind::NotAzure, "x", "y"), reason }
    }

    #[test]
    fn locks_are_told_from_refusals() {
        for (status, code, retryable) in [
            (409, Some("AnotherOperationInProgress"), true),
            (409, Some("retryableerror"), true),
            (409, Some("OperationNotAllowed"), false),
            (409, None, false),
            (429, Some("SubscriptionRequestsThrottled"), true),
            (400, Some("InvalidParameter"), false),
            (404, Some("ResourceNotFound"), false),
            (503, None, true),
        ] {
            assert_eq!(is_retryable(status, code), retryable, "{status} {code:?}");
        }
    }

    #[test]
    fn every_way_has_an_end() {
        let patience = Patience::default();
        let stranger = |status| other(Reason::Stranger { status, retry_after: None });
        let silent = || other(Reason::Unanswered);
        for (failed, attempt, elapsed, expected) in [
            (refused(429, Some("TooManyRequests"), Some(20)), 1, 0, "again"),
            (refused(429, Some("TooManyRequests"), Some(86_400)), 1, 0, "too late"),
            (refused(429, Some("TooManyRequests"), Some(200)), 2, 200, "too late"),
            (refused(503, None, None), 9, 299, "end"),
            (refused(409, Some("OperationNotAllowed"), Some(20)), 1, 0, "end"),
            (other(Reason::LateReplica), 3, 60, "again"),
            (stranger(200), 1, 60, "again"),
            (stranger(200), 2, 60, "end"),
            (stranger(200), 3, 2, "end"),
            (stranger(302), 3, 2, "end"),
            (stranger(503), 9, 60, "again"),
            (silent(), 1, 60, "again"),
            (silent(), 2, 60, "end"),
            (silent(), 5, 5, "again"),
            (other(Reason::NotSignedIn), 1, 0, "end"),
        ] {
            let found = match next(&failed, attempt, Duration::from_secs(elapsed), &patience) {
                Next::Again(_) => "again",
                Next::End => "end",
                Next::TooLate(_) => "too late",
            };
            assert_eq!(found, expected, "{failed:?} {attempt} {elapsed}");
        }
    }

    #[test]
    fn waits_grow_and_are_never_shorter_than_asked() {
        for attempt in 1..40 {
            let free = wait(attempt, None);
            assert!(free <= LONGEST_WAIT && free >= FIRST_WAIT / 2, "{attempt}: {free:?}");
            assert!(wait(attempt, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
        }
    }
}
