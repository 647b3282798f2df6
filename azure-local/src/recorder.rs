//! What happened, in order, for benches and tests: requests here, operations in the state.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use crate::state::State;

/// Older requests than these are forgotten.
const MOST_REQUESTS: usize = 200_000;

/// An answered request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    /// Unix time at which it came.
    pub time_milliseconds: u64,
    pub method: String,
    pub path: String,
    /// The `type` and `name` by which a fault would meet it; absent for a path that is not known.
    #[serde(rename = "type")]
    pub resource_type: Option<String>,
    pub name: Option<String>,
    /// 0 when the connection was closed without an answer.
    pub status: u16,
    pub client_request_id: Option<String>,
}

#[derive(Default)]
struct Record {
    requests: VecDeque<Request>,
    /// Ids, oldest first.
    operations: Vec<String>,
}

/// The record since the start or the last clearing.
#[derive(Default)]
pub(crate) struct Recorder {
    record: Mutex<Record>,
}

impl Recorder {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request.
    pub(crate) fn request(&self, request: Request) {
        let mut record = self.record();
        if record.requests.len() == MOST_REQUESTS {
            record.requests.pop_front();
        }
        record.requests.push_back(request);
    }

    /// Adds an operation by its id.
    pub(crate) fn operation(&self, id: &str) {
        self.record().operations.push(id.to_owned());
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.record() = Record::default();
    }

    /// The answer of `GET /azure-local/journal`.
    pub(crate) fn document(&self, state: &State) -> Value {
        let record = self.record();
        let operations: Vec<Value> = record
            .operations
            .iter()
            .filter_map(|id| state.operation(id))
            .map(super::state::operation::Operation::journal_entry)
            .collect();
        json!({ "requests": record.requests, "operations": operations })
    }
}
