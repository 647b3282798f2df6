//! The command line of `scale`.

use clap::Args;

use super::super::power::arguments::PowerArguments;

/// Arguments of `scale`.
#[derive(Debug, Args)]
pub(in super::super) struct ScaleArguments {
    #[command(flatten)]
    pub cluster: PowerArguments,
    /// How many nodes it shall have; those with the highest numbers come or go
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub num_nodes: u32,
    /// Give up what only this node holds: volumes of services and apps; may be repeated
    #[arg(long, value_name = "NODE")]
    pub lose: Vec<String>,
    /// Allow fewer than 3 nodes, which survive the loss of none
    #[arg(long)]
    pub allow_small: bool,
    /// Do not ask
    #[arg(long, short_alias = 'y')]
    pub yes: bool,
}
