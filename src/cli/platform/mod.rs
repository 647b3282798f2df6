//! The commands of `platformctl`: one file a verb, and how they find their cluster.

mod arguments;
mod connect;
mod machines;

use std::process::ExitCode;

pub use arguments::PlatformArguments;
use arguments::PlatformCommand;

/// Runs the command.
pub fn run(arguments: &PlatformArguments) -> ExitCode {
    let again = "run the same command again";
    match &arguments.command {
        PlatformCommand::Machines { output } => super::run(again, machines::run(&arguments.connection, *output)),
    }
}
