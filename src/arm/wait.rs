//! Waits that people should know of: who listens is told at once what is waited for, why, and until when; and again every
//! minute. `arm` prints nothing itself.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::patience::Patience;

/// Another wait for the same reason is told only when it ends this much later than the one that was told.
const SAME_END: Duration = Duration::from_secs(15);
/// Reminders of several waits that began together come together.
const SAME_TIME: Duration = Duration::from_secs(1);

/// A wait that has just begun, or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// What is being done: ``creating load balancer `x` ``.
    pub doing: String,
    /// What Azure said, or that nobody answers.
    pub reason: String,
    /// What is still to wait.
    pub remaining: Duration,
    /// What comes then.
    pub then: Then,
}

/// What comes after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The request is sent again.
    Again,
    /// It is given up.
    GiveUp,
}

/// Is told of waits.
pub(crate) trait WaitListener: fmt::Debug + Send + Sync {
    /// A wait began or goes on.
    fn waiting(&self, wait: &Wait);
}

/// Listens to nothing.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Deaf;

#[cfg(test)]
impl WaitListener for Deaf {
    fn waiting(&self, _: &Wait) {}
}

impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = match self.then {
            Then::Again => "trying again",
            Then::GiveUp => "waiting until",
        };
        let seconds = self.remaining.as_secs_f64().ceil();
        let at = match self.then {
            Then::Again => format!("at {}", clock(self.remaining)),
            Then::GiveUp => clock(self.remaining),
        };
        write!(formatter, "{}: {}; {then} {at} (in {seconds:.0} s)", self.doing, self.reason)
    }
}

/// The time of day in a while, in UTC; with its date when that is another day.
pub(super) fn clock(after: Duration) -> String {
    let now = OffsetDateTime::now_utc();
    let then = now + after;
    let time = format!("{:02}:{:02}:{:02} UTC", then.hour(), then.minute(), then.second());
    if then.date() == now.date() { time } else { format!("{} {time}", then.date()) }
}

/// What has been told, so that a thousand requests that wait for one thing are one line.
#[derive(Debug, Default)]
pub(super) struct Told {
    lines: Mutex<Vec<Line>>,
}

/// A wait that was told and is not over, or was told lately.
#[derive(Debug)]
struct Line {
    reason: String,
    told_at: Instant,
    end: Instant,
}

impl Told {
    /// Whether this wait is news.
    fn is_news(&self, wait: &Wait, now: Instant, patience: &Patience) -> bool {
        let end = now + wait.remaining;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.end > now || now.duration_since(line.told_at) < patience.reminder);
        let is_known = lines.iter().any(|line| {
            let is_recent = now.duration_since(line.told_at) + SAME_TIME < patience.reminder;
            line.reason == wait.reason && end <= line.end + SAME_END && is_recent
        });
        if !is_known {
            lines.retain(|line| line.reason != wait.reason);
            lines.push(Line { reason: wait.reason.clone(), told_at: now, end });
        }
        !is_known
    }

    /// Sleeps, and tells who listens at once and after each `reminder`; shorter waits than `silence` are not told, except
    /// when `is_worrying`.
    pub(super) async fn sleep(&self, wait: Wait, is_worrying: bool, patience: &Patience, listener: &dyn WaitListener) {
        let end = Instant::now() + wait.remaining;
        let is_told = is_worrying || wait.remaining > patience.silence;
        loop {
            let remaining = end.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return;
            }
            if is_told {
                self.tell(Wait { remaining, ..wait.clone() }, patience, listener);
            }
            tokio::time::sleep(remaining.min(patience.reminder)).await;
        }
    }

    /// Tells who listens, unless that is known.
    pub(super) fn tell(&self, wait: Wait, patience: &Patience, listener: &dyn WaitListener) {
        if self.is_news(&wait, Instant::now(), patience) {
            listener.waiting(&wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<u64>>);

    impl WaitListener for Heard {
        fn waiting(&self, wait: &Wait) {
            self.0.lock().unwrap().push(wait.remaining.as_secs());
        }
    }

    fn wait(seconds: u64) -> Wait {
        let remaining = Duration::from_secs(seconds);
        Wait { doing: "creating x".into(), reason: "TooManyRequests: later".into(), remaining, then: Then::Again }
    }

    #[tokio::test]
    async fn long_waits_are_told_at_once() {
        let patience = Patience { silence: Duration::from_millis(50), ..Patience::default() };
        for (milliseconds, worrying, told) in [(10, false, false), (10, true, true), (60, false, true)] {
            let heard = Heard::default();
            let wait = Wait { remaining: Duration::from_millis(milliseconds), ..wait(0) };
            Told::default().sleep(wait, worrying, &patience, &heard).await;
            assert_eq!(!heard.0.lock().unwrap().is_empty(), told, "{milliseconds} {worrying}");
        }
    }

    #[tokio::test]
    async fn many_that_wait_for_one_thing_are_one_line_a_minute() {
        let (patience, told, start) = (Patience::default(), Told::default(), Instant::now());
        for (second, remaining, news) in [
            (0, 150, true),
            (0, 152, false),
            (1, 149, false),
            (2, 200, true),
            (30, 170, false),
            (62, 140, true),
            (63, 139, false),
            (64, 1, false),
            (230, 20, true),
            (231, 1, false),
            (232, 50, true),
        ] {
            let now = start + Duration::from_secs(second);
            assert_eq!(told.is_news(&wait(remaining), now, &patience), news, "{second}");
        }
        let other = Wait { reason: "no answer yet".into(), ..wait(20) };
        assert!(told.is_news(&other, start, &patience), "another reason is news");
    }

    #[test]
    fn a_wait_says_what_why_and_until_when() {
        let text = wait(100).to_string();
        assert!(text.starts_with("creating x: TooManyRequests: later; trying again at "), "{text}");
        assert!(text.ends_with(" UTC (in 100 s)"), "{text}");
    }
}
