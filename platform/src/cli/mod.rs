//! The commands of `platformctl`: one file a verb, and how they find their cluster.

mod apps;
mod arguments;
mod bundles;
mod certs;
pub mod changing;
mod config;
mod connect;
mod database;
mod dock;
mod doctor;
mod install;
mod instance_line;
mod journal;
mod lifecycle;
mod machines;
mod place;
mod refresh;
mod setup;
mod ssh;
mod status;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use report::command::{run, to_its_end, usage};

use arguments::{PlatformArguments, PlatformCommand};

/// Runs `platformctl` with these arguments, the program's name first.
pub fn platformctl(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match PlatformArguments::try_parse_from(arguments) {
        Ok(arguments) => dispatch(&arguments),
        Err(error) => usage(error),
    }
}

fn dispatch(arguments: &PlatformArguments) -> ExitCode {
    let again = "run the same command again";
    let connection = &arguments.connection;
    // Changes see to signals themselves: they let go of the cluster's lock first.
    match &arguments.command {
        PlatformCommand::Config(arguments) => to_its_end("off", config::run(connection, arguments)),
        PlatformCommand::Install(arguments) => to_its_end("off", install::install(connection, arguments)),
        PlatformCommand::Start(arguments) => to_its_end("off", lifecycle::start(connection, arguments)),
        PlatformCommand::Stop(arguments) => to_its_end("off", lifecycle::stop(connection, arguments)),
        PlatformCommand::Restart(arguments) => to_its_end("off", lifecycle::restart(connection, arguments)),
        PlatformCommand::RollingRestart(arguments) => {
            to_its_end("off", lifecycle::rolling_restart(connection, arguments))
        }
        PlatformCommand::Scale(arguments) => to_its_end("off", lifecycle::scale(connection, arguments)),
        PlatformCommand::Upgrade(arguments) => to_its_end("off", install::upgrade(connection, arguments)),
        PlatformCommand::Refresh(arguments) => run(again, refresh::run(arguments)),
        PlatformCommand::Uninstall(arguments) => to_its_end("off", install::uninstall(connection, arguments)),
        PlatformCommand::Status(arguments) => run(again, status::status(connection, arguments)),
        PlatformCommand::List(arguments) => run(again, status::list(connection, arguments)),
        PlatformCommand::Apps(command) => apps::run(connection, command),
        PlatformCommand::Certs(command) => to_its_end("off", certs::run(connection, command)),
        PlatformCommand::Database(command) => to_its_end("off", database::run(connection, command)),
        PlatformCommand::Machines { output } => run(again, machines::run(connection, *output)),
        PlatformCommand::Doctor(arguments) => run(again, doctor::run(connection, arguments)),
        PlatformCommand::Journal(arguments) => to_its_end("off", journal::run(connection, arguments)),
        PlatformCommand::Ssh(arguments) => to_its_end("off", ssh::run(connection, arguments)),
        PlatformCommand::Dock(arguments) => to_its_end("off", dock::run(connection, arguments)),
        PlatformCommand::Bundles(arguments) => run(again, bundles::list(arguments)),
        PlatformCommand::Bundle(command) => run(again, bundles::run(command)),
    }
}
