//! What the program says while it works: progress for people on stderr, one JSON object per event for programs.
//!
//! The library tells a [`Reporter`] what happens; only this module and `cli` print.

mod event;
mod failure;
mod printable;
mod progress;

pub use event::{Event, EventSink, lost_events};
pub use failure::{Failure, exit_code};
pub use printable::{printable, printable_json};

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
