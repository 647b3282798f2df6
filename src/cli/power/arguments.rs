//! The command lines of `stop`, `start` and `restart`.

use clap::Args;

use super::super::arguments::{ConnectionArguments, OutputArguments};
use super::super::parameters::SignInArguments;

/// Arguments of `stop`.
#[derive(Debug, Args)]
pub(in super::super) struct StopArguments {
    #[command(flatten)]
    pub cluster: PowerArguments,
    /// Do not ask
    #[arg(long, short_alias = 'y')]
    pub yes: bool,
}

/// Arguments of `start`.
#[derive(Debug, Args)]
pub(in super::super) struct StartArguments {
    #[command(flatten)]
    pub cluster: PowerArguments,
    /// Return when Azure is done, without waiting for the machines to be ready
    #[arg(long)]
    pub no_wait: bool,
}

/// Arguments of `restart`.
#[derive(Debug, Args)]
pub(in super::super) struct RestartArguments {
    #[command(flatten)]
    pub cluster: PowerArguments,
    /// Restart this node alone, by its name or index; may be repeated [default: all, one after the other]
    #[arg(long = "node", value_name = "NODE")]
    pub nodes: Vec<String>,
}

/// What all of them are given.
#[derive(Debug, Args)]
pub(in super::super) struct PowerArguments {
    /// Name of the cluster
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub sign_in: SignInArguments,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}
