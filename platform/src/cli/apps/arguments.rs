//! `platformctl apps`' command line, as data and help text only.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::apps::{AppName, Domain, InvalidAppName, Wait};
use crate::cli::journal::{LineFormat, Lines, Since, lines};
use crate::cli::setup::ProgressArguments;
use crate::compose::parse_size;
use report::OutputFormat;

/// What to do with apps.
#[derive(Debug, Subcommand)]
pub(crate) enum AppsCommand {
    /// Make an app; it runs nothing until something is deployed
    Create {
        #[arg(value_name = "NAME", value_parser = new_app)]
        name: AppName,
        /// A domain that leads to it (repeatable) [default: NAME.<platform/domain>]
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<Domain>,
        #[command(flatten)]
        result: ResultArguments,
    },
    /// List all apps
    List {
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Run an image or a Compose file as the next release, and go back when it does not come up
    Deploy(DeployArguments),
    /// Read and change what an app's containers get as environment
    Config(ConfigArguments),
    /// Read and change the domains that lead to an app
    Domains(DomainsArguments),
    /// Read and change what routers do with an app's requests: time-outs, sizes, who may ask, maintenance
    Routing(RoutingArguments),
    /// Change how many tasks an app's services have
    Scale {
        #[arg(value_name = "NAME")]
        name: AppName,
        /// A number for a service; without SERVICE for the public one
        #[arg(value_name = "[SERVICE=]N", required = true)]
        scales: Vec<String>,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// List an app's releases
    Releases {
        #[arg(value_name = "NAME")]
        name: AppName,
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Bring back what an earlier release ran, configuration included, as a new release
    Rollback {
        #[arg(value_name = "NAME")]
        name: AppName,
        /// The release [default: the last that ran before the current one; after a rollback, the same again]
        #[arg(value_name = "vN", value_parser = version)]
        version: Option<u32>,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Show what an app's containers write, on all nodes
    Logs(LogsArguments),
    /// Show where an app is reached, what it runs, and each of its tasks
    Info {
        #[arg(value_name = "NAME")]
        name: AppName,
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Replace an app's tasks by new ones, few at a time
    Restart {
        #[arg(value_name = "NAME")]
        name: AppName,
        /// Services [default: all]
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Remove an app with its services, networks, volumes and record
    Destroy {
        #[arg(value_name = "NAME")]
        name: AppName,
        /// Do not ask; NAME once more, against slips
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        result: ResultArguments,
    },
}

/// Form of the result, and where progress goes.
#[derive(Debug, Args)]
pub(crate) struct ResultArguments {
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    #[command(flatten)]
    pub progress: ProgressArguments,
}

/// What all changes that are rolled out take.
#[derive(Debug, Args)]
pub(crate) struct ChangeArguments {
    /// Seconds until everything must run
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Do not wait until everything runs, and so do not go back when it does not
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    pub result: ResultArguments,
}

impl ChangeArguments {
    /// How long to wait.
    pub(crate) fn wait(&self) -> Wait {
        if self.no_wait { Wait::Not } else { Wait::AtMost(Duration::from_secs(self.timeout)) }
    }
}

/// Arguments of `apps deploy`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["image", "compose"]))]
pub(crate) struct DeployArguments {
    #[arg(value_name = "NAME")]
    pub name: AppName,
    /// Image; registry/NAME:TAG is the cluster's own registry
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Compose file; variables in it are filled in from the app's configuration
    #[arg(long, value_name = "FILE")]
    pub compose: Option<PathBuf>,
    /// Archive with the image (`docker save`): pushed to the cluster's own registry, or loaded on every node
    #[arg(long, value_name = "FILE", conflicts_with = "compose")]
    pub archive: Option<PathBuf>,
    /// Service of the Compose file that is reached from outside [default: the one with `x-public: true`, else the only
    /// one with ports]
    #[arg(long, value_name = "SERVICE", requires = "compose")]
    pub public: Option<String>,
    /// Port on which the app listens [default: the only one of the file or the image, else the last one, else 5000]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Path that answers 200 when the app is well, asked in its container; `none` for no such check [default: the last
    /// one]
    #[arg(long, value_name = "PATH", value_parser = health, conflicts_with = "compose")]
    pub health: Option<String>,
    /// Most memory of a task, such as 256m; `0` for no limit [default: the last one]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, conflicts_with = "compose")]
    pub memory: Option<u64>,
    /// Most CPUs of a task, such as 0.5; `0` for no limit [default: the last one]
    #[arg(long, value_name = "NUMBER", value_parser = nano_cpus, conflicts_with = "compose")]
    pub cpus: Option<u64>,
    #[command(flatten)]
    pub change: ChangeArguments,
}

/// Arguments of `apps config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[arg(value_name = "NAME")]
    pub name: AppName,
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with an app's configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show names and values
    List {
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Print values, one a line
    Get {
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Set names, all or none, and roll the change out as a release
    Set {
        /// KEY=VALUE, KEY=@FILE for a file's content (@@ for a value that starts with @), or KEY alone with --stdin
        #[arg(value_name = "KEY=VALUE", required = true)]
        pairs: Vec<String>,
        /// Read the value of the only KEY from standard input, without its last line end
        #[arg(long)]
        stdin: bool,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Take names away, and roll the change out as a release
    #[command(visible_alias = "rm")]
    Unset {
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        change: ChangeArguments,
    },
}

/// Arguments of `apps domains`.
#[derive(Debug, Args)]
pub(crate) struct DomainsArguments {
    #[arg(value_name = "NAME")]
    pub name: AppName,
    #[command(subcommand)]
    pub command: DomainsCommand,
}

/// What to do with an app's domains.
#[derive(Debug, Subcommand)]
pub(crate) enum DomainsCommand {
    /// Show the domains
    List {
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Let more domains lead to the app
    Add {
        #[arg(value_name = "DOMAIN", required = true)]
        domains: Vec<Domain>,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Let domains no longer lead to the app
    Rm {
        #[arg(value_name = "DOMAIN", required = true)]
        domains: Vec<Domain>,
        #[command(flatten)]
        change: ChangeArguments,
    },
}

/// Arguments of `apps routing`.
#[derive(Debug, Args)]
pub(crate) struct RoutingArguments {
    #[arg(value_name = "NAME")]
    pub name: AppName,
    #[command(subcommand)]
    pub command: RoutingCommand,
}

/// What to do with an app's rules for routers.
#[derive(Debug, Subcommand)]
pub(crate) enum RoutingCommand {
    /// Show all rules with their meaning
    List {
        #[command(flatten)]
        result: ResultArguments,
    },
    /// Set rules, all or none; the app's tasks go on as they are
    Set {
        /// timeout=30s, body=10m, allow=192.0.2.0/24,198.51.100.7, maintenance=true, https=true
        #[arg(value_name = "KEY=VALUE", required = true)]
        pairs: Vec<String>,
        #[command(flatten)]
        change: ChangeArguments,
    },
    /// Take rules away
    #[command(visible_alias = "rm")]
    Unset {
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        change: ChangeArguments,
    },
}

/// Arguments of `apps logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    #[arg(value_name = "NAME")]
    pub name: AppName,
    /// Go on with what is written from now on, until Ctrl-C, which is no error
    #[arg(short, long)]
    pub follow: bool,
    /// Last lines of each service, or `all` [default: 100, or all with --since]
    #[arg(short = 'n', long, value_name = "N", value_parser = lines)]
    pub lines: Option<Lines>,
    /// Not what is older: a duration like `10m`, or a time like 2026-11-21T10:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = Since::parse)]
    pub since: Option<Since>,
    /// One service alone
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Each line's time in front of it
    #[arg(long)]
    pub timestamps: bool,
    /// Form of the lines: `json` is one object a line
    #[arg(short, long, value_enum, default_value_t = LineFormat::Text)]
    pub output: LineFormat,
}

/// The name of an app that is to be made.
fn new_app(text: &str) -> Result<AppName, String> {
    let name: AppName = text.parse().map_err(|error: InvalidAppName| error.to_string())?;
    if name.is_reserved() {
        return Err(format!("`{name}` is reserved for the platform; another name would do, such as `my-{name}`"));
    }
    Ok(name)
}

/// `v3` or `3`.
fn version(text: &str) -> Result<u32, String> {
    let number = text.strip_prefix('v').unwrap_or(text).parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a release is v1, v2, …".to_owned())
}

/// A path that can stand in a URL and between quotes of a shell, or `none`.
fn health(text: &str) -> Result<String, String> {
    let right = |c: char| c.is_ascii_alphanumeric() || "/-._~%?&=+:@,;".contains(c);
    match text == "none" || text.starts_with('/') && text.chars().all(right) {
        true => Ok(text.to_owned()),
        false => Err("must be a path such as /health, or `none`".to_owned()),
    }
}

/// Thousand millionths of a number of CPUs.
fn nano_cpus(text: &str) -> Result<u64, String> {
    let cpus = text.parse::<f64>().ok().filter(|cpus| (0.0..=1024.0).contains(cpus));
    let cpus = cpus.ok_or_else(|| "must be a number of CPUs such as 0.5".to_owned())?;
    Ok((cpus * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line() {
        for (text, expected) in [("v3", Some(3)), ("3", Some(3)), ("v0", None), ("x", None), ("", None)] {
            assert_eq!(version(text).ok(), expected, "{text}");
        }
        for (text, right) in
            [("/", true), ("/a?b=c", true), ("none", true), ("a", false), ("/'x", false), ("/ ", false)]
        {
            assert_eq!(health(text).is_ok(), right, "{text}");
        }
        for (text, expected) in [("0.5", Some(500_000_000)), ("2", Some(2_000_000_000)), ("-1", None), ("x", None)] {
            assert_eq!(nano_cpus(text).ok(), expected, "{text}");
        }
    }
}
