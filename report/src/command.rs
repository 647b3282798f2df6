//! A command from its start to its exit code: diagnostics, runtime, signals. Both programs' doors call it.

use std::future::Future;
use std::process::{ExitCode, Termination};

use diagnostics::{Environment, Origin, Problems};
use tracing_subscriber::EnvFilter;

use crate::event::lost_events;
use crate::{Failure, exit_code, output, printable};

pub use crate::signals::{ended_by_signal, unless_interrupted};

/// What is logged, on stderr: <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html>
const LOG_VARIABLE: &str = "AZURE_COREOS_CLUSTER_LOG";

/// clap's own message: help on stdout with 0, mistakes on stderr with 2.
pub fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    match printable(&text) {
        // It repeats arguments as they were given.
        shown if shown != text => output::complain(&shown),
        _ => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit_code::USAGE))
}

/// Tells a failure; its exit code.
pub fn failed(failure: &Failure) -> ExitCode {
    output::error(failure);
    ExitCode::from(failure.exit_code())
}

/// Runs a command to its end, or to that of a signal, and says how it ended.
pub fn run<T: Termination>(interrupted_hint: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    to_its_end("off", unless_interrupted(interrupted_hint, command))
}

/// Runs a command that sees to signals itself; `log` is what it logs when nobody asked for anything else.
pub fn to_its_end<T: Termination>(log: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
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
