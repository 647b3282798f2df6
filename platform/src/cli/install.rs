//! `platformctl install`, `upgrade` and `uninstall`.

use std::path::PathBuf;

use clap::Args;

use super::arguments::ConnectionArguments;
use super::setup::{BundleArguments, ProgressArguments, changing, selection};
use crate::bundle::{Bundle, BundleSource};
use crate::images::Archive;
use crate::lifecycle::{self, Installed};
use diagnostics::{Origin, Problems};
use report::Failure;

/// Arguments of `install`.
#[derive(Debug, Args)]
pub struct InstallArguments {
    /// `platform`, or components
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Arguments of `upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeArguments {
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Arguments of `uninstall`.
#[derive(Debug, Args)]
pub struct UninstallArguments {
    /// `platform`, or components
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Images for clusters that reach no registry.
#[derive(Debug, Args)]
struct ImageArguments {
    /// Folder of image archives (`docker save`) that are loaded over SSH instead of being pulled
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
}

impl ImageArguments {
    fn archives(&self) -> Result<Vec<Archive>, Failure> {
        let Some(folder) = &self.images else { return Ok(Vec::new()) };
        Archive::open_all(folder).map_err(|errors| {
            let mut problems = Problems::new();
            for error in errors {
                problems.add(Origin::Flag("--images"), error.to_string());
            }
            problems.into()
        })
    }
}

/// Runs `install`.
pub async fn install(connection: &ConnectionArguments, arguments: &InstallArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let archives = arguments.images.archives()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installed = platform.installation().await?;
    let bundle = arguments.bundle.resolve_with(installed.as_ref())?;
    let selection = selection(&arguments.targets, &bundle)?;
    let left = lifecycle::install(&platform, installed.as_ref(), &bundle, &selection, &archives, &reporter).await?;
    reporter.finish();
    reporter.note("Done.");
    if left == Installed::Stopped {
        let targets = arguments.targets.join(" ");
        reporter.note(format!("Please run `platformctl start {targets}` to boot up the platform."));
    }
    Ok(())
}

/// Runs `upgrade`: to the named bundle, else to the shipped version of the installed one.
pub async fn upgrade(connection: &ConnectionArguments, arguments: &UpgradeArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let archives = arguments.images.archives()?;
    let named = arguments.bundle.named()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let installation = platform.require_installation().await?;
    let wanted = match named {
        Some(bundle) => bundle,
        None => Bundle::shipped_named(&installation.bundle.name).ok_or_else(|| {
            Failure::Usage(format!(
                "bundle `{}` is not shipped with platformctl; name its folder with --bundle (or {})",
                installation.bundle.name,
                BundleSource::VARIABLES.join(", ")
            ))
        })?,
    };
    lifecycle::upgrade(&platform, &installation, &wanted, &archives, &reporter).await?;
    reporter.finish();
    reporter.note("Done.");
    Ok(())
}

/// Runs `uninstall`.
pub async fn uninstall(connection: &ConnectionArguments, arguments: &UninstallArguments) -> Result<(), Failure> {
    let reporter = arguments.progress.reporter()?;
    let (platform, _lock) = changing(connection, &reporter).await?;
    let Some(installation) = platform.installation().await? else {
        reporter.note("nothing is installed");
        return Ok(());
    };
    let selection = selection(&arguments.targets, &installation.bundle)?;
    lifecycle::uninstall(&platform, &installation.bundle, &selection, &reporter).await?;
    reporter.finish();
    reporter.note("Done. Volumes, secrets and settings stay.");
    Ok(())
}
