//! `plan NAME`: what would be created, changed and left. Sends no request that writes.

use std::fmt::Write as _;

use serde::Serialize;

use super::arguments::ClusterArguments;
use super::connection::connect;
use super::prepare::{Prepared, prepare, reporter};
use crate::execute::{being_deleted, observe};
use crate::plan::{Action, CLUSTER_TAG, Desired, Observed, Plan, ResourceNames, desired, plan, strangers};
use crate::preflight::foresee;
use diagnostics::{Origin, Problems};
use report::Failure;
use report::output;

/// A step as programs read it.
#[derive(Serialize)]
struct PlannedStep {
    action: &'static str,
    resource: String,
    id: String,
    notes: Vec<String>,
}

/// Runs the command.
pub async fn run(arguments: ClusterArguments) -> Result<(), Failure> {
    let reporter = reporter(&arguments.output)?;
    let mut prepared = prepare(&arguments)?;
    super::discovery::check_token(&prepared, &reporter).await?;
    super::discovery::note_request(&prepared, &reporter);
    let connection = connect(&arguments.connection, &prepared.values, prepared.stored.as_ref(), &reporter).await?;
    super::preflight::settle(&connection, &mut prepared).await?;
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let desired = desired(&prepared.spec, &names, &prepared.first_boots);
    let again = format!("azure-coreos-cluster plan {}", prepared.spec.name);
    let observed = observe(&connection.arm, &desired).await.map_err(|error| Failure::azure(error, again))?;
    check_owner(&prepared, &desired, &observed)?;
    super::fitting_keys::check_for_later_machines(&connection, &prepared).await?;
    for id in being_deleted(&desired, &observed) {
        reporter.note(format!("{id} is being deleted; creation would wait until it is gone"));
    }
    let plan = plan(&prepared.spec, desired, &observed);
    for finding in foresee(&prepared.spec) {
        reporter.note(format!("▴ {finding}; {}", finding.remedy));
    }
    let steps: Vec<PlannedStep> = plan
        .steps
        .iter()
        .map(|step| PlannedStep {
            action: step.action.word(),
            resource: step.id.to_string(),
            id: step.id.path().to_owned(),
            notes: step.action.notes(),
        })
        .collect();
    output::result(arguments.output.output, &steps, &text(&plan))
}

/// Resources that only have our names are someone else's, and machines whose keys are not here cannot be worked with.
pub fn check_owner(prepared: &Prepared, desired: &[Desired], observed: &Observed) -> Result<(), Failure> {
    let mut problems = Problems::new();
    for stranger in strangers(&prepared.spec, desired, observed) {
        let message = format!(
            "{stranger} exists and is not this cluster's: it has no tag `{CLUSTER_TAG}={}`",
            prepared.spec.name
        );
        let hint = match stranger.starts_with("proximity placement group") {
            true => "--proximity takes one that exists by its id",
            false => "choose another NAME or --resource-group",
        };
        problems.add_with_hint(Origin::Flag("NAME"), message, hint);
    }
    if problems.is_empty() {
        super::fitting_keys::check(prepared, observed, &mut problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

fn text(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let mark = match step.action {
            Action::Create => '+',
            Action::Update { .. } => '~',
            Action::Replace { .. } => '±',
            Action::Wait { .. } => '…',
            Action::Keep { .. } => '=',
        };
        let _ = writeln!(text, "{mark} {:<6} {}", step.action.word(), step.id);
        for note in step.action.notes() {
            let _ = writeln!(text, "    {note}");
        }
    }
    let count = |word: &str| plan.count(|action| action.word() == word);
    let (create, update) = (count("create") + count("replace"), count("update"));
    let (wait, keep) = (count("wait"), count("keep"));
    let _ = writeln!(text, "{create} to create, {update} to update, {wait} to wait for, {keep} to keep");
    text
}
