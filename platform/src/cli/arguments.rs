//! `platformctl`'s command line, as data and help text only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::apps::AppsCommand;
use super::bundles::{BundleCommand, BundlesArguments};
use super::certs::CertsCommand;
use super::config::ConfigArguments;
use super::database::DatabaseCommand;
use super::doctor::DoctorArguments;
use super::install::{InstallArguments, UninstallArguments, UpgradeArguments};
use super::journal::JournalArguments;
use super::lifecycle::{ScaleArguments, TargetArguments};
use super::place::PlaceArguments;
use super::refresh::RefreshArguments;
use super::status::{ListArguments, StatusArguments};
use report::OutputFormat;

/// Put a platform on a cluster over SSH, and look after it.
///
/// Targets are `platform` (everything), a component (`router`), one instance of it (`router@1`), or a wildcard
/// (`router@*`, `*`).
#[derive(Debug, Parser)]
#[command(
    name = "platformctl",
    version,
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = "Exit codes: 0 done, 1 unexpected, 2 usage, 3 invalid settings or bundle, 7 host unreachable over SSH,\n\
                  8 cluster or platform unhealthy, 130 interrupted (run again to go on)."
)]
pub(super) struct PlatformArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(subcommand)]
    pub command: PlatformCommand,
}

/// Which cluster, and how it is reached.
#[derive(Clone, Debug, Args)]
pub(super) struct ConnectionArguments {
    #[arg(
        long,
        value_name = "NAME",
        global = true,
        help_heading = "Connection",
        help = "Name of the cluster [default: PLATFORMCTL_CLUSTER, else the only one there is]"
    )]
    pub cluster: Option<String>,
    /// Reach all nodes through this one [default: PLATFORMCTL_TUNNEL, DEISCTL_TUNNEL, else directly]
    #[arg(long, value_name = "HOST[:PORT]", global = true, help_heading = "Connection")]
    pub tunnel: Option<String>,
    /// Private key to sign in with [default: the cluster's own, else the agent]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Connection")]
    pub identity: Option<PathBuf>,
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Connection",
        help = "Host keys for a --tunnel to a cluster that has no directory here [default: ~/.ssh/known_hosts]"
    )]
    pub known_hosts: Option<PathBuf>,
    /// Seconds to wait for a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600),
          global = true, help_heading = "Connection")]
    pub ssh_timeout: u64,
    /// Seconds to wait for one command or request
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600),
          global = true, help_heading = "Connection")]
    pub request_timeout: u64,
    /// Directory that holds one directory per cluster [default: ~/.local/state/azure-coreos-cluster]
    #[arg(long, value_name = "DIR", global = true, help_heading = "Connection")]
    pub state_dir: Option<PathBuf>,
}

/// Commands of `platformctl`.
#[derive(Debug, Subcommand)]
pub(super) enum PlatformCommand {
    /// Read and write settings
    Config(ConfigArguments),
    /// Put components on the cluster, stopped; on an installed platform, bring them up to date with the settings
    Install(InstallArguments),
    /// Start components, subsystem by subsystem, and wait until they are well
    Start(TargetArguments),
    /// Stop components
    Stop(TargetArguments),
    /// Stop and start components, or replace single instances
    Restart(TargetArguments),
    /// Replace the tasks of components one after the other
    RollingRestart(TargetArguments),
    /// Change how many tasks a component has
    Scale(ScaleArguments),
    /// Go to another version of the bundle, and back when it does not become well
    Upgrade(UpgradeArguments),
    /// Write the shipped bundles to a folder, where they can be changed
    Refresh(RefreshArguments),
    /// Remove components; volumes, secrets and settings stay
    Uninstall(UninstallArguments),
    /// Show what runs, where, and what went wrong
    Status(StatusArguments),
    /// List all instances, one a line
    List(ListArguments),
    /// Create, deploy, configure, scale and destroy apps
    #[command(subcommand)]
    Apps(AppsCommand),
    /// Look after the certificates that routers show for domains
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Save and restore the platform's database, change its password
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Show each machine's state, asked over SSH
    Machines {
        /// Form of the result on stdout
        #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
    },
    /// Look for what is wrong, and say what helps; changes nothing
    Doctor(DoctorArguments),
    /// Show what components, apps and machines wrote
    Journal(JournalArguments),
    /// Open a shell on a machine, or run a command there
    Ssh(PlaceArguments),
    /// Open a shell in a component's container, or run a command there
    Dock(PlaceArguments),
    /// List the platforms that can be installed
    Bundles(BundlesArguments),
    /// Look after a bundle of one's own
    #[command(subcommand)]
    Bundle(BundleCommand),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        PlatformArguments::command().debug_assert();
    }
}
