//! `destroy NAME`: shows what goes, asks, removes it, and waits until it is gone.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Instant;

use super::arguments::DestroyArguments;
use super::connection::connect;
use super::prepare::reporter;
use super::status::known_cluster;
use crate::directory::DirectoryLock;
use crate::execute::{Removal, removal, remove};
use crate::plan::ResourceNames;
use report::output;
use report::{Event, Failure, Reporter, exit_code};

/// Runs the command.
pub async fn run(arguments: DestroyArguments) -> Result<(), Failure> {
    super::prepare::one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let start = Instant::now();
    let hint = format!("azure-coreos-cluster destroy {} removes what is left", arguments.name);
    let result = report::command::unless_interrupted(&hint, destroy(&arguments, &reporter)).await;
    let code = result.as_ref().err().map_or(exit_code::DONE, Failure::exit_code);
    reporter.event(Event::Finished { exit_code: code, seconds: start.elapsed().as_secs_f64() });
    result
}

async fn destroy(arguments: &DestroyArguments, reporter: &Reporter) -> Result<(), Failure> {
    let (directory, stored) = known_cluster(&arguments.name, &arguments.connection)?;
    let connection = connect(&arguments.connection, &arguments.sign_in.values()?, Some(&stored), reporter).await?;
    let lock = DirectoryLock::acquire(&directory)?;
    let names = ResourceNames::new(&connection.subscription, &stored.spec);
    let again = format!("azure-coreos-cluster destroy {}", arguments.name);
    let removal =
        removal(&connection.arm, &stored.spec, &names).await.map_err(|error| Failure::azure(error, again.clone()))?;
    reporter.note(preview(&removal));
    if removal != Removal::Nothing && !arguments.yes {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::Usage(format!("nobody is here to confirm; `{again} --yes` removes without asking")));
        }
        if !report::confirm(&format!("remove cluster {} for good?", arguments.name)).await? {
            return Err(Failure::Usage("nothing was removed".into()));
        }
    }
    let result = remove(&connection.arm, &removal, reporter).await;
    reporter.finish();
    result.map_err(|errors| Failure::azure_all(errors, format!("`{again}` removes what is left")))?;
    // The keys of machines that are gone open nothing.
    directory.remove()?;
    drop(lock);
    let value = serde_json::json!({ "name": arguments.name, "removed": removal != Removal::Nothing });
    let text = match removal {
        Removal::Nothing => format!("cluster {}: nothing was left on {}\n", arguments.name, connection.cloud.as_str()),
        _ => format!("cluster {} is gone\n", arguments.name),
    };
    output::result(arguments.output.output, &value, &text)
}

fn preview(removal: &Removal) -> String {
    let mut text = String::new();
    match removal {
        Removal::Nothing => text.push_str("nothing of the cluster exists"),
        Removal::Group { group, resources } => {
            let _ = write!(text, "removes {group} with its {} resources:", resources.len());
            for resource in resources {
                let _ = write!(text, "\n  - {resource}");
            }
        }
        Removal::Resources { stages, others } => {
            let count: usize = stages.iter().map(Vec::len).sum();
            let _ = write!(text, "removes {count} resources of the cluster:");
            for id in stages.iter().flatten() {
                let _ = write!(text, "\n  - {id}");
            }
            let _ = write!(text, "\nthe resource group stays");
            if !others.is_empty() {
                let _ = write!(text, ", because these are not the cluster's:");
            }
            for other in others {
                let _ = write!(text, "\n  = {other}");
            }
        }
    }
    text
}
