//! Token buckets as ARM throttles with. The clock is handed in.

use std::time::Duration;

/// Tokens that refill steadily up to a capacity.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    filled_at: Duration,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn full(capacity: u32, per_second: f64) -> Self {
        let capacity = f64::from(capacity);
        Self { capacity, per_second, tokens: capacity, filled_at: Duration::ZERO }
    }

    /// Takes a token at `now` (time since any fixed point) and tells how many are left, or how long until there is one.
    pub(crate) fn take(&mut self, now: Duration) -> Result<u32, Duration> {
        let passed = now.saturating_sub(self.filled_at);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.capacity);
        self.filled_at = self.filled_at.max(now);
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second));
        }
        self.tokens -= 1.0;
        Ok(self.tokens as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_refills_and_never_overflows() {
        let mut bucket = Bucket::full(3, 2.0);
        let at = Duration::from_millis;
        assert_eq!(bucket.take(at(0)), Ok(2));
        assert_eq!(bucket.take(at(0)), Ok(1));
        assert_eq!(bucket.take(at(0)), Ok(0));
        assert_eq!(bucket.take(at(0)), Err(at(500)));
        assert_eq!(bucket.take(at(250)), Err(at(250)));
        assert_eq!(bucket.take(at(500)), Ok(0));
        assert_eq!(bucket.take(at(60_000)), Ok(2));
        // A clock that stands still or steps back gives nothing.
        assert_eq!(bucket.take(at(59_000)), Ok(1));
        assert_eq!(bucket.take(at(60_000)), Ok(0));
        assert!(bucket.take(at(60_000)).is_err());
    }
}
