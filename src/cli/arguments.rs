//! The command lines, as data and help text only.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use report::OutputFormat;

use super::config::ConfigCommand;
use super::discovery::DiscoveryCommand;
use super::local::arguments::LocalCommand;
use super::management_certificate::ManagementCertificateArguments;
use super::parameters::{ParameterArguments, SignInArguments};
use super::power::arguments::{RestartArguments, StartArguments, StopArguments};
use super::scale::arguments::ScaleArguments;
use super::who_am_i::WhoAmIArguments;
use crate::spec::Dialect;

/// Turn an Azure subscription into a load-balanced cluster of CoreOS-style machines.
///
/// `azure-coreos-cluster NAME` creates the cluster, or completes it: what exists already is left alone, so the command
/// can be repeated at any time. With `--local` everything runs on this machine, on real virtual machines, without an
/// Azure account.
#[derive(Debug, Parser)]
#[command(
    name = "azure-coreos-cluster",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = "Exit codes: 0 done, 1 unexpected, 2 usage, 3 invalid spec, 4 sign-in, 5 Azure refused,\n\
                  6 Azure unreachable, 7 host unreachable over SSH, 8 unhealthy, 10 changes pending\n\
                  (plan --exit-code, status --exit-code), 130 interrupted (run again)."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub cluster: ClusterArguments,
    #[command(flatten)]
    pub create: CreateArguments,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Sub-commands; without one the cluster is created.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a cluster, or complete it: the same as NAME alone, for any name
    Create(Box<CreateVerbArguments>),
    /// Show what would be created, changed and left, and what Azure would refuse; write nothing
    Plan(Box<PlanArguments>),
    /// Ask Azure whether it would refuse, and what it would cost; write nothing
    Preflight(ClusterArguments),
    /// Remove a cluster, after showing what goes and asking
    Destroy(DestroyArguments),
    /// Stop paying for a cluster's machines, after asking; its disks and addresses stay
    Stop(StopArguments),
    /// Start the machines of a stopped cluster, and wait until they are ready
    Start(StartArguments),
    /// Restart nodes one after the other, each ready again before the next one goes
    Restart(RestartArguments),
    /// Add nodes to a cluster, or take the last ones away after what runs there has moved
    Scale(ScaleArguments),
    /// Show what Azure holds of a cluster, and what of it somebody changed by hand
    Status(StatusArguments),
    /// List the clusters that are kept here, and those that Azure and the local emulator have
    List(ListArguments),
    /// Print what a node is told, its private keys among it; or check a file
    UserData(UserDataArguments),
    /// Show which credential is taken, and the tenant and subscription it leads to
    #[command(name = "whoami")]
    WhoAmI(WhoAmIArguments),
    /// Make a certificate for a service principal, and say how to register it
    #[command(name = "mgmt-cert")]
    ManagementCertificate(ManagementCertificateArguments),
    /// Show what parameters come to, and the schema of their file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The texts that user-data is made of
    #[command(subcommand)]
    Templates(TemplatesCommand),
    /// A service by which etcd's members find each other
    #[command(subcommand)]
    Discovery(DiscoveryCommand),
    /// Run the local Azure emulator
    #[command(subcommand)]
    Local(LocalCommand),
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(super) struct CreateVerbArguments {
    #[command(flatten)]
    pub cluster: ClusterArguments,
    #[command(flatten)]
    pub create: CreateArguments,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub cluster: ClusterArguments,
    /// End with 10 when something would be created, changed or waited for
    #[arg(long, help_heading = "Run")]
    pub exit_code: bool,
}

/// What only creation asks for.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// Do not ask before a cluster is made or changed; without a terminal needed where something is taken away
    #[arg(long, short_alias = 'y', help_heading = "Run")]
    pub yes: bool,
    /// Return when Azure is done, without waiting for the machines to be ready
    #[arg(long, help_heading = "Run")]
    pub no_wait: bool,
}

/// What describes a cluster. What is not given keeps the value the cluster was created with.
#[derive(Debug, Args)]
pub(super) struct ClusterArguments {
    #[command(flatten)]
    pub parameters: ParameterArguments,
    /// Read parameters from a cluster.yaml; environment variables and flags count before it
    #[arg(short, long, value_name = "FILE", env = "AZURE_COREOS_CLUSTER_FILE", hide_env = true)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

impl ClusterArguments {
    /// What to call the cluster before its parameters are read.
    pub(super) fn name(&self) -> &str {
        self.parameters.name().unwrap_or("NAME")
    }
}

/// Where Azure is, and where clusters are kept.
#[derive(Clone, Debug, Args)]
pub(super) struct ConnectionArguments {
    /// Use the local emulator; it is started when it does not run
    #[arg(long, env = "AZURE_COREOS_CLUSTER_LOCAL", hide_env = true, value_parser = FalseyValueParser::new())]
    pub local: bool,
    /// Directory that holds one directory per cluster [default: ~/.local/state/azure-coreos-cluster]
    #[arg(
        long,
        value_name = "DIR",
        env = "AZURE_COREOS_CLUSTER_STATE_DIR",
        hide_env = true,
        help_heading = "Run",
        hide_short_help = true
    )]
    pub state_dir: Option<PathBuf>,
}

