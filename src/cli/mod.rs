//! The commands: each turns its arguments into calls of the library and a result on stdout. The only module besides
//! `report` that prints, and the only one that knows the environment.

mod arguments;
mod config;
mod connection;
mod create;
mod destroy;
mod discovery;
mod first_failure;
mod fitting_keys;
mod local;
mod management_certificate;
mod output;
mod parameters;
mod plan;
mod platform;
mod preflight;
mod prepare;
mod status;
mod templates;
mod user_data;
mod who_am_i;

use std::ffi::OsString;
use std::future::Future;
use std::process::{ExitCode, Termination};

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::report::Failure;
use arguments::{Arguments, Command, LocalCommand};
use platform::PlatformArguments;

/// Runs `azure-coreos-cluster` with these arguments, the program's name first.
pub fn azure_coreos_cluster(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match arguments.command {
        Some(Command::Plan(arguments)) => run("run the same command again", plan::run(arguments)),
        Some(Command::Preflight(arguments)) => run("run the same command again", preflight::run(arguments)),
        // Both tell their events of an interruption themselves.
        Some(Command::Destroy(arguments)) => to_its_end("off", destroy::run(arguments)),
        Some(Command::Status(arguments)) => run("run the same command again", status::run(arguments)),
        Some(Command::WhoAmI(arguments)) => run("run the same command again", who_am_i::run(arguments)),
        Some(Command::ManagementCertificate(arguments)) => {
            run("run the same command again", management_certificate::run(arguments))
        }
        Some(Command::Config(command)) => run("run the same command again", config::run(command)),
        Some(Command::UserData(arguments)) => run("run the same command again", user_data::run(arguments)),
        Some(Command::Templates(command)) => run("run the same command again", templates::run(command)),
        // Long waits are answered before it ends.
        Some(Command::Discovery(command)) => to_its_end("info", discovery::run(command)),
        // The daemon ends its machines in its own time when it is asked to end; its stderr is its log.
        Some(Command::Local(LocalCommand::Serve(arguments))) => to_its_end("info", local::serve(arguments)),
        Some(Command::Local(command)) => run("azure-coreos-cluster local status", local::run(command)),
        None => to_its_end("off", create::run(arguments.cluster, arguments.create)),
    }
}

/// Runs `platformctl` with these arguments, the program's name first.
pub fn platformctl(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match PlatformArguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    platform::run(&arguments)
}

/// clap's own message: help on stdout with 0, mistakes on stderr with 2.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(crate::report::exit_code::USAGE))
}

/// Runs a command to its end, to Ctrl-C or to SIGTERM, and says how it ended.
fn run<T: Termination>(interrupted_hint: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    to_its_end("off", unless_interrupted(interrupted_hint, command))
}

/// What `work` comes to, or the failure of Ctrl-C and SIGTERM, which end it.
async fn unless_interrupted<T>(hint: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = ended_by_signal() => Err(Failure::Interrupted { hint: hint.to_owned() }),
    }
}

/// Runs a command that sees to signals itself; `log` is what it logs when nobody asked for anything else.
fn to_its_end<T: Termination>(log: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    let filter = EnvFilter::try_from_env("AZURE_COREOS_CLUSTER_LOG").unwrap_or_else(|_| EnvFilter::new(log));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&Failure::Other(error.into()));
            return ExitCode::from(crate::report::exit_code::UNEXPECTED);
        }
    };
    let result = runtime.block_on(command);
    // A request that hangs must not hold the program up.
    runtime.shutdown_background();
    match result {
        Ok(ended) => ended.report(),
        Err(failure) => {
            output::error(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn ended_by_signal() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}
