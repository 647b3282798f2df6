//! `plan NAME`: what would be created, changed and left. Sends no request that writes.

use std::fmt::Write as _;

use serde::Serialize;

use super::arguments::ClusterArguments;
use super::connection::{Connection, connect};
use super::output;
use super::prepare::{Prepared, prepare, reporter};
use crate::execute::observe;
use crate::plan::{Action, Plan, ResourceNames, desired, plan};
use crate::report::Failure;
use crate::spec::{Image, Origin, Problems};

/// The api-version of `vmImage` reads.
const IMAGES_API_VERSION: &str = "2024-07-01";

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
    let prepared = prepare(&arguments)?;
    let connection = connect(&arguments.connection, prepared.stored.as_ref(), &reporter).await?;
    check_image(&connection, &prepared).await?;
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let desired = desired(&prepared.spec, &names, &prepared.user_data);
    let again = format!("azure-coreos-cluster plan {}", prepared.spec.name);
    let observed = observe(&connection.arm, &desired).await.map_err(|error| Failure::azure(error, again))?;
    let plan = plan(&prepared.spec, desired, &observed);
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

/// An image that does not exist is a mistake of the spec, found before the first write.
pub async fn check_image(connection: &Connection, prepared: &Prepared) -> Result<(), Failure> {
    let Image::Marketplace(image) = &prepared.spec.image else { return Ok(()) };
    let versions = format!(
        "/subscriptions/{}/providers/Microsoft.Compute/locations/{}/publishers/{}/artifacttypes/vmimage/offers/{}/skus/{}/versions",
        connection.subscription, prepared.spec.location, image.publisher, image.offer, image.sku
    );
    let path = match image.version.as_str() {
        "latest" => format!("{versions}?$top=1&$orderby=name%20desc"),
        version => format!("{versions}/{version}"),
    };
    let doing = format!("reading image `{}`", prepared.spec.image);
    let hint = format!("az vm image list --all --publisher {} --location {}", image.publisher, prepared.spec.location);
    let found = connection.arm.get_path(&doing, &path, IMAGES_API_VERSION).await;
    let found = found.map_err(|error| Failure::azure(error, hint.clone()))?;
    let exists = found.is_some_and(|document| document.as_array().is_none_or(|versions| !versions.is_empty()));
    if exists {
        return Ok(());
    }
    let mut problems = Problems::new();
    let message = format!("image `{}` does not exist in `{}`", prepared.spec.image, prepared.spec.location);
    problems.add_with_hint(Origin::Flag("--coreos-image"), message, hint);
    Err(problems.into())
}

fn text(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let mark = match step.action {
            Action::Create => '+',
            Action::Update { .. } => '~',
            Action::Wait { .. } => '…',
            Action::Keep { .. } => '=',
        };
        let _ = writeln!(text, "{mark} {:<6} {}", step.action.word(), step.id);
        for note in step.action.notes() {
            let _ = writeln!(text, "    {note}");
        }
    }
    let count = |word: &str| plan.count(|action| action.word() == word);
    let (create, update, wait, keep) = (count("create"), count("update"), count("wait"), count("keep"));
    let _ = writeln!(text, "{create} to create, {update} to update, {wait} to wait for, {keep} to keep");
    text
}
