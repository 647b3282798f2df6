//! Progress for people: a bar per running step on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::event::Event;
use super::mark::{BAD, DEGRADED, GOOD, Mark};
use super::printable;

/// How often a running step's time is redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);
/// More bars than this would not fit on a screen.
const MOST_BARS: usize = 16;

/// Shows events on stderr.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    running: Mutex<HashMap<String, ProgressBar>>,
    color: bool,
}

impl Progress {
    /// Bars when stderr is a terminal.
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { bars: terminal.then(MultiProgress::new), running: Mutex::default(), color }
    }

    /// Shows one event.
    pub(crate) fn show(&self, event: &Event) {
        match event {
            Event::Note { text } => self.line(text),
            Event::Plan { create, update, wait, keep } => {
                if create + update + wait == 0 {
                    self.line(&format!("plan: nothing to do, {keep} resources are as they should be"));
                } else {
                    self.line(&format!(
                        "plan: {create} to create, {update} to update, {wait} to wait for, {keep} to keep"
                    ));
                }
            }
            Event::StepStarted { resource, .. } => self.start(resource),
            Event::StepFinished { resource, action, seconds } => {
                self.end(resource, GOOD, &format!("{action:<6} {resource} ({seconds:.1} s)"));
            }
            Event::StepFailed { resource, error } => {
                self.end(resource, BAD, &format!("failed {resource}: {error}"));
            }
            Event::ReadinessStarted { nodes } => self.line(&match nodes {
                1 => "waiting for 1 node to be ready".to_owned(),
                _ => format!("waiting for {nodes} nodes to be ready"),
            }),
            Event::CheckPassed { node, check, detail } => {
                self.marked(GOOD, &format!("{node} {check}: {detail}"));
            }
            Event::CheckDegraded { node, check, detail } => {
                self.marked(DEGRADED, &format!("{node} {check}: {detail}"));
            }
            Event::CheckFailed { node, check, reason } => {
                self.marked(BAD, &format!("{node} {check}: {reason}"));
            }
            Event::SubsystemStarted { name } => self.line(&format!("{name}...")),
            Event::ComponentChanged { component, active, sub, running, wanted } => {
                let state = format!("{component}: {active}/{sub}");
                let count = if *wanted > 0 { format!(" {running}/{wanted}") } else { String::new() };
                match *active {
                    "activating" => self.underway(component, &format!("{state}{count}")),
                    "failed" => self.end(component, BAD, &state),
                    _ => self.end(component, GOOD, &format!("{state}{count}")),
                }
            }
            Event::Finished { .. } => self.finish(),
        }
    }

    /// Removes all bars.
    pub(crate) fn finish(&self) {
        for (_, bar) in self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain() {
            bar.finish_and_clear();
        }
    }

    fn mark(&self, mark: Mark) -> String {
        if self.color { mark.painted() } else { mark.to_string() }
    }

    fn start(&self, resource: &str) {
        let Some(bars) = &self.bars else { return };
        let mut running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if running.len() >= MOST_BARS || running.contains_key(resource) {
            return;
        }
        let style = ProgressStyle::with_template(&format!("{DEGRADED} {{msg}} {{elapsed}}"))
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_message(printable(resource).into_owned()));
        bar.enable_steady_tick(REDRAW_INTERVAL);
        running.insert(resource.to_owned(), bar);
    }

    /// One line that changes on a terminal, a new line elsewhere.
    fn underway(&self, name: &str, text: &str) {
        if self.bars.is_none() {
            return self.line(&format!("{DEGRADED} {text}"));
        }
        self.start(name);
        let running = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = running.get(name) {
            bar.set_message(printable(text).into_owned());
        }
    }

    fn end(&self, resource: &str, mark: Mark, text: &str) {
        let bar = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(resource);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        self.marked(mark, text);
    }

    fn line(&self, text: &str) {
        self.write(&printable(text));
    }

    fn marked(&self, mark: Mark, text: &str) {
        self.write(&format!("{} {}", self.mark(mark), printable(text)));
    }

    /// A reader that went away must not end a run that builds a cluster.
    fn write(&self, text: &str) {
        let write = || {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Progress {
    /// A run that is interrupted leaves no half-drawn bars.
    fn drop(&mut self) {
        self.finish();
    }
}
