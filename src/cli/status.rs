//! `status NAME`: what Azure holds of a cluster, what of it somebody changed by hand, and the console of machines that failed,
//! or of each.

use std::fmt::Write as _;
use std::process::ExitCode;

use futures::future::try_join_all;
use serde::Serialize;

use super::arguments::{ConnectionArguments, StatusArguments};
use super::connection::{Connection, connect};
use super::owner_tag::tag_again;
use super::prepare::{one_kind_of_output, reporter};
use super::serial_console;
use crate::arm::{ArmError, BootDiagnostics, InstanceView, PowerState, ProvisioningState, Resource};
use crate::directory::{ClusterDirectory, StoredCluster, removed_cluster};
use crate::execute::{OwnResources, extra};
use crate::plan::{Desired, Drift, Drifted, FirstBoot, Remedy, ResourceNames, StepKey, desired, drift, is_ours};
use crate::spec::{ClusterName, SettledSpec};
use diagnostics::{Origin, Problems};
use nodes::clusters::{clusters_home, unknown_cluster};
use report::mark::DEGRADED;
use report::{Failure, Reporter, exit_code, output};

/// A resource as programs read it.
#[derive(Serialize)]
struct ResourceStatus {
    resource: String,
    id: String,
    /// `absent` when it does not exist; not told of what is not the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioning_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    power_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    console: Option<String>,
    drift: Vec<Drift>,
}