/// How results are given.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArguments {
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text, help_heading = "Run")]
    pub output: OutputFormat,
    /// Write one JSON object per event to FILE, `-` for stdout
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub events: Option<PathBuf>,
}

/// Arguments of `destroy`.
#[derive(Debug, Args)]
pub(super) struct DestroyArguments {
    /// Name of the cluster
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Remove machines too that were made with other keys than those in the cluster's directory
    #[arg(long)]
    pub ignore_keys: bool,
    /// Remove a cluster that has no directory here: what carries its tag in this group
    #[arg(long, value_name = "GROUP", conflicts_with = "ignore_keys")]
    pub resource_group: Option<String>,
    #[command(flatten)]
    pub sign_in: SignInArguments,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Name of the cluster
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Show the end of each machine's serial console, not of those alone that failed
    #[arg(long)]
    pub console: bool,
    /// End with 10 when something is not as the cluster was made
    #[arg(long)]
    pub exit_code: bool,
    #[command(flatten)]
    pub sign_in: SignInArguments,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Ask the local emulator only, when it runs; without this, Azure too
    #[arg(long, env = "AZURE_COREOS_CLUSTER_LOCAL", hide_env = true, value_parser = FalseyValueParser::new())]
    pub local: bool,
    /// Directory that holds one directory per cluster [default: ~/.local/state/azure-coreos-cluster]
    #[arg(long, value_name = "DIR", env = "AZURE_COREOS_CLUSTER_STATE_DIR", hide_env = true)]
    pub state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub sign_in: SignInArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `user-data`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct UserDataArguments {
    #[command(flatten)]
    pub cluster: ClusterArguments,
    /// Index of the node
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub node: u32,
    /// Print it in this form [default: the cluster's]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Dialect>,
    #[command(subcommand)]
    pub command: Option<UserDataCommand>,
}

/// What else can be done with user-data.
#[derive(Debug, Subcommand)]
pub(super) enum UserDataCommand {
    /// Say of each key of a file whether it would act on Flatcar and on Fedora CoreOS; exit code 3 when one would not
    Lint(LintArguments),
}

/// Arguments of `user-data lint`.
#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// A cloud-config, an Ignition document, a script or a multipart file; `-` for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

/// Commands about templates.
#[derive(Debug, Subcommand)]
pub(super) enum TemplatesCommand {
    /// Write the shipped ones to a directory
    Dump {
        /// Made when it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Write over files that are there
        #[arg(long)]
        force: bool,
    },
    /// Say what is wrong with a directory of your own
    Check {
        /// Holds the ones that differ from the shipped ones
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{DATA_DISK, DEIS, NAME};
    use clap::CommandFactory as _;

    #[test]
    fn the_command_lines_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn user_data_is_printed_or_checked() {
        let parse = |arguments: &[&str]| match Arguments::try_parse_from([&["x", "user-data"], arguments].concat()) {
            Ok(Arguments { command: Some(Command::UserData(arguments)), .. }) => Ok(arguments),
            other => Err(format!("{other:?}")),
        };
        let printed = parse(&["mycluster", "--format", "cloud-config", "--node", "1"]).unwrap();
        assert_eq!((printed.cluster.name(), printed.format), ("mycluster", Some(Dialect::CloudConfig)));
        assert!(printed.command.is_none());
        let checked = parse(&["lint", "-", "-o", "json"]).unwrap();
        assert!(matches!(checked.command, Some(UserDataCommand::Lint(lint)) if lint.file.as_os_str() == "-"));
        for wrong in [&["lint"][..], &["mycluster", "--format", "yaml"], &["--node", "1", "lint", "-"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_alone_creates() {
        let arguments = Arguments::try_parse_from(["x", "mycluster", "--data-disk", "--deis"]).unwrap();
        let input = arguments.cluster.parameters.input(None);
        let text = |parameter| input.values.text(parameter);
        assert_eq!((text(&NAME), text(&DATA_DISK), text(&DEIS)), (Some("mycluster"), Some("100"), Some("true")));
        let arguments = Arguments::try_parse_from(["x", "destroy", "mycluster"]).unwrap();
        assert!(matches!(arguments.command, Some(Command::Destroy(_))));
        let arguments = Arguments::try_parse_from(["x", "--deis", "mycluster", "--ssh-key=a.pub"]).unwrap();
        assert_eq!(arguments.cluster.name(), "mycluster", "a switch takes no name for its value");
    }
}
