//! Keeps this program below ARM's limits, so that Azure need not refuse anything.
//!
//! <https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling>

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Requests at once, and refill per second.
const READS: (f64, f64) = (250.0, 25.0);
const WRITES: (f64, f64) = (200.0, 10.0);

/// One bucket for reads, one for everything else.
#[derive(Debug)]
pub(super) struct Buckets {
    reads: Mutex<Bucket>,
    writes: Mutex<Bucket>,
}

/// Which of ARM's limits a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// GET.
    Read,
    /// Everything else.
    Write,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    refill_per_second: f64,
    /// Negative while requests are waiting for tokens that are promised to them.
    tokens: f64,
    counted_at: Instant,
}

impl Buckets {
    /// Full buckets of ARM's size.
    pub(super) fn new() -> Self {
        Self { reads: Mutex::new(Bucket::new(READS)), writes: Mutex::new(Bucket::new(WRITES)) }
    }

    /// Returns when a request may be sent, in the order of the calls.
    pub(super) async fn acquire(&self, traffic: Traffic) {
        let bucket = match traffic {
            Traffic::Read => &self.reads,
            Traffic::Write => &self.writes,
        };
        let wait = bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

impl Bucket {
    fn new((capacity, refill_per_second): (f64, f64)) -> Self {
        Self { capacity, refill_per_second, tokens: capacity, counted_at: Instant::now() }
    }

    /// Takes a token and tells how long its owner must wait for it.
    fn take(&mut self, now: Instant) -> Duration {
        let elapsed = now.saturating_duration_since(self.counted_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.refill_per_second).min(self.capacity);
        self.counted_at = now;
        self.tokens -= 1.0;
        if self.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-self.tokens / self.refill_per_second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_waits_its_turn() {
        let mut bucket = Bucket::new((2.0, 10.0));
        let start = bucket.counted_at;
        let waits: Vec<u128> = (0..4).map(|_| bucket.take(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 100, 200]);
        assert_eq!(bucket.take(start + Duration::from_secs(60)), Duration::ZERO, "refilled");
        assert!(bucket.tokens <= 2.0, "never above capacity");
    }
}
