//! `stop`, `start` and `restart`: the machines of a cluster are switched off and on, and all that they keep stays.

pub(super) mod arguments;
mod cluster;
mod cost;
mod progress;
mod remedy;
mod restart;
mod start;
mod stop;

use std::future::Future;
use std::time::Instant;

use super::arguments::OutputArguments;
use super::prepare;
use report::{Event, Failure, Reporter, exit_code};

pub(super) use restart::run as restart;
pub(super) use start::run as start;
pub(super) use stop::run as stop;

/// A reporter as the arguments ask for it.
fn reporter(output: &OutputArguments) -> Result<Reporter, Failure> {
    prepare::one_kind_of_output(output)?;
    prepare::reporter(output)
}

/// Does the work, and tells its end as an event; `hint` is for an end by the user.
async fn to_its_end<T>(
    hint: &str,
    reporter: &Reporter,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let start = Instant::now();
    // An end by the user is an event too.
    let result = report::command::unless_interrupted(hint, work).await;
    reporter.finish();
    let code = result.as_ref().err().map_or(exit_code::DONE, Failure::exit_code);
    reporter.event(Event::Finished { exit_code: code, seconds: start.elapsed().as_secs_f64() });
    result
}
