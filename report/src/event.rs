//! What can happen, in a form that programs read: one JSON object a line, `event` names the kind.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde::Serialize;

/// Something that happened. No event carries a secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// One line for people.
    Note { text: String },
    /// What is going to be done, in resources.
    Plan { create: usize, update: usize, wait: usize, keep: usize },
    /// A resource's step began.
    StepStarted { resource: String, action: &'static str },
    /// It ended well.
    StepFinished { resource: String, action: &'static str, seconds: f64 },
    /// It ended badly.
    StepFailed { resource: String, error: String },
    /// Checks of the machines began.
    ReadinessStarted { nodes: usize },
    /// A node passed a check.
    CheckPassed { node: String, check: &'static str, detail: String },
    /// A node passed a check, but is not as it should be.
    CheckDegraded { node: String, check: &'static str, detail: String },
    /// A node did not pass a check before its deadline.
    CheckFailed { node: String, check: &'static str, reason: String },
    /// Components that start or stop together come next.
    SubsystemStarted { name: String },
    /// A component's state, in systemd's words: `active`/`running` is the end of a start.
    ComponentChanged { component: String, active: &'static str, sub: String, running: usize, wanted: usize },
    /// The run ended.
    Finished { exit_code: u8, seconds: f64 },
}

/// Where events go.
pub struct EventSink {
    output: Mutex<Box<dyn Write + Send>>,
}

impl EventSink {
    /// A file, emptied first, mode 0600; `-` is stdout.
    pub fn open(target: &Path) -> anyhow::Result<Self> {
        let output: Box<dyn Write + Send> = if target == Path::new("-") {
            Box::new(std::io::stdout())
        } else {
            let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(target);
            Box::new(file.with_context(|| format!("opening `{}` for events", target.display()))?)
        };
        Ok(Self { output: Mutex::new(output) })
    }

    /// Writes one line.
    pub fn write(&self, event: &Event) {
        #[derive(Serialize)]
        struct Line<'a> {
            /// Seconds since 1970, with milliseconds.
            time: f64,
            #[serde(flatten)]
            event: &'a Event,
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let time = (since_1970.as_secs_f64() * 1000.0).round() / 1000.0;
        if let Ok(text) = serde_json::to_string(&Line { time, event }) {
            let mut output = self.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // A reader that went away must not end a run that builds a cluster.
            let _ = writeln!(output, "{text}").and_then(|()| output.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events");
        let sink = EventSink::open(&file).unwrap();
        sink.write(&Event::Note { text: "two\nlines".into() });
        sink.write(&Event::Finished { exit_code: 5, seconds: 1.5 });
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[1]["exit_code"]), (&"note".into(), &5.into()));
        assert!(lines[0]["time"].is_f64());
    }
}
