//! Long-running operations: what began one says what to follow, and each poll's answer is one of three outcomes. Pure;
//! `follow` does the asking.
//!
//! <https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md>

use serde_json::Value;

use super::answer::{self, Begun, ErrorDocument, ProvisioningState, RawAnswer, Resource, Stranger};
use super::error::{ArmError, ArmErrorKind};
use super::id::ResourceId;

/// What to ask next to learn how an operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Monitor {
    /// `Azure-AsyncOperation`: 200 with `{status, error}`.
    AsyncOperation(String),
    /// `Location`: 202 while running.
    Location(String),
    /// No header: the resource's own `provisioningState`.
    Resource,
}

/// What an operation is followed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The resource is there and as it should be.
    Exists,
    /// The resource is gone.
    Gone,
    /// What an action returns.
    Result,
    /// The end of an action that returns nothing.
    Done,
}

/// How an operation stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// Ask again.
    Running,
    /// Done; with the answer's document, where it has one.
    Succeeded(Option<Value>),
    /// Done, badly.
    Failed(Box<ArmError>),
}

/// What the answer to a PUT, POST or DELETE says: finished at once, or what to monitor.
pub(super) fn begin(doing: &str, begun: &Begun) -> Result<Option<Monitor>, Box<ArmError>> {
    if let Some(url) = &begun.azure_async_operation {
        return Ok(Some(Monitor::AsyncOperation(url.clone())));
    }
    let other = || begun.location.clone().map_or(Monitor::Resource, Monitor::Location);
    if begun.status == 202 {
        return Ok(Some(other()));
    }
    match &begun.state {
        None | Some(ProvisioningState::Succeeded) => Ok(None),
        Some(ProvisioningState::Running(_)) => Ok(Some(other())),
        Some(state) => Err(Box::new(failed(doing, state, begun.document.as_ref(), begun.request_id.clone()))),
    }
}

/// What the answer to a poll says. A 404 is no answer of this kind: see [`absent`].
pub(super) fn poll(
    doing: &str,
    raw: &RawAnswer,
    monitor: &Monitor,
    goal: Goal,
    id: &ResourceId,
) -> Result<Outcome, Stranger> {
    let (state, document) = match monitor {
        Monitor::AsyncOperation(_) => answer::operation(raw)?,
        Monitor::Location(_) => return location(doing, raw, goal, id),
        Monitor::Resource => {
            let Resource { state, document, .. } = answer::resource(raw, id)?;
            if goal == Goal::Gone {
                return Ok(Outcome::Running);
            }
            (state, document)
        }
    };
    Ok(outcome(doing, &state, document, raw))
}

/// What a 404 to a poll says: replicas learn late of what was just made, and a deleted resource takes its operations
/// along.
pub(super) fn absent(goal: Goal) -> Outcome {
    if goal == Goal::Gone { Outcome::Succeeded(None) } else { Outcome::Running }
}

fn location(doing: &str, raw: &RawAnswer, goal: Goal, id: &ResourceId) -> Result<Outcome, Stranger> {
    let may_be_empty = raw.status == 202 || matches!(goal, Goal::Gone | Goal::Done);
    match goal {
        Goal::Gone => answer::demand(raw, &[200, 202, 204], "GET of a deletion")?,
        Goal::Done => answer::demand(raw, &[200, 202, 204], "GET of an action's end")?,
        Goal::Exists | Goal::Result => answer::demand(raw, &[200, 201, 202], "GET of an operation's result")?,
    }
    if may_be_empty && raw.is_empty() {
        answer::empty(raw)?;
        return Ok(if raw.status == 202 { Outcome::Running } else { Outcome::Succeeded(None) });
    }
    let document = answer::object(raw)?;
    if raw.status == 202 {
        return Ok(Outcome::Running);
    }
    match goal {
        Goal::Gone | Goal::Done => Ok(Outcome::Succeeded(None)),
        Goal::Result => Ok(Outcome::Succeeded(Some(document))),
        Goal::Exists => {
            let Resource { state, document, .. } = answer::document_of(raw, id)?;
            Ok(outcome(doing, &state, document, raw))
        }
    }
}

fn outcome(doing: &str, state: &ProvisioningState, document: Value, raw: &RawAnswer) -> Outcome {
    match state {
        ProvisioningState::Succeeded => Outcome::Succeeded(Some(document)),
        ProvisioningState::Running(_) => Outcome::Running,
        state => Outcome::Failed(Box::new(failed(doing, state, Some(&document), raw.request_id.clone()))),
    }
}

