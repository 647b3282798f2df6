//! How many requests ARM and Compute take: token buckets per kind of request, and one per machine for polling.
//! Source: Azure's "Understand how Azure Resource Manager throttles requests" and "Compute throttling limits".

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};

use crate::arm::error::ArmError;
use crate::bucket::Bucket;

const READS: (u32, f64) = (250, 25.0);
const WRITES: (u32, f64) = (200, 10.0);
const DELETES: (u32, f64) = (200, 10.0);
/// GETs of one machine's operations: 45, and 15 more a minute.
const POLLS: (u32, f64) = (45, 0.25);

struct Buckets {
    reads: Bucket,
    writes: Bucket,
    deletes: Bucket,
    polls: HashMap<String, Bucket>,
}

/// The buckets of the one subscription.
pub(crate) struct Throttle {
    buckets: Mutex<Buckets>,
    started: Instant,
    /// Refills are this much faster.
    speed: f64,
}

/// What is left, as the answer's headers tell it.
pub(crate) struct Remaining {
    pub header: &'static str,
    pub requests: u32,
}

impl Throttle {
    /// Full buckets that refill `1 / time_scale` times as fast as Azure's.
    pub(crate) fn new(time_scale: f64) -> Self {
        let speed = 1.0 / time_scale;
        let bucket = |(capacity, per_second): (u32, f64)| Bucket::full(capacity, per_second * speed);
        let buckets =
            Buckets { reads: bucket(READS), writes: bucket(WRITES), deletes: bucket(DELETES), polls: HashMap::new() };
        Self { buckets: Mutex::new(buckets), started: Instant::now(), speed }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request from the subscription's bucket.
    pub(crate) fn take(&self, method: &Method) -> Result<Remaining, ArmError> {
        let now = self.started.elapsed();
        let mut buckets = self.buckets();
        let (taken, header, what) = match *method {
            Method::GET | Method::HEAD => {
                (buckets.reads.take(now), "x-ms-ratelimit-remaining-subscription-reads", "read")
            }
            Method::DELETE => (buckets.deletes.take(now), "x-ms-ratelimit-remaining-subscription-deletes", "delete"),
            _ => (buckets.writes.take(now), "x-ms-ratelimit-remaining-subscription-writes", "write"),
        };
        let requests = taken.map_err(|wait| {
            throttled("SubscriptionRequestsThrottled", format!("Number of '{what}' requests for subscription exceeded the limit. Please try again after '{}' seconds.", seconds(wait)), wait)
        })?;
        Ok(Remaining { header, requests })
    }

    /// Takes a poll from a machine's own bucket.
    pub(crate) fn take_poll(&self, vm_key: &str) -> Result<(), ArmError> {
        let now = self.started.elapsed();
        let (capacity, per_second) = POLLS;
        let fresh = || Bucket::full(capacity, per_second * self.speed);
        let taken = self.buckets().polls.entry(vm_key.to_owned()).or_insert_with(fresh).take(now);
        taken.map(|_| ()).map_err(|wait| {
            throttled("TooManyRequests", "The request is being throttled as the limit has been reached for operation type - GetOperation of this resource.", wait)
        })
    }
}

fn throttled(code: &str, message: impl Into<String>, wait: Duration) -> ArmError {
    ArmError::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(seconds(wait))
}

fn seconds(wait: Duration) -> u64 {
    (wait.as_secs_f64().ceil() as u64).max(1)
}
