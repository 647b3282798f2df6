//! Turns what happens into what people and programs are told: progress on stderr, one JSON object per event, a result on
//! stdout, a failure with its exit code.
//!
//! Libraries tell a [`Reporter`] what happens; only this member prints. Every command runs by [`command`].

pub mod command;
mod confirmation;
mod enumeration;
mod event;
pub mod exit_code;
mod failure;
mod finding;
pub mod mark;
mod mendable;
pub mod output;
mod printable;
mod progress;
mod signals;
mod table;

pub use confirmation::{confirm, confirm_removal, demand_yes};
pub use enumeration::first_few;
pub use event::{Event, EventSink};
pub use failure::{Failure, NodeError, ServiceError};
pub use finding::{Finding, Severity};
pub use mendable::{Mendable, access};
pub use output::OutputFormat;
pub use printable::{one_line, printable, printable_json};
pub use table::table;

use std::sync::Arc;

use progress::Progress;

/// Takes events and shows them.
#[derive(Clone)]
pub struct Reporter {
    inner: Arc<Inner>,
}

struct Inner {
    progress: Option<Progress>,
    sink: Option<EventSink>,
}

impl Reporter {
    /// A reporter that shows progress on stderr and writes events to `sink`.
    pub fn new(sink: Option<EventSink>) -> Self {
        Self { inner: Arc::new(Inner { progress: Some(Progress::new()), sink }) }
    }

    /// A reporter that says nothing.
    pub fn silent() -> Self {
        Self { inner: Arc::new(Inner { progress: None, sink: None }) }
    }

    /// Shows an event.
    pub fn event(&self, event: Event) {
        if let Some(sink) = &self.inner.sink {
            sink.write(&event);
        }
        if let Some(progress) = &self.inner.progress {
            progress.show(&event);
        }
    }

    /// Says one line to people.
    pub fn note(&self, text: impl Into<String>) {
        self.event(Event::Note { text: text.into() });
    }

    /// Ends bars, so that what is printed next stands on its own lines.
    pub fn finish(&self) {
        if let Some(progress) = &self.inner.progress {
            progress.finish();
        }
    }
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Reporter")
    }
}
