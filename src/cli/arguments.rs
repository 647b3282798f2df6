//! The command lines, as data and help text only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::userdata::Dialect;

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
    after_help = "Exit codes: 0 done, 1 unexpected, 2 usage, 3 invalid spec, 4 sign-in, 5 Azure refused, 6 Azure unreachable,\n\
                  7 host unreachable over SSH, 8 unhealthy, 130 interrupted (run again to go on)."
)]
pub struct Arguments {
    #[command(flatten)]
    pub cluster: ClusterArguments,
    #[command(flatten)]
    pub create: CreateArguments,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Sub-commands; without one the cluster is created.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would be created, changed and left; write nothing
    Plan(ClusterArguments),
    /// Remove a cluster, after showing what goes and asking
    Destroy(DestroyArguments),
    /// Show what Azure holds of a cluster
    Status(StatusArguments),
    /// Print what a node gets as user-data, its private keys among it; or check a file of your own
    UserData(UserDataArguments),
    /// The texts that user-data is made of
    #[command(subcommand)]
    Templates(TemplatesCommand),
    /// Run the local Azure emulator
    #[command(subcommand)]
    Local(LocalCommand),
}

/// What only creation asks for.
#[derive(Debug, Args)]
pub struct CreateArguments {
    /// Do not ask before resources that exist are changed
    #[arg(long, help_heading = "Run")]
    pub yes: bool,
    /// Return when Azure is done, without waiting for the machines to be ready
    #[arg(long, help_heading = "Run")]
    pub no_wait: bool,
}

/// What describes a cluster. Options that are not given keep the value the cluster was created with.
#[derive(Debug, Args)]
pub struct ClusterArguments {
    /// Name of the cluster; also its DNS label: 3 to 40 of a-z, 0-9 and `-`
    // Absent only beside a sub-command, which has a name of its own.
    #[arg(value_name = "NAME", required = true)]
    pub name: Option<String>,
    /// Number of machines, 3 to 200 [default: 3]
    #[arg(long, value_name = "COUNT")]
    pub num_nodes: Option<u32>,
    /// Allow 1 or 2 machines, with a single etcd member
    #[arg(long)]
    pub allow_small: bool,
    /// Open the ports that a platform bundle asks for: a name (see `platformctl bundles`) or a bundle's folder
    #[arg(long, value_name = "NAME|DIR", conflicts_with = "deis")]
    pub platform: Option<String>,
    /// Open the ports of the default platform: 80, 443 and 2222
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub deis: Option<bool>,
    /// With --platform or --deis: leave closed what carries TLS, port 443
    #[arg(long)]
    pub nohttps: bool,

    /// Size of each machine [default: Standard_D2as_v5]
    #[arg(long, value_name = "SIZE", help_heading = "Machines")]
    pub vm_size: Option<String>,
    /// Machines are named NAME-PREFIX-0, NAME-PREFIX-1, … [default: coreos]
    #[arg(long, value_name = "PREFIX", help_heading = "Machines")]
    pub vm_name_prefix: Option<String>,
    /// Image: URN, image id or community gallery id [default: Flatcar stable]
    #[arg(long, value_name = "URN|ID", help_heading = "Machines")]
    pub coreos_image: Option<String>,
    /// Disk for /var/lib/docker, in GiB [default when given: 100]
    #[arg(long, value_name = "GiB", num_args = 0..=1, default_missing_value = "100", help_heading = "Machines")]
    pub data_disk: Option<u32>,
    /// Your cloud-config or Ignition file, merged over ours
    #[arg(long, value_name = "FILE", help_heading = "Machines")]
    pub custom_data: Option<PathBuf>,
    /// Additional NTP server (repeatable)
    #[arg(long = "ntp-server", value_name = "HOST", help_heading = "Machines")]
    pub ntp_servers: Vec<String>,

