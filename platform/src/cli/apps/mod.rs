//! `platformctl apps`: create, deploy, config, scale, logs, destroy, and what else an app goes through.

mod arguments;
mod change;
mod config;
mod deploy;
mod logs;
mod look;
mod view;

use std::process::ExitCode;

pub use arguments::AppsCommand;

use super::arguments::ConnectionArguments;

/// Runs the command.
pub fn run(connection: &ConnectionArguments, command: &AppsCommand) -> ExitCode {
    use report::command::run;

    let again = "run the same command again to go on";
    match command {
        AppsCommand::Create { name, domains, result } => run(again, change::create(connection, name, domains, result)),
        AppsCommand::List { result } => run(again, look::list(connection, result)),
        AppsCommand::Deploy(arguments) => run(again, deploy::run(connection, arguments)),
        AppsCommand::Config(arguments) => run(again, config::run(connection, arguments)),
        AppsCommand::Domains(arguments) => run(again, change::domains(connection, arguments)),
        AppsCommand::Scale { name, scales, change } => run(again, change::scale(connection, name, scales, change)),
        AppsCommand::Releases { name, result } => run(again, look::releases(connection, name, result)),
        AppsCommand::Rollback { name, version, change } => {
            run(again, change::roll_back(connection, name, *version, change))
        }
        AppsCommand::Logs(arguments) => report::command::to_its_end("off", logs::run(connection, arguments)),
        AppsCommand::Info { name, result } => run(again, look::info(connection, name, result)),
        AppsCommand::Restart { name, services, change } => {
            run(again, change::restart(connection, name, services, change))
        }
        AppsCommand::Destroy { name, confirm, yes, result } => {
            run(again, change::destroy(connection, name, confirm.as_deref(), *yes, result))
        }
    }
}
