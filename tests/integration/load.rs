//! Clients that ask without a pause while something happens, and what they count.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Status and body of a GET for a host and a path through the load balancer's port 80.
pub(crate) type Get<'g> = dyn Fn(&str, &str) -> Result<(u16, String), String> + Sync + 'g;

/// What clients saw, all together.
#[derive(Default)]
pub(crate) struct Load {
    pub requests: usize,
    /// Each one that was not answered with 200.
    pub failed: Vec<String>,
    /// The longest time in which one client got no 200.
    pub longest_silence: Duration,
}

impl Load {
    /// What `clients` saw who asked one request after the other while `work` went on; `what` is told with the counts.
    pub(crate) fn during(
        what: &str,
        clients: usize,
        get: &Get<'_>,
        (host, path): (&str, &str),
        work: impl FnOnce(),
    ) -> Self {
        let done = AtomicBool::new(false);
        let load = std::thread::scope(|scope| {
            let clients: Vec<_> =
                (0..clients).map(|_| scope.spawn(|| Self::of_client(get, host, path, &done))).collect();
            let worked = catch_unwind(AssertUnwindSafe(work));
            done.store(true, Ordering::Relaxed);
            let load = clients.into_iter().map(|client| client.join().unwrap()).fold(Self::default(), Self::and);
            worked.unwrap_or_else(|panic| resume_unwind(panic));
            load
        });
        let Self { requests, failed, longest_silence } = &load;
        eprintln!(
            "while {what}: {requests} requests, {} failed, {:.1} s at most without an answer",
            failed.len(),
            longest_silence.as_secs_f64()
        );
        load
    }

    fn of_client(get: &Get<'_>, host: &str, path: &str, done: &AtomicBool) -> Self {
        let mut load = Self::default();
        let mut last_good = Instant::now();
        while !done.load(Ordering::Relaxed) {
            load.requests += 1;
            match get(host, path) {
                Ok((200, _)) => {
                    load.longest_silence = load.longest_silence.max(last_good.elapsed());
                    last_good = Instant::now();
                }
                other => load.failed.push(format!("request {}: {other:?}", load.requests)),
            }
        }
        load.longest_silence = load.longest_silence.max(last_good.elapsed());
        load
    }

    fn and(mut self, other: Self) -> Self {
        self.requests += other.requests;
        self.failed.extend(other.failed);
        self.longest_silence = self.longest_silence.max(other.longest_silence);
        self
    }

    /// Demands that each of at least `requests` was answered.
    pub(crate) fn demand_none_lost(&self, requests: usize) {
        assert!(
            self.requests >= requests && self.failed.is_empty(),
            "{} of {}: {:#?}",
            self.failed.len(),
            self.requests,
            self.failed
        );
    }

    /// Demands that at most `failed` requests were lost, and that no client went without an answer for `silence`: far more
    /// than it takes, since machines here may be emulated and share their processors with other tests.
    pub(crate) fn demand_at_most(&self, failed: usize, silence: Duration) {
        assert!(self.failed.len() <= failed, "{} of {}: {:#?}", self.failed.len(), self.requests, self.failed);
        assert!(
            self.longest_silence < silence,
            "{:?} without an answer; {silence:?} is the most",
            self.longest_silence
        );
    }
}
