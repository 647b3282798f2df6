//! A long-running operation: what a PUT, DELETE or POST started, until it ended and a while longer.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::arm::error::Failure;
use crate::arm::id::ResourceId;
use crate::state::clock::now_milliseconds;

/// How long an ended operation can still be asked for.
const KEPT_MILLISECONDS: u64 = 3_600_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Put,
    Delete,
    Start,
    PowerOff,
    Restart,
    Deallocate,
    /// `queryInboundNatRulePortMapping`: changes nothing.
    QueryPortMapping,
}

impl Action {
    /// The HTTP method that starts it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            _ => "POST",
        }
    }

    /// Whether its end decides the resource's provisioning state.
    pub(crate) fn changes_resource(self) -> bool {
        self != Self::QueryPortMapping
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Succeeded,
    Failed(Failure),
}

/// How a fault bends an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Twist {
    /// It ends with this failure and has no effect.
    Fails(Failure),
    /// A VM that is never provisioned.
    NeverBoots,
}

/// A long-running operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub id: String,
    pub action: Action,
    pub resource: ResourceId,
    /// The region that its URL names.
    pub location: String,
    pub started_milliseconds: u64,
    /// How long the latency profile lets it take.
    pub planned_milliseconds: u64,
    pub finished_milliseconds: Option<u64>,
    pub outcome: Option<Outcome>,
    /// Ids its resource refers to, for measuring the critical path.
    pub references: Vec<String>,
    /// What the `Location` URL answers in the end.
    pub result: Option<Value>,
    pub twist: Option<Twist>,
}

impl Operation {
    /// A new operation that starts now.
    pub(crate) fn new(action: Action, resource: &ResourceId, location: &str, planned_milliseconds: u64) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            action,
            resource: resource.clone(),
            location: location.to_owned(),
            started_milliseconds: now_milliseconds(),
            planned_milliseconds,
            finished_milliseconds: None,
            outcome: None,
            references: Vec::new(),
            result: None,
            twist: None,
        }
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.outcome.is_none()
    }

    /// The Unix time before which it does not end.
    pub(crate) fn due_milliseconds(&self) -> u64 {
        self.started_milliseconds + self.planned_milliseconds
    }

    /// Whether its URL may answer 404 by now.
    pub(crate) fn is_forgotten(&self, now_milliseconds: u64) -> bool {
        self.finished_milliseconds.is_some_and(|finished| finished + KEPT_MILLISECONDS < now_milliseconds)
    }

    /// `Azure-AsyncOperation`'s answer.
    pub(crate) fn status_document(&self) -> Value {
        let mut document = json!({ "name": self.id, "status": "InProgress" });
        match &self.outcome {
            None => {}
            Some(Outcome::Succeeded) => {
                document["status"] = json!("Succeeded");
                if let Some(result) = &self.result {
                    document["properties"] = json!({ "output": result });
                }
            }
            Some(Outcome::Failed(failure)) => {
                document["status"] = json!("Failed");
                document["error"] = json!(failure);
            }
        }
        document
    }

    /// Its entry in the control endpoint's journal.
    pub(crate) fn journal_entry(&self) -> Value {
        let outcome = match &self.outcome {
            None => json!(null),
            Some(Outcome::Succeeded) => json!("Succeeded"),
            Some(Outcome::Failed(failure)) => json!(failure.code),
        };
        json!({
            "resource": self.resource.text(),
            "method": self.action.method(),
            "action": self.action,
            "started_milliseconds": self.started_milliseconds,
            "finished_milliseconds": self.finished_milliseconds,
            "planned_milliseconds": self.planned_milliseconds,
            "references": self.references,
            "outcome": outcome,
        })
    }
}
