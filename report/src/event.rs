//! What can happen, in a form that programs read: one JSON object a line, `event` names the kind.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rustix::fs::OFlags;
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

/// Why this process's events did not all reach their reader; like stdout, there is one such stream a process.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// Why events were lost, when any were. Whoever ends the process tells it: a run that builds a cluster is not cut off
/// because nobody can read about it.
pub(crate) fn lost_events() -> Option<String> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Where events go.
pub struct EventSink {
    /// None after a line could not be written: what came later would follow half a line.
    output: Mutex<Option<Box<dyn Write + Send>>>,
    target: String,
}

impl EventSink {
    /// A file, emptied first, mode 0600; `-` is stdout. A pipe must have a reader already.
    pub fn open(target: &Path) -> anyhow::Result<Self> {
        let output: Box<dyn Write + Send> = if target == Path::new("-") {
            Box::new(io::stdout())
        } else {
            Box::new(open(target).with_context(|| format!("opening `{}` for events", target.display()))?)
        };
        Ok(Self { output: Mutex::new(Some(output)), target: target.display().to_string() })
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
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = output.as_mut() else { return };
        let line = serde_json::to_string(&Line { time, event }).map_err(io::Error::from);
        if let Err(error) = line.and_then(|line| writeln!(open, "{line}").and_then(|()| open.flush())) {
            *output = None;
            let lost = format!("writing events to `{}`: {error}; later ones are missing too", self.target);
            *LOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(lost);
        }
    }
}

fn open(target: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    // Opening a pipe waits for its reader, for ever when there is none.
    let probed = options.clone().custom_flags(OFlags::NONBLOCK.bits() as i32).open(target)?;
    match probed.metadata()?.file_type().is_fifo() {
        true => options.open(target),
        false => Ok(probed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_lost_is_told() {
        let sink = EventSink::open(Path::new("/dev/full")).unwrap();
        sink.write(&Event::Note { text: "x".into() });
        sink.write(&Event::Note { text: "y".into() });
        let lost = lost_events().unwrap();
        assert!(lost.starts_with("writing events to `/dev/full`: No space left on device"), "{lost}");
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let refused = EventSink::open(&pipe).err().unwrap();
        assert!(format!("{refused:#}").contains("No such device or address"), "{refused:#}");
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read_to_string(pipe).unwrap()
        });
        let sink = loop {
            if let Ok(sink) = EventSink::open(&pipe) {
                break sink;
            }
            std::thread::yield_now();
        };
        sink.write(&Event::Note { text: "x".into() });
        drop(sink);
        assert!(reader.join().unwrap().contains("note"));
    }

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