/// Runs the command: with `--exit-code` 10 when something is not as the spec makes it.
pub(super) async fn run(arguments: StatusArguments) -> Result<ExitCode, Failure> {
    one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let (directory, stored) = known_cluster(&arguments.name, &arguments.connection, &reporter)?;
    refresh_ssh_config(&directory, &reporter);
    let connection = connect(&arguments.connection, &arguments.sign_in.values()?, Some(&stored), &reporter).await?;
    let names = ResourceNames::new(&connection.subscription, &stored.spec);
    let nothing_to_boot = vec![FirstBoot::default(); stored.spec.node_count as usize];
    let resources = desired(&stored.spec, &names, &nothing_to_boot);
    let again = format!("azure-coreos-cluster status {}", arguments.name);
    let statuses = statuses(&connection, &stored.spec, &resources, arguments.console).await;
    let statuses = statuses.map_err(|error| Failure::azure(error, again))?;
    let name = stored.spec.name.as_str();
    let mut text = text(&statuses);
    text.push_str(&how_to_start(name, &statuses).unwrap_or_default());
    text.push_str(&how_to_mend(name, &statuses).unwrap_or_default());
    output::result(arguments.output.output, &statuses, &text)?;
    match arguments.exit_code && statuses.iter().any(|status| !status.drift.is_empty()) {
        true => Ok(ExitCode::from(exit_code::CHANGES_PENDING)),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// Of each resource that the spec asks for, and of what else is in a group that is the cluster's own.
async fn statuses(
    connection: &Connection,
    spec: &SettledSpec,
    resources: &[Desired],
    console_of_each: bool,
) -> Result<Vec<ResourceStatus>, ArmError> {
    let found = resources.iter().map(|resource| status(connection, spec, resource, console_of_each));
    let found = try_join_all(found).await?;
    let is_own = resources.iter().zip(&found).any(|(resource, (_, found))| {
        resource.key == StepKey::ResourceGroup && found.as_ref().is_some_and(|group| is_ours(spec, group))
    });
    let mut statuses: Vec<ResourceStatus> = found.into_iter().map(|(status, _)| status).collect();
    if is_own {
        let own = OwnResources::of_spec(&connection.subscription, spec);
        let mut extra = extra(&connection.arm, &own).await?;
        // Lists have no order that lasts.
        extra.sort_by(|one, other| one.id.cmp(&other.id));
        statuses.extend(extra.into_iter().map(|listed| ResourceStatus {
            resource: format!("{} `{}`", listed.resource_type, listed.name),
            id: listed.id,
            provisioning_state: None,
            power_state: None,
            error: None,
            console: None,
            drift: vec![Drift { what: Drifted::Extra, mended_by: Remedy::Nothing }],
        }));
    }
    Ok(statuses)
}

/// What mends what is not as it was made, and how much of it; none when nothing is.
fn how_to_mend(name: &str, statuses: &[ResourceStatus]) -> Option<String> {
    let drift: Vec<&Drift> = statuses.iter().flat_map(|status| &status.drift).collect();
    let count = |remedy: Remedy| drift.iter().filter(|drift| drift.mended_by == remedy).count();
    let mut text = match drift.len() {
        0 => return None,
        1 => "\n1 thing is not as the cluster was made\n".to_owned(),
        count => format!("\n{count} things are not as the cluster was made\n"),
    };
    let remedies = [
        (Remedy::Create, format!("`azure-coreos-cluster {name}` mends")),
        (Remedy::Start, format!("`azure-coreos-cluster start {name}` mends")),
        (Remedy::Tag, format!("until they have their tag again, creation refuses: `{}` mends", tag_again(name, "ID"))),
        (Remedy::Nothing, "nothing here changes".to_owned()),
    ];
    for (remedy, what) in remedies {
        let count = count(remedy);
        if count > 0 {
            let _ = writeln!(text, "  {what} {count}");
        }
    }
    Some(text)
}

/// What starts machines that are off; none when no machine is.
fn how_to_start(name: &str, statuses: &[ResourceStatus]) -> Option<String> {
    let powers: Vec<&str> = statuses.iter().filter_map(|status| status.power_state.as_deref()).collect();
    let off = powers.iter().filter(|power| PowerState::from(Some(**power)).is_off()).count();
    (off > 0).then(|| {
        let machines = powers.len();
        format!("\n{off} of {machines} machines are off: `azure-coreos-cluster start {name}` starts them\n")
    })
}

/// The cluster's directory and what was settled about it; an error that lists the known ones when there is none.
pub(super) fn known_cluster(
    name: &str,
    connection: &ConnectionArguments,
    reporter: &Reporter,
) -> Result<(ClusterDirectory, StoredCluster), Failure> {
    let name = cluster_name(name)?;
    let home = clusters_home(connection.state_dir.as_deref())?;
    let directory = ClusterDirectory::locate(Some(&home), &name)?;
    tell_damage(&directory, reporter);
    if let Some(stored) = directory.stored_cluster()? {
        return Ok((directory, stored));
    }
    let mut problems = Problems::new();
    match removed_cluster(&home, &name)? {
        Some(record) => {
            problems.add(Origin::Flag("NAME"), format!("cluster `{name}` was removed at {}", record.removed));
        }
        None => problems.add(Origin::Flag("NAME"), unknown_cluster(&home, name.as_str())?),
    }
    Err(problems.into())
}

/// Says that what was settled comes from its copy.
pub(super) fn tell_damage(directory: &ClusterDirectory, reporter: &Reporter) {
    if let Some(damage) = directory.spec_damage() {
        reporter.note(format!("{DEGRADED} {damage}; its copy is used"));
    }
}

/// A directory that was copied gets a file for `ssh -F` that names its new place. What Azure holds can be told without it.
fn refresh_ssh_config(directory: &ClusterDirectory, reporter: &Reporter) {
    let inventory = directory.read_inventory();
    let written = inventory.and_then(|found| found.map_or(Ok(()), |inventory| directory.write_ssh_config(&inventory)));
    if let Err(error) = written {
        reporter.note(format!("{DEGRADED} {error:#}; `ssh_config` stays as it was"));
    }
}

/// The name of a cluster as an argument gives it.
pub(super) fn cluster_name(text: &str) -> Result<ClusterName, Problems> {
    let mut problems = Problems::new();
    problems.take(Origin::Flag("NAME"), text.parse()).ok_or(problems)
}

/// With the resource itself, when it exists.
async fn status(
    connection: &Connection,
    spec: &SettledSpec,
    resource: &Desired,
    console_of_each: bool,
) -> Result<(ResourceStatus, Option<Resource>), ArmError> {
    let machine = matches!(resource.key, StepKey::VirtualMachine(_));
    let (found, view) = if machine {
        tokio::try_join!(connection.arm.get(&resource.id), connection.arm.view(&resource.id, "instanceView"))?
    } else {
        (connection.arm.get(&resource.id).await?, None)
    };
    let view: InstanceView = view.unwrap_or_default();
    let drift = drift(spec, resource, found.as_ref(), &view.power())?;
    let state = found.as_ref().map(|resource| &resource.state);
    let console = match state {
        Some(state) if machine && (console_of_each || *state == ProvisioningState::Failed) => {
            Some(console(connection, resource).await)
        }
        _ => None,
    };
    let status = ResourceStatus {
        resource: resource.id.to_string(),
        id: resource.id.path().to_owned(),
        provisioning_state: Some(state.map_or_else(|| "absent".to_owned(), ToString::to_string)),
        power_state: view.power_state().map(str::to_owned),
        error: view.error().map(|status| match &status.message {
            Some(message) => format!("{}: {message}", status.short_code()),
            None => status.short_code().to_owned(),
        }),
        console,
        drift,
    };
    Ok((status, found))
}

/// The end of the serial console, or why it cannot be had: it explains a failure, so not getting it is none of its own.
async fn console(connection: &Connection, resource: &Desired) -> String {
    let log = async {
        let found: BootDiagnostics = connection.arm.post(&resource.id, "retrieveBootDiagnosticsData", None).await?;
        connection.arm.download(&found.serial_console_log_blob_uri).await
    };
    match log.await {
        Ok(log) => serial_console::end(&log),
        Err(error) => format!("its console cannot be read: {error}"),
    }
}

/// A line for each, and what is told of it.
fn text(statuses: &[ResourceStatus]) -> String {
    let mut text = String::new();
    let width = statuses.iter().map(|status| status.resource.chars().count()).max().unwrap_or_default();
    for status in statuses {
        let power = status.power_state.as_deref().unwrap_or_default();
        let state = status.provisioning_state.as_deref().unwrap_or_default();
        let line = format!("{:<width$}  {state:<10} {power}", status.resource);
        let _ = writeln!(text, "{}", line.trim_end());
        let drift: Vec<String> = status.drift.iter().filter_map(|drift| drift.what.text()).collect();
        for detail in status.error.iter().chain(&drift).chain(&status.console) {
            for line in detail.lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    text
}
