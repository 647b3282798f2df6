//! Machines exist, and what they were made with is not known: `create` takes them up only when its options say the same as
//! what exists, so that a forgotten option does not become the cluster's for good.

use serde_json::json;

use super::fitting_keys::of_file;
use super::prepare::Prepared;
use crate::plan::{Action, Observed, Plan, Step, StepKey, differences};
use diagnostics::Problems;
use report::mark::DEGRADED;
use report::{Failure, Reporter, first_few};

/// Differences that are named before the rest is counted.
const SHOWN: usize = 5;

/// An error when the spec is lost and these options would make another cluster than what exists; with `yes` only a note.
pub(super) fn check(
    prepared: &Prepared,
    plan: &Plan,
    observed: &Observed,
    yes: bool,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let Some(message) = differs(prepared, plan, observed) else { return Ok(()) };
    if yes {
        tell(prepared, &message, reporter);
        return Ok(());
    }
    let hint = format!(
        "put back a copy of it, or give all options of the first time; \
         `azure-coreos-cluster {} … --yes` takes what exists up with these options for good",
        prepared.spec.name
    );
    let mut problems = Problems::new();
    problems.add_with_hint(of_file(&prepared.directory.spec()), message, hint);
    Err(problems.into())
}

/// The same for a command that changes nothing.
pub(super) fn note(prepared: &Prepared, plan: &Plan, observed: &Observed, reporter: &Reporter) {
    if let Some(message) = differs(prepared, plan, observed) {
        tell(prepared, &message, reporter);
    }
}

fn tell(prepared: &Prepared, message: &str, reporter: &Reporter) {
    reporter.note(format!("{DEGRADED} `{}` {message}", prepared.directory.spec().display()));
}

fn differs(prepared: &Prepared, plan: &Plan, observed: &Observed) -> Option<String> {
    let is_machine = |step: &&Step| matches!(step.key, StepKey::VirtualMachine(_)) && observed.get(&step.key).is_some();
    if prepared.stored.is_some() || !plan.steps.iter().any(|step| is_machine(&step)) {
        return None;
    }
    let found: Vec<String> = plan.steps.iter().flat_map(|step| step_differs(step, observed)).collect();
    let message = "is missing, and what exists was made with other options than these";
    (!found.is_empty()).then(|| format!("{message}: {}", first_few(&found, SHOWN)))
}

/// In what a resource that exists is not what these options ask for.
fn step_differs(step: &Step, observed: &Observed) -> Vec<String> {
    let Some(resource) = observed.get(&step.key) else { return Vec::new() };
    let told = match &step.action {
        Action::Update { changes } => changes.clone(),
        // A group that is somebody else's says nothing of the cluster.
        Action::Keep { notes } if step.key != StepKey::ResourceGroup => notes.clone(),
        _ => Vec::new(),
    };
    // A body without data disks does not ask for their absence.
    let disks = "/properties/storageProfile/dataDisks";
    let surplus = match step.key {
        StepKey::VirtualMachine(_) if step.body.pointer(disks).is_none() => {
            differences(&json!({ "dataDisks": [] }), &json!({ "dataDisks": resource.document.pointer(disks) }))
        }
        _ => Vec::new(),
    };
    told.into_iter().chain(surplus.iter().map(ToString::to_string)).map(|what| format!("{}: {what}", step.id)).collect()
}
