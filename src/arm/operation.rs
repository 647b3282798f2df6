//! Long-running operations: one answer is read into one of three outcomes, purely; the client does the asking.
//!
//! <https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md>

use std::time::Duration;

use serde_json::Value;

use super::error::{ArmError, ArmErrorKind};

/// A resource's `properties.provisioningState`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvisioningState {
    Succeeded,
    Failed,
    Canceled,
    /// Anything else: `Creating`, `Updating`, `Deleting`, …
    Running(String),
}

impl ProvisioningState {
    /// Reads a status word; case does not count, and services spell Canceled both ways.
    pub fn read(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::Running(text.to_owned()),
        }
    }

    /// The state of a resource's document; a document without one has succeeded.
    pub fn of(document: &Value) -> Self {
        match document.pointer("/properties/provisioningState").and_then(Value::as_str) {
            Some(text) => Self::read(text),
            None => Self::Succeeded,
        }
    }
}

/// An HTTP answer as far as operations care.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub azure_async_operation: Option<String>,
    pub location: Option<String>,
    /// Whole seconds.
    pub retry_after: Option<Duration>,
    pub request_id: Option<String>,
    /// `null` when the body is empty.
    pub body: Value,
}

/// What to ask next to learn how an operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// `Azure-AsyncOperation`: 200 with `{status, error}`.
    AsyncOperation(String),
    /// `Location`: 202 while running.
    Location(String),
    /// No header: the resource's own `provisioningState`.
    Resource,
}

/// How an operation stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Ask again.
    Running,
    /// Done; the answer's body may hold the result.
    Succeeded,
    /// Done, badly.
    Failed(Box<ArmError>),
}

/// What the answer to a PUT, POST or DELETE says: finished at once, or what to monitor.
pub fn begin(doing: &str, answer: &Answer) -> Result<Option<Monitor>, Box<ArmError>> {
    if let Some(url) = &answer.azure_async_operation {
        return Ok(Some(Monitor::AsyncOperation(url.clone())));
    }
    if answer.status == 202 {
        return Ok(Some(answer.location.clone().map_or(Monitor::Resource, Monitor::Location)));
    }
    match ProvisioningState::of(&answer.body) {
        ProvisioningState::Succeeded => Ok(None),
        ProvisioningState::Running(_) => Ok(Some(answer.location.clone().map_or(Monitor::Resource, Monitor::Location))),
        state => Err(Box::new(failed(doing, &state, answer))),
    }
}

/// What the answer to a poll says. `deleting` turns a missing resource into success.
pub fn poll(doing: &str, monitor: &Monitor, answer: &Answer, deleting: bool) -> Outcome {
    if answer.status == 404 {
        // Replicas learn late of what was just made, and a deleted resource takes its operations along.
        return if deleting { Outcome::Succeeded } else { Outcome::Running };
    }
    let state = match monitor {
        Monitor::AsyncOperation(_) => {
            ProvisioningState::read(answer.body.get("status").and_then(Value::as_str).unwrap_or_default())
        }
        Monitor::Location(_) if answer.status == 202 => return Outcome::Running,
        Monitor::Location(_) => ProvisioningState::of(&answer.body),
        Monitor::Resource if deleting => return Outcome::Running,
        Monitor::Resource => ProvisioningState::of(&answer.body),
    };
    match state {
        ProvisioningState::Succeeded => Outcome::Succeeded,
        ProvisioningState::Running(_) => Outcome::Running,
        state => Outcome::Failed(Box::new(failed(doing, &state, answer))),
    }
}

fn failed(doing: &str, state: &ProvisioningState, answer: &Answer) -> ArmError {
    let mut error =
        ArmError::from_document(ArmErrorKind::OperationFailed, doing, None, &answer.body, answer.request_id.clone());
    if error.code.is_none() {
        let ending = if *state == ProvisioningState::Canceled { "was canceled" } else { "failed" };
        error.message = format!("the operation {ending}; Azure gave no reason");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, body, ..Answer::default() }
    }

    #[test]
    fn beginnings() {
        let state = |state: &str| json!({"properties": {"provisioningState": state}});
        let with_header = Answer {
            azure_async_operation: Some("u".into()),
            location: Some("l".into()),
            ..answer(201, state("Creating"))
        };
        for (answer, expected) in [
            (answer(200, state("Succeeded")), Ok(None)),
            (answer(200, json!({"name": "x"})), Ok(None)),
            (answer(204, Value::Null), Ok(None)),
            (answer(201, state("Updating")), Ok(Some(Monitor::Resource))),
            (
                Answer { location: Some("l".into()), ..answer(202, Value::Null) },
                Ok(Some(Monitor::Location("l".into()))),
            ),
            (with_header, Ok(Some(Monitor::AsyncOperation("u".into())))),
        ] {
            assert_eq!(begin("x", &answer), expected, "{answer:?}");
        }
        let error = begin("creating x", &answer(200, state("Failed"))).unwrap_err();
        assert_eq!(error.to_string(), "creating x: the operation failed; Azure gave no reason");
    }

    #[test]
    fn polls_have_three_outcomes() {
        let operation = Monitor::AsyncOperation("u".into());
        let location = Monitor::Location("l".into());
        let failed = json!({"status": "Failed", "error": {"code": "SubnetFull", "message": "no room"}});
        for (monitor, answer, deleting, expected) in [
            (&operation, answer(200, json!({"status": "InProgress"})), false, "running"),
            (&operation, answer(200, json!({"status": "succeeded"})), false, "succeeded"),
            (&operation, answer(200, failed), false, "creating x: SubnetFull: no room"),
            (
                &operation,
                answer(200, json!({"status": "Cancelled"})),
                false,
                "creating x: the operation was canceled; Azure gave no reason",
            ),
            (&operation, answer(404, Value::Null), false, "running"),
            (&operation, answer(404, Value::Null), true, "succeeded"),
            (&location, answer(202, Value::Null), false, "running"),
            (&location, answer(204, Value::Null), true, "succeeded"),
            (
                &Monitor::Resource,
                answer(200, json!({"properties": {"provisioningState": "Creating"}})),
                false,
                "running",
            ),
            (
                &Monitor::Resource,
                answer(200, json!({"properties": {"provisioningState": "Deleting"}})),
                true,
                "running",
            ),
        ] {
            let found = match poll("creating x", monitor, &answer, deleting) {
                Outcome::Running => "running".to_owned(),
                Outcome::Succeeded => "succeeded".to_owned(),
                Outcome::Failed(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{monitor:?} {answer:?}");
        }
    }
}
