//! Which routers asked for their routes, and when: `server` notes it, `doctor` reads it. A router that was given a configuration
//! which it refuses stops asking, serves the routes of before, and says nothing more of it itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// More are forgotten, the longest silent first: addresses of routers that were replaced.
const MOST: usize = 1000;

/// Who asked, since the program started.
#[derive(Debug)]
pub struct Asked {
    since: Instant,
    last: Mutex<BTreeMap<IpAddr, Instant>>,
}

impl Asked {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self { since: Instant::now(), last: Mutex::default() }
    }

    /// Notes that a router asked now.
    pub fn note(&self, router: IpAddr) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.insert(router, Instant::now());
        if last.len() > MOST
            && let Some(oldest) = last.iter().min_by_key(|(_, at)| **at).map(|(router, _)| *router)
        {
            last.remove(&oldest);
        }
    }

    /// A line `up SECONDS`, then one for each router, `ADDRESS SECONDS` since it asked last.
    pub fn text(&self) -> String {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = |duration: Duration| duration.as_secs();
        let up = format!("up {}\n", seconds(self.since.elapsed()));
        let lines = last.iter().map(|(router, at)| format!("{router} {}\n", seconds(at.elapsed())));
        std::iter::once(up).chain(lines).collect()
    }
}

impl Default for Asked {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_time_counts_and_the_oldest_are_forgotten() {
        let asked = Asked::new();
        for _ in 0..2 {
            asked.note([10, 0, 0, 1].into());
        }
        assert_eq!(asked.text(), "up 0\n10.0.0.1 0\n");
        for number in 0..MOST as u32 {
            asked.note(IpAddr::V4(number.into()));
        }
        let text = asked.text();
        assert_eq!(text.lines().count(), 1 + MOST);
        assert!(!text.contains("10.0.0.1 "), "it asked longest ago");
    }
}
