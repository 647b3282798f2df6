//! A command from its start to its exit code: diagnostics, runtime, signals. Both programs' doors call it.

use std::future::Future;
use std::process::{ExitCode, Termination};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{Failure, exit_code, output};

/// clap's own message: help on stdout with 0, mistakes on stderr with 2.
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit_code::USAGE))
}

/// Runs a command to its end, to Ctrl-C or to SIGTERM, and says how it ended.
pub fn run<T: Termination>(interrupted_hint: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    to_its_end("off", unless_interrupted(interrupted_hint, command))
}

/// What `work` comes to, or the failure of Ctrl-C and SIGTERM, which end it.
pub async fn unless_interrupted<T>(hint: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = ended_by_signal() => Err(Failure::Interrupted { hint: hint.to_owned() }),
    }
}

/// Runs a command that sees to signals itself; `log` is what it logs when nobody asked for anything else.
pub fn to_its_end<T: Termination>(log: &str, command: impl Future<Output = Result<T, Failure>>) -> ExitCode {
    let filter = EnvFilter::try_from_env("AZURE_COREOS_CLUSTER_LOG").unwrap_or_else(|_| EnvFilter::new(log));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&Failure::Other(error.into()));
            return ExitCode::from(exit_code::UNEXPECTED);
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

/// Returns at Ctrl-C or SIGTERM.
pub async fn ended_by_signal() {
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
