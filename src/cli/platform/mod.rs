//! The commands of `platformctl`: one file a verb, and how they find their cluster.

mod apps;
mod arguments;
mod bundles;
mod changing;
mod config;
mod connect;
mod dock;
mod doctor;
mod install;
mod journal;
mod machines;
mod place;
mod refresh;
mod run;
mod setup;
mod ssh;
mod status;
mod terminal;

use std::process::ExitCode;

pub use arguments::PlatformArguments;
use arguments::PlatformCommand;

/// Runs the command.
pub fn run(arguments: &PlatformArguments) -> ExitCode {
    let again = "run the same command again";
    let connection = &arguments.connection;
    // Changes see to signals themselves: they let go of the cluster's lock first.
    match &arguments.command {
        PlatformCommand::Config(arguments) => super::to_its_end("off", config::run(connection, arguments)),
        PlatformCommand::Install(arguments) => super::to_its_end("off", install::install(connection, arguments)),
        PlatformCommand::Start(arguments) => super::to_its_end("off", run::start(connection, arguments)),
        PlatformCommand::Stop(arguments) => super::to_its_end("off", run::stop(connection, arguments)),
        PlatformCommand::Restart(arguments) => super::to_its_end("off", run::restart(connection, arguments)),
        PlatformCommand::RollingRestart(arguments) => {
            super::to_its_end("off", run::rolling_restart(connection, arguments))
        }
        PlatformCommand::Scale(arguments) => super::to_its_end("off", run::scale(connection, arguments)),
        PlatformCommand::Upgrade(arguments) => super::to_its_end("off", install::upgrade(connection, arguments)),
        PlatformCommand::Refresh(arguments) => super::run(again, refresh::run(arguments)),
        PlatformCommand::Uninstall(arguments) => super::to_its_end("off", install::uninstall(connection, arguments)),
        PlatformCommand::Status(arguments) => super::run(again, status::status(connection, arguments)),
        PlatformCommand::List(arguments) => super::run(again, status::list(connection, arguments)),
        PlatformCommand::Apps(command) => apps::run(connection, command),
        PlatformCommand::Machines { output } => super::run(again, machines::run(connection, *output)),
        PlatformCommand::Doctor(arguments) => super::run(again, doctor::run(connection, arguments)),
        PlatformCommand::Journal(arguments) => super::to_its_end("off", journal::run(connection, arguments)),
        PlatformCommand::Ssh(arguments) => super::to_its_end("off", ssh::run(connection, arguments)),
        PlatformCommand::Dock(arguments) => super::to_its_end("off", dock::run(connection, arguments)),
        PlatformCommand::Bundles(arguments) => super::run(again, bundles::list(arguments)),
        PlatformCommand::Bundle(command) => super::run(again, bundles::run(command)),
    }
}
