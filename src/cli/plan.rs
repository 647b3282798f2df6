//! `plan NAME`: what would be created, changed and left, and what Azure would refuse of it. Sends no request that writes.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::arguments::PlanArguments;
use super::connection::{Connection, connect};
use super::prepare::{Prepared, one_kind_of_output, prepare, reporter};
use crate::config::parameter::SKIP_PREFLIGHT;
use crate::execute::{being_deleted, observe};
use crate::plan::{
    Action, CLUSTER_TAG, Changes, Desired, Observed, Plan, ResourceNames, changes, desired, plan, strangers,
};
use crate::preflight::foresee;
use diagnostics::{Origin, Problems};
use report::mark::DEGRADED;
use report::{Failure, OutputFormat, exit_code, output};

/// A step as programs read it.
#[derive(Serialize)]
struct PlannedStep {
    action: &'static str,
    resource: String,
    id: String,
    notes: Vec<String>,
}

/// Runs the command: 5 when Azure would refuse, else with `--exit-code` 10 when something is to be done.
pub(super) async fn run(arguments: PlanArguments) -> Result<ExitCode, Failure> {
    let PlanArguments { cluster: arguments, exit_code: wants_code } = arguments;
    one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let asked = prepare(&arguments)?;
    super::discovery::check_token(&asked, &reporter).await?;
    super::discovery::note_request(&asked, &reporter);
    let connection = connect(&arguments.connection, &asked.values, asked.stored.as_ref(), &reporter).await?;
    let answers = super::preflight::ask(&connection, &asked).await?;
    let prepared = asked.settle_for_show(answers)?;
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let desired = desired(&prepared.spec, &names, &prepared.first_boots);
    let again = format!("azure-coreos-cluster plan {}", prepared.spec.name);
    let refused = |error| Failure::azure(error, again.as_str());
    let observed = observe(&connection.arm, &desired, prepared.before()).await.map_err(refused)?;
    check_owner(&connection, &prepared, &desired, &observed)?;
    super::fitting_keys::check_for_later_machines(&connection, &prepared.spec, &prepared.directory).await?;
    for id in being_deleted(&desired, &observed) {
        reporter.note(format!("{id} is being deleted; creation would wait until it is gone"));
    }
    let plan = plan(&prepared.spec, desired, &observed).map_err(refused)?;
    super::lost_spec::note(&prepared, &plan, &observed, &reporter);
    let changes = changes(prepared.stored.as_ref().map(|stored| &stored.spec), &prepared.spec, &plan);
    // What exists as it is asked for was not refused.
    let refusals =
        match (plan.makes_something() || changes.iter().next().is_some(), prepared.values.is_on(&SKIP_PREFLIGHT)) {
            (true, false) => super::preflight::refusals_of(&connection, &prepared, &observed, &reporter).await?,
            (_, is_skipped) => {
                if is_skipped {
                    reporter.note(format!(
                    "{DEGRADED} not checked (--skip-preflight): whether Azure has size, image, region and quota for it"
                ));
                }
                for finding in foresee(&prepared.spec) {
                    reporter.note(format!("{DEGRADED} {finding}; {}", finding.remedy));
                }
                Vec::new()
            }
        };
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
    if arguments.output.output != OutputFormat::Text {
        changes.iter().for_each(|words| reporter.note(words.as_str()));
    }
    output::result(arguments.output.output, &steps, &text(&plan, &changes))?;
    match (refusals.is_empty(), wants_code && !plan.is_empty()) {
        (false, _) => Err(Failure::Preflight { findings: refusals }),
        (true, true) => Ok(ExitCode::from(exit_code::CHANGES_PENDING)),
        (true, false) => Ok(ExitCode::SUCCESS),
    }
}

/// Resources that only have our names are someone else's, and machines whose keys are not here cannot be worked with.
pub(super) fn check_owner(
    connection: &Connection,
    prepared: &Prepared,
    desired: &[Desired],
    observed: &Observed,
) -> Result<(), Failure> {
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
        let again = format!("azure-coreos-cluster plan {}", prepared.spec.name);
        super::fitting_keys::check(connection, prepared, observed, &mut problems)
            .map_err(|error| Failure::azure(error, again))?;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

pub(super) fn text(plan: &Plan, changes: &Changes) -> String {
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
    for words in changes.iter() {
        let _ = writeln!(text, "{words}");
    }
    let count = |word: &str| plan.count(|action| action.word() == word);
    let (create, update) = (count("create") + count("replace"), count("update"));
    let (wait, keep) = (count("wait"), count("keep"));
    let _ = writeln!(text, "{create} to create, {update} to update, {wait} to wait for, {keep} to keep");
    text
}