fn failed(doing: &str, state: &ProvisioningState, document: Option<&Value>, request_id: Option<String>) -> ArmError {
    let document = document.map(ErrorDocument::read).unwrap_or_default();
    let mut error = document.into_error(ArmErrorKind::OperationFailed, doing, None, request_id);
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

    const ID: &str = "/subscriptions/s/resourceGroups/g";

    fn raw(status: u16, body: &Value) -> RawAnswer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        RawAnswer { status, body, request_id: Some("r".into()), ..RawAnswer::default() }
    }

    fn group(state: &str) -> Value {
        json!({"id": ID, "properties": {"provisioningState": state}})
    }

    #[test]
    fn beginnings() {
        let begun = |status, document: Value| Begun {
            status,
            state: Some(Resource::read(document.clone()).unwrap().state),
            document: Some(document),
            ..Begun::default()
        };
        let empty = |status| Begun { status, ..Begun::default() };
        let with_header = Begun {
            azure_async_operation: Some("u".into()),
            location: Some("l".into()),
            ..begun(201, group("Creating"))
        };
        for (begun, expected) in [
            (begun(200, group("Succeeded")), Ok(None)),
            (begun(200, json!({"name": "x"})), Ok(None)),
            (empty(204), Ok(None)),
            (begun(201, group("Updating")), Ok(Some(Monitor::Resource))),
            (Begun { location: Some("l".into()), ..empty(202) }, Ok(Some(Monitor::Location("l".into())))),
            (with_header, Ok(Some(Monitor::AsyncOperation("u".into())))),
        ] {
            assert_eq!(begin("x", &begun), expected, "{begun:?}");
        }
        let error = begin("creating x", &begun(200, group("Failed"))).unwrap_err();
        assert_eq!(error.to_string(), "creating x: the operation failed; Azure gave no reason");
    }

    #[test]
    fn polls_have_three_outcomes() {
        let operation = Monitor::AsyncOperation("u".into());
        let location = Monitor::Location("l".into());
        let id = ResourceId::resource_group("s", "g");
        let failed = json!({"status": "Failed", "error": {"code": "SubnetFull", "message": "no room"}});
        let other = json!({"id": "/subscriptions/s/resourceGroups/h"});
        for (monitor, raw, goal, expected) in [
            (&operation, raw(200, &json!({"status": "InProgress"})), Goal::Exists, "running"),
            (&operation, raw(200, &json!({"status": "succeeded"})), Goal::Exists, "succeeded"),
            (&operation, raw(200, &failed), Goal::Exists, "creating x: SubnetFull: no room"),
            (
                &operation,
                raw(200, &json!({"status": "Cancelled"})),
                Goal::Exists,
                "creating x: the operation was canceled; Azure gave no reason",
            ),
            (&operation, raw(200, &group("Succeeded")), Goal::Exists, "stranger"),
            (&operation, raw(204, &Value::Null), Goal::Gone, "stranger"),
            (&location, raw(202, &Value::Null), Goal::Exists, "running"),
            (&location, raw(200, &group("Succeeded")), Goal::Exists, "succeeded"),
            (&location, raw(200, &other), Goal::Exists, "stranger"),
            (&location, raw(200, &Value::Null), Goal::Exists, "stranger"),
            (&location, raw(200, &json!({"ports": []})), Goal::Result, "succeeded"),
            (&location, raw(204, &Value::Null), Goal::Result, "stranger"),
            (&location, raw(204, &Value::Null), Goal::Gone, "succeeded"),
            (&location, raw(202, &Value::Null), Goal::Done, "running"),
            (&location, raw(200, &Value::Null), Goal::Done, "succeeded"),
            (&location, raw(204, &Value::Null), Goal::Done, "succeeded"),
            (&location, raw(201, &Value::Null), Goal::Done, "stranger"),
            (&operation, raw(200, &failed), Goal::Done, "creating x: SubnetFull: no room"),
            (&location, RawAnswer { request_id: None, ..raw(204, &Value::Null) }, Goal::Gone, "stranger"),
            (&Monitor::Resource, raw(200, &group("Creating")), Goal::Exists, "running"),
            (&Monitor::Resource, raw(200, &group("Deleting")), Goal::Gone, "running"),
            (&Monitor::Resource, raw(200, &other), Goal::Exists, "stranger"),
        ] {
            let found = match poll("creating x", &raw, monitor, goal, &id) {
                Ok(Outcome::Running) => "running".to_owned(),
                Ok(Outcome::Succeeded(_)) => "succeeded".to_owned(),
                Ok(Outcome::Failed(error)) => error.to_string(),
                Err(_) => "stranger".to_owned(),
            };
            assert_eq!(found, expected, "{monitor:?} {raw:?}");
        }
        for (goal, expected) in
            [(Goal::Gone, Outcome::Succeeded(None)), (Goal::Exists, Outcome::Running), (Goal::Done, Outcome::Running)]
        {
            assert_eq!(absent(goal), expected, "{goal:?}");
        }
    }
}
