//! What a plan is made of.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::arm::{Resource, ResourceId};

/// Names a step within a plan; the order is the order of display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKey {
    ResourceGroup,
    NetworkSecurityGroup,
    PublicIpAddress,
    /// Made from a disk of the user's.
    Image,
    ProximityPlacementGroup,
    AvailabilitySet,
    ScaleSet,
    VirtualNetwork,
    LoadBalancer,
    /// Of the node with this index.
    NodePublicIpAddress(u32),
    /// Of the node with this index.
    NetworkInterface(u32),
    /// Of the node with this index.
    VirtualMachine(u32),
}

/// What Azure holds: every resource of the plan that exists.
pub type Observed = BTreeMap<StepKey, Resource>;

/// What to do about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does not exist.
    Create,
    /// It exists and must become what is desired.
    Update { changes: Vec<String> },
    /// It is deleted first and then made; only machines that never came up.
    Replace { reason: String },
    /// An earlier run began it; its end is awaited.
    Wait { state: String },
    /// It is as it should be, or differs in what is not changed; the notes say how.
    Keep { notes: Vec<String> },
}

/// One resource of the plan.
#[derive(Clone, PartialEq)]
pub struct Step {
    pub key: StepKey,
    pub id: ResourceId,
    /// The body of the PUT. A machine's holds secrets (customData).
    pub body: Value,
    /// Steps that must be done before.
    pub needs: Vec<StepKey>,
    pub action: Action,
}

/// All steps, those without needs first.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether carrying the plan out writes nothing and waits for nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.action, Action::Keep { .. }))
    }

    /// Whether something is made that was not there, or is made anew.
    pub fn makes_something(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Create | Action::Replace { .. }))
    }

    /// How many steps have an action like this.
    pub fn count(&self, is_like: impl Fn(&Action) -> bool) -> usize {
        self.steps.iter().filter(|step| is_like(&step.action)).count()
    }

    /// The step with this key.
    pub fn step(&self, key: StepKey) -> Option<&Step> {
        self.steps.iter().find(|step| step.key == key)
    }
}

impl Action {
    /// One word for people and programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Replace { .. } => "replace",
            Self::Wait { .. } => "wait",
            Self::Keep { .. } => "keep",
        }
    }

    /// What there is to say about it.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Self::Create => Vec::new(),
            Self::Update { changes } => changes.clone(),
            Self::Replace { reason } => vec![reason.clone()],
            Self::Wait { state } => vec![format!("an earlier run began this; it is `{state}`")],
            Self::Keep { notes } => notes.clone(),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Step").field("key", &self.key).field("action", &self.action).finish_non_exhaustive()
    }
}
