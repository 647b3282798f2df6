//! `platformctl apps`: create, deploy, config, scale, logs, destroy, and what else an app goes through.

mod arguments;
mod change;
mod config;
mod deploy;
mod logs;
mod look;
mod routing;
mod view;

use std::process::ExitCode;

pub(super) use arguments::AppsCommand;

use super::arguments::ConnectionArguments;

/// Runs the command.
pub(super) fn run(connection: &ConnectionArguments, command: &AppsCommand) -> ExitCode {
    use report::command::{run, to_its_end};

    let again = "run the same command again to go on";
    match command {
        AppsCommand::Create { name, domains, result } => {
            to_its_end("off", change::create(connection, name, domains, result))
        }
        AppsCommand::List { result } => run(again, look::list(connection, result)),
        AppsCommand::Deploy(arguments) => to_its_end("off", deploy::run(connection, arguments)),
        AppsCommand::Config(arguments) => to_its_end("off", config::run(connection, arguments)),
        AppsCommand::Domains(arguments) => to_its_end("off", change::domains(connection, arguments)),
        AppsCommand::Routing(arguments) => to_its_end("off", routing::run(connection, arguments)),
        AppsCommand::Scale { name, scales, change } => {
            to_its_end("off", change::scale(connection, name, scales, change))
        }
        AppsCommand::Releases { name, result } => run(again, look::releases(connection, name, result)),
        AppsCommand::Rollback { name, version, change } => {
            to_its_end("off", change::roll_back(connection, name, *version, change))
        }
        AppsCommand::Logs(arguments) => to_its_end("off", logs::run(connection, arguments)),
        AppsCommand::Info { name, result } => run(again, look::info(connection, name, result)),
        AppsCommand::Restart { name, services, change } => {
            to_its_end("off", change::restart(connection, name, services, change))
        }
        AppsCommand::Destroy { name, confirm, yes, result } => {
            to_its_end("off", change::destroy(connection, name, confirm.as_deref(), *yes, result))
        }
    }
}
