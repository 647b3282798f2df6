//! `platformctl start`, `stop`, `restart`, `rolling-restart` and `scale`.

use clap::Args;

use super::arguments::ConnectionArguments;
use super::setup::{ProgressArguments, changing, selection};
use crate::lifecycle::{self, Scale};
use crate::target;
use report::Failure;

/// Arguments of verbs about components.
#[derive(Debug, Args)]
pub struct TargetArguments {
    /// `platform`, or components
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Arguments of `scale`.
#[derive(Debug, Args)]
pub struct ScaleArguments {
    /// How many tasks a component has
    #[arg(value_name = "COMPONENT=NUMBER", required = true)]
    scales: Vec<Scale>,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Runs `start`.
pub async fn start(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installation = platform.require_installation().await?;
    let selection = selection(&arguments.targets, &installation.bundle)?;
    let started = lifecycle::start(&platform, &installation, &selection, &reporter).await;
    reporter.finish();
    started?;
    reporter.note("Done.");
    Ok(())
}

/// Runs `stop`.
pub async fn stop(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installation = platform.require_installation().await?;
    let selection = selection(&arguments.targets, &installation.bundle)?;
    let stopped = lifecycle::stop(&platform, &installation.bundle, &selection, &reporter).await;
    reporter.finish();
    stopped?;
    reporter.note("Done.");
    Ok(())
}

/// Runs `restart`: whole components are stopped and started, single instances replaced.
pub async fn restart(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installation = platform.require_installation().await?;
    let bundle = &installation.bundle;
    let names: Vec<&str> = bundle.components().map(|component| component.name.as_str()).collect();
    let selected = target::select_texts(&arguments.targets, &names)?;
    let (whole, single): (Vec<_>, Vec<_>) =
        selected.into_iter().partition(|one| one.instances == target::Instances::All);
    let whole = whole.into_iter().map(|one| one.component.to_owned()).collect();
    let restarted = async {
        for one in &single {
            lifecycle::restart_instances(&platform, &installation, one, &reporter).await?;
        }
        lifecycle::stop(&platform, bundle, &whole, &reporter).await?;
        lifecycle::start(&platform, &installation, &whole, &reporter).await
    };
    let restarted = restarted.await;
    reporter.finish();
    restarted?;
    reporter.note("Done.");
    Ok(())
}

/// Runs `rolling-restart`.
pub async fn rolling_restart(connection: &ConnectionArguments, arguments: &TargetArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installation = platform.require_installation().await?;
    let selection = selection(&arguments.targets, &installation.bundle)?;
    let restarted = lifecycle::rolling_restart(&platform, &installation, &selection, &reporter).await;
    reporter.finish();
    restarted?;
    reporter.note("Done.");
    Ok(())
}

/// Runs `scale`.
pub async fn scale(connection: &ConnectionArguments, arguments: &ScaleArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installation = platform.require_installation().await?;
    let scaled = lifecycle::scale(&platform, &installation, &arguments.scales, &reporter).await;
    reporter.finish();
    scaled?;
    reporter.note("Done.");
    Ok(())
}
