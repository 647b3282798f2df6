//! The time that operations and requests are recorded with.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time.
pub(crate) fn now_milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
