//! `platformctl start`, `stop`, `restart`, `rolling-restart` and `scale`.

use clap::Args;

use super::arguments::ConnectionArguments;
use super::changing::Change;
use super::setup::{ProgressArguments, selection};
use crate::lifecycle::{self, Installation, Scale};
use crate::{Platform, target};
use report::{Failure, Reporter};

/// Arguments of verbs about components.
#[derive(Debug, Args)]
pub(super) struct TargetArguments {
    /// `platform`, or components
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Arguments of `scale`.
#[derive(Debug, Args)]
pub(super) struct ScaleArguments {
    /// How many tasks a component has
    #[arg(value_name = "COMPONENT=NUMBER", required = true)]
    scales: Vec<Scale>,
    #[command(flatten)]
    progress: ProgressArguments,
}

impl TargetArguments {
    fn change<'a>(&'a self, connection: &'a ConnectionArguments, command: &'a str) -> Change<'a> {
        Change { connection, progress: &self.progress, command }
    }

    fn command(&self, verb: &str) -> String {
        format!("{verb} {}", self.targets.join(" "))
    }
}

/// Runs `start`.
pub(super) async fn start(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let command = arguments.command("start");
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        let selection = selection(&arguments.targets, &installation.bundle)?;
        lifecycle::start(platform, installation, &selection, reporter).await
    };
    arguments.change(connection, &command).run_installed(work).await
}

/// Runs `stop`.
pub(super) async fn stop(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let command = arguments.command("stop");
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        let selection = selection(&arguments.targets, &installation.bundle)?;
        lifecycle::stop(platform, &installation.bundle, &selection, reporter).await
    };
    arguments.change(connection, &command).run_installed(work).await
}

/// Runs `restart`: whole components are stopped and started, single instances replaced.
pub(super) async fn restart(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let command = arguments.command("restart");
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        let bundle = &installation.bundle;
        let names: Vec<&str> = bundle.components().map(|component| component.name.as_str()).collect();
        let selected = target::select_texts(&arguments.targets, &names)?;
        let (whole, single): (Vec<_>, Vec<_>) =
            selected.into_iter().partition(|one| one.instances == target::Instances::All);
        let whole = whole.into_iter().map(|one| one.component.to_owned()).collect();
        for one in &single {
            lifecycle::restart_instances(platform, installation, one, reporter).await?;
        }
        lifecycle::stop(platform, bundle, &whole, reporter).await?;
        lifecycle::start(platform, installation, &whole, reporter).await
    };
    arguments.change(connection, &command).run_installed(work).await
}

/// Runs `rolling-restart`.
pub(super) async fn rolling_restart(
    connection: &ConnectionArguments,
    arguments: &TargetArguments,
) -> Result<(), Failure> {
    let command = arguments.command("rolling-restart");
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        let selection = selection(&arguments.targets, &installation.bundle)?;
        lifecycle::rolling_restart(platform, installation, &selection, reporter).await
    };
    arguments.change(connection, &command).run_installed(work).await
}

/// Runs `scale`.
pub(super) async fn scale(connection: &ConnectionArguments, arguments: &ScaleArguments) -> Result<(), Failure> {
    let components: Vec<&str> = arguments.scales.iter().map(|scale| scale.component.as_str()).collect();
    let command = format!("scale {}", components.join(" "));
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        lifecycle::scale(platform, installation, &arguments.scales, reporter).await
    };
    Change { connection, progress: &arguments.progress, command: &command }.run_installed(work).await
}
