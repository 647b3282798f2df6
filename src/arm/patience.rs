//! How long a client waits, and for what; each bound is told when it is reached.

use std::time::Duration;

/// The bounds of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// One answer, from the request to the last byte of its body.
    pub answer: Duration,
    /// One request with all its tries, from the first one on, while Azure answers "later".
    pub request: Duration,
    /// The same without any answer of Azure, because people want to know sooner; but never before `LEAST_ATTEMPTS`,
    /// because one silent try can take longer than this by itself.
    pub unreachable: Duration,
    /// Who waits longer than this is told at once.
    pub silence: Duration,
    /// And again after each such time.
    pub reminder: Duration,
}

/// See [`Patience::unreachable`].
pub(super) const LEAST_ATTEMPTS: u32 = 2;

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(120),
            request: Duration::from_secs(5 * 60),
            unreachable: Duration::from_secs(30),
            silence: Duration::from_secs(15),
            reminder: Duration::from_secs(60),
        }
    }
}