    /// Region [default: westeurope]
    #[arg(long, value_name = "REGION", help_heading = "Azure")]
    pub location: Option<String>,
    /// Resource group, made when missing [default: NAME]
    #[arg(long, value_name = "GROUP", help_heading = "Azure")]
    pub resource_group: Option<String>,
    /// First public SSH port; Azure hands out one port a node from here on [default: 22001]
    #[arg(long, value_name = "PORT", help_heading = "Azure")]
    pub ssh: Option<u16>,
    /// Your public key, Ed25519 or RSA [default: a new Ed25519 key]
    #[arg(long, value_name = "FILE", help_heading = "Azure")]
    pub ssh_key: Option<PathBuf>,

    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

impl ClusterArguments {
    /// The cluster's name; clap makes sure that there is one wherever it is asked for.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// Where Azure is, and where clusters are kept.
#[derive(Clone, Debug, Args)]
pub struct ConnectionArguments {
    /// Subscription id [default: AZURE_SUBSCRIPTION_ID, else that of `az login`]
    #[arg(long, value_name = "ID", help_heading = "Azure")]
    pub subscription: Option<String>,
    /// Use the local emulator; it is started when it does not run
    #[arg(long, help_heading = "Azure")]
    pub local: bool,
    /// Directory that holds one directory per cluster [default: ~/.local/state/azure-coreos-cluster]
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub state_dir: Option<PathBuf>,
}

/// How results are given.
#[derive(Clone, Debug, Args)]
pub struct OutputArguments {
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text, help_heading = "Run")]
    pub output: OutputFormat,
    /// Write one JSON object per event to FILE, `-` for stdout
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub events: Option<PathBuf>,
}

/// Form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
    Yaml,
}

/// Arguments of `destroy`.
#[derive(Debug, Args)]
pub struct DestroyArguments {
    /// Name of the cluster
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Name of the cluster
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub connection: ConnectionArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `user-data`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct UserDataArguments {
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
pub enum UserDataCommand {
    /// Say of each key of a file whether it would act on Flatcar and on Fedora CoreOS; exit code 3 when one would not
    Lint(LintArguments),
}

/// Arguments of `user-data lint`.
#[derive(Debug, Args)]
pub struct LintArguments {
    /// A cloud-config, an Ignition document, a script or a multipart file; `-` for stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

/// Commands about templates.
#[derive(Debug, Subcommand)]
pub enum TemplatesCommand {
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

/// Commands about the local emulator.
#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Start it
    Up(LocalUpArguments),
    /// Show its machines and ports
    Status(OutputArguments),
    /// Print its log
    Logs {
        /// Go on printing as the log grows
        #[arg(short, long)]
        follow: bool,
    },
    /// Stop it and its machines; their disks and all resources stay
    Down,
    /// Stop it and forget everything
    Reset,
    /// The image that machines start from
    #[command(subcommand)]
    Image(ImageCommand),
    /// Run the emulator in the foreground
    #[command(hide = true)]
    Serve(LocalUpArguments),
}

/// Commands about the emulator's image.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make it from Debian packages, once
    Build,
}

/// How the emulator runs.
#[derive(Clone, Debug, Args)]
pub struct LocalUpArguments {
    /// What a VM resource becomes
    #[arg(long, value_enum, default_value_t = Vms::Qemu)]
    pub vms: Vms,
    /// How long operations take
    #[arg(long, value_enum, default_value_t = LatencyProfile::None)]
    pub latency: LatencyProfile,
    /// Factor for the profile's times; 0.1 is ten times faster
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub time_scale: f64,
    /// Memory of each machine, in MiB
    #[arg(long, value_name = "MiB", default_value_t = 1024)]
    pub vm_memory: u32,
    /// Minutes after which a machine that does not answer on SSH has failed
    #[arg(long, value_name = "MINUTES", default_value_t = 40)]
    pub boot_timeout: u64,
}

/// What a VM resource becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vms {
    /// A real virtual machine
    Qemu,
    /// Nothing: the control plane alone
    None,
}

/// How long the emulator's operations take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LatencyProfile {
    /// No longer than they need
    None,
    /// As long as on Azure
    Azure,
}

#[cfg(test)]
mod tests {
    use super::*;
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
        for wrong in [&[][..], &["lint"], &["mycluster", "--format", "yaml"], &["--node", "1", "lint", "-"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_alone_creates() {
        let arguments = Arguments::try_parse_from(["x", "mycluster", "--data-disk", "--deis"]).unwrap();
        let cluster = arguments.cluster;
        assert_eq!((cluster.name(), cluster.data_disk, cluster.deis), ("mycluster", Some(100), Some(true)));
        let arguments = Arguments::try_parse_from(["x", "destroy", "mycluster"]).unwrap();
        assert!(matches!(arguments.command, Some(Command::Destroy(_))));
        assert!(Arguments::try_parse_from(["x", "--deis"]).is_err(), "a name is required");
    }
}
