//! A command from its start to its exit code: diagnostics, runtime, signals. Both programs' doors call it.

use std::future::Future;
use std::process::{ExitCode, Termination};
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use diagnostics::{Environment, Origin, Problems, is_misspelling};
use tracing_subscriber::EnvFilter;

use crate::event::lost_events;
use crate::{Failure, exit_code, output, printable};

pub use crate::signals::{ended_by_signal, unless_interrupted};

/// What is logged, on stderr: <https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html>
const LOG_VARIABLE: &str = "AZURE_COREOS_CLUSTER_LOG";

/// Workers let go of what they do at its next wait; only what blocks, such as the reading of an answer, takes longer.
const LONGEST_SHUTDOWN: Duration = Duration::from_secs(2);

/// clap's own message: help on stdout with 0, mistakes on stderr with 2.
pub fn usage(mut error: clap::Error) -> ExitCode {
    withdraw_names(&mut error);
    withdraw_strangers(&mut error);
    let text = error.render().to_string();
    match printable(&text) {
        // It repeats arguments as they were given.
        shown if shown != text => output::complain(&shown),
        _ => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit_code::USAGE))
}

/// clap advises `-- -1` for a value with a dash, which makes it the first argument instead: a cluster's name.
fn withdraw_names(error: &mut clap::Error) {
    if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        tips.retain(|tip| !tip.to_string().contains(" as a value, use "));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
}

/// The flag that is nearest by clap's measure may have nothing to do with the one that was written: `--yes` is no `--deis`.
fn withdraw_strangers(error: &mut clap::Error) {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(flag)) => Some(flag.trim_start_matches('-').to_owned()),
        _ => None,
    };
    let (Some(written), Some(near)) = (word(ContextKind::InvalidArg), word(ContextKind::SuggestedArg)) else { return };
    let is_part = near.starts_with(&written) || near.ends_with(&format!("-{written}"));
    if !is_part && !is_misspelling(&written, &near) {
        error.remove(ContextKind::SuggestedArg);
    }
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
    let code = match result {
        Ok(ended) => ended.report(),
        Err(failure) => failed(&failure),
    };
    // A request that hangs must not hold the program up; but OpenSSL is cleaned up when the process ends, and a worker that
    // still used it then would crash.
    runtime.shutdown_timeout(LONGEST_SHUTDOWN);
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};

    #[test]
    fn a_value_with_a_dash_is_not_advised_to_be_a_name() {
        let command = || Command::new("x").arg(Arg::new("NAME")).arg(Arg::new("ssh").long("ssh"));
        for argument in ["-1", "-x"] {
            let mut error = command().try_get_matches_from(["x", "--ssh", argument]).unwrap_err();
            assert!(error.to_string().contains("as a value"), "{error}");
            withdraw_names(&mut error);
            let text = error.to_string();
            assert!(!text.contains("tip:") && text.contains("Usage:"), "{text}");
        }
        let mut error = command().try_get_matches_from(["x", "--sshh", "1"]).unwrap_err();
        withdraw_names(&mut error);
        assert!(error.to_string().contains("'--ssh'"), "{error}");
    }

    #[test]
    fn only_a_flag_that_is_near_is_advised() {
        let flags = ["deis", "region", "data-disk", "subscription", "location"];
        let command = || flags.iter().fold(Command::new("x"), |command, flag| command.arg(Arg::new(*flag).long(*flag)));
        for (written, advised) in [
            ("--yes", None),
            ("--rg", None),
            ("--subs", Some("--subscription")),
            ("--locaton", Some("--location")),
            ("--regoin", Some("--region")),
        ] {
            let mut error = command().try_get_matches_from(["x", written, "1"]).unwrap_err();
            withdraw_strangers(&mut error);
            let text = error.to_string();
            let tip = text.lines().find(|line| line.contains("tip:"));
            assert_eq!(tip.is_some(), advised.is_some(), "{text}");
            assert!(tip.is_none_or(|tip| tip.contains(advised.unwrap())), "{text}");
        }
    }
}
