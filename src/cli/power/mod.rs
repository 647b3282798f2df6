//! `stop`, `start` and `restart`: the machines of a cluster are switched off and on, and all that they keep stays.

pub(super) mod arguments;
mod cluster;
mod cost;
mod progress;
mod remedy;
mod restart;
mod start;
mod stop;

use super::arguments::OutputArguments;
use super::prepare;
use report::{Failure, Reporter};

pub(super) use cluster::PoweredCluster;
pub(super) use remedy::and_then;
pub(super) use restart::run as restart;
pub(super) use start::run as start;
pub(super) use stop::run as stop;

/// A reporter as the arguments ask for it.
fn reporter(output: &OutputArguments) -> Result<Reporter, Failure> {
    prepare::one_kind_of_output(output)?;
    prepare::reporter(output)
}
