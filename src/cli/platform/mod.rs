//! The commands of `platformctl`: one file a verb, and how they find their cluster.

mod arguments;
mod connect;
mod dock;
mod journal;
mod machines;
mod place;
mod ssh;
mod terminal;

use std::process::ExitCode;

pub use arguments::PlatformArguments;
use arguments::PlatformCommand;

/// Runs the command.
pub fn run(arguments: &PlatformArguments) -> ExitCode {
    let again = "run the same command again";
    match &arguments.command {
        PlatformCommand::Machines { output } => super::run(again, machines::run(&arguments.connection, *output)),
        PlatformCommand::Ssh(there) => super::to_its_end("off", ssh::run(&arguments.connection, there)),
        PlatformCommand::Journal(arguments) => super::to_its_end("off", journal::run(connection, arguments)),
        PlatformCommand::Dock(there) => super::to_its_end("off", dock::run(&arguments.connection, there)),
    }
}
