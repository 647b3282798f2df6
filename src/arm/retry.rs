//! Which answers are worth asking again, and after how long. Pure decisions; the client does the waiting.

use std::time::Duration;

use rand::RngExt as _;

/// One request is tried this long before its last error is reported.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// Without any answer at all, people want to know sooner; but never before `LEAST_ATTEMPTS`, because one silent try can
/// take longer than this by itself.
pub const UNREACHABLE_DEADLINE: Duration = Duration::from_secs(30);
/// See `UNREACHABLE_DEADLINE`.
pub const LEAST_ATTEMPTS: u32 = 2;
/// First wait without a `Retry-After`.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait without a `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Codes of a 409 that mean "later", not "no": another write holds the resource's lock.
const LOCK_CODES: [&str; 5] = [
    "AnotherOperationInProgress",
    "RetryableError",
    "RetryableErrorDueToAnotherOperation",
    "ReferencedResourceNotProvisioned",
    "CanceledAndSupersededDueToAnotherOperation",
];

/// Whether an answer with this status and code is worth asking again.
pub fn is_retryable(status: u16, code: Option<&str>) -> bool {
    match status {
        408 | 429 | 500 | 502 | 503 | 504 => true,
        409 => code.is_some_and(|code| LOCK_CODES.iter().any(|known| known.eq_ignore_ascii_case(code))),
        _ => false,
    }
}

/// The wait before try number `attempt` (1 for the second try): what the server asks for, else a growing time with
/// jitter, so that requests refused together do not come back together.
pub fn wait(attempt: u32, retry_after: Option<Duration>) -> Duration {
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
    fn waits_grow_and_are_never_shorter_than_asked() {
        for attempt in 1..40 {
            let free = wait(attempt, None);
            assert!(free <= LONGEST_WAIT && free >= FIRST_WAIT / 2, "{attempt}: {free:?}");
            assert!(wait(attempt, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
        }
    }
}
