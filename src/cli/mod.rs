//! The commands: each turns its arguments into calls of the library and a result on stdout. The only module besides
//! `report` that prints, and the only one that knows the environment.

mod arguments;
mod config;
mod connection;
mod consent;
mod create;
mod destroy;
mod discovery;
mod environment;
mod local;
mod management_certificate;
mod output;
mod parameters;
mod plan;
mod platform;
mod preflight;
mod prepare;
mod signals;
mod status;
mod templates;
mod user_data;
mod verb;
mod who_am_i;

use std::ffi::OsString;
use std::future::Future;
use std::process::{ExitCode, Termination};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::report::{Failure, exit_code, lost_events, printable};
use crate::spec::{Origin, Problems};
use arguments::{Arguments, Command, LocalCommand};
use environment::Environment;
use platform::PlatformArguments;
use signals::{ended_by_signal, unless_interrupted};

/// What is logged, on stderr: <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html>
const LOG_VARIABLE: &str = "AZURE_COREOS_CLUSTER_LOG";
/// Stands for `--local`.
const LOCAL_VARIABLE: &str = "AZURE_COREOS_CLUSTER_LOCAL";

/// Runs `azure-coreos-cluster` with these arguments, the program's name first.
pub fn azure_coreos_cluster(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // The command line takes it for a flag; as other bytes than text it would be none.
    if let Err(problems) = Environment::read(&[LOCAL_VARIABLE]) {
        return failed(&problems.into());
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match arguments.command {
        Some(Command::Plan(arguments)) => run("run the same command again", plan::run(*arguments)),
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
        Some(Command::Create(arguments)) => to_its_end("off", create::run(arguments.cluster, arguments.create)),
        None => match verb::refuse_misspelled(&arguments.cluster) {
            Ok(()) => to_its_end("off", create::run(arguments.cluster, arguments.create)),
            Err(failure) => failed(&failure),
        },
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
    let text = error.render().to_string();
    match printable(&text) {
        // It repeats arguments as they were given.
        shown if shown != text => output::complain(&shown),
        _ => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit_code::USAGE))
}

fn failed(failure: &Failure) -> ExitCode {
    output::error(failure);
    ExitCode::from(failure.exit_code())
}

/// Runs a command to its end, to Ctrl-C or to SIGTERM, and says how it ended.
fn run<T: Termination>(interrupted_hint: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    to_its_end("off", unless_interrupted(interrupted_hint, command))
}

/// Runs a command that sees to signals itself; `log` is what it logs when nobody asked for anything else.
fn to_its_end<T: Termination>(log: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    let filter = match filter(log) {
        Ok(filter) => filter,
        Err(problems) => return failed(&problems.into()),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Failure::Other(error.into())),
    };
    let result = runtime.block_on(command);
    // A request that hangs must not hold the program up.
    runtime.shutdown_background();
    let code = match result {
        Ok(ended) => ended.report(),
        Err(failure) => failed(&failure),
    };
    match lost_events() {
        None => code,
        // Who reads events must not take what it has for all there was.
        Some(lost) => {
            let unwritten = failed(&Failure::Other(anyhow::anyhow!(lost)));
            if code == ExitCode::SUCCESS { unwritten } else { code }
        }
    }
}

/// What to log: as the environment says, else `log`.
fn filter(log: &str) -> Result<EnvFilter, Problems> {
    let Some(directives) = Environment::read(&[LOG_VARIABLE])?.get(LOG_VARIABLE) else {
        return Ok(EnvFilter::new(log));
    };
    let mut problems = Problems::new();
    let origin = Origin::Environment(LOG_VARIABLE.into());
    problems.take(origin, EnvFilter::try_new(directives)).ok_or(problems)
}
