//! `platformctl install`, `upgrade` and `uninstall`.

use std::path::PathBuf;

use clap::Args;

use super::arguments::ConnectionArguments;
use super::changing::Change;
use super::setup::{BundleArguments, ProgressArguments, selection};
use crate::Platform;
use crate::bundle::{Bundle, BundleSource};
use crate::images::{self, Archive};
use crate::lifecycle::{self, Installation, Installed};
use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};

/// Arguments of `install`.
#[derive(Debug, Args)]
pub(super) struct InstallArguments {
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
pub(super) struct UpgradeArguments {
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    progress: ProgressArguments,
}

/// Arguments of `uninstall`.
#[derive(Debug, Args)]
pub(super) struct UninstallArguments {
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
    /// The user's archives first, then the one of our own images.
    fn archives(&self) -> Result<Vec<Archive>, Failure> {
        let mut archives = match &self.images {
            None => Vec::new(),
            Some(folder) => Archive::open_all(folder).map_err(|errors| {
                let mut problems = Problems::new();
                for error in errors {
                    problems.add(Origin::Flag("--images"), error.to_string());
                }
                problems
            })?,
        };
        let own = images::beside_the_program().map_err(|error| Failure::Other(error.into()))?;
        archives.extend(own);
        Ok(archives)
    }
}

/// Runs `install`.
pub(super) async fn install(connection: &ConnectionArguments, arguments: &InstallArguments) -> Result<(), Failure> {
    let archives = arguments.images.archives()?;
    let targets = arguments.targets.join(" ");
    let work = async |platform: &Platform, reporter: &Reporter| {
        let installed = platform.installation().await?;
        let bundle = arguments.bundle.resolve_with(installed.as_ref())?;
        let selection = selection(&arguments.targets, &bundle)?;
        let left = lifecycle::install(platform, installed.as_ref(), &bundle, &selection, &archives, reporter).await?;
        reporter.finish();
        reporter.note("Done.");
        if left == Installed::Stopped {
            reporter.note(format!("Please run `platformctl start {targets}` to boot up the platform."));
        }
        Ok(())
    };
    let command = format!("install {targets}");
    Change { connection, progress: &arguments.progress, command: &command }.run(work).await
}

/// Runs `upgrade`: to the named bundle, else to the shipped version of the installed one.
pub(super) async fn upgrade(connection: &ConnectionArguments, arguments: &UpgradeArguments) -> Result<(), Failure> {
    let archives = arguments.images.archives()?;
    let named = arguments.bundle.named()?;
    let work = async |platform: &Platform, installation: &Installation, reporter: &Reporter| {
        let wanted = match &named {
            Some(bundle) => bundle.clone(),
            None => Bundle::shipped_named(&installation.bundle.name).ok_or_else(|| {
                Failure::Usage(format!(
                    "bundle `{}` is not shipped with platformctl; name its folder with --bundle (or {})",
                    installation.bundle.name,
                    BundleSource::VARIABLES.join(", ")
                ))
            })?,
        };
        lifecycle::upgrade(platform, installation, &wanted, &archives, reporter).await
    };
    Change { connection, progress: &arguments.progress, command: "upgrade" }.run_installed(work).await
}

/// Runs `uninstall`.
pub(super) async fn uninstall(connection: &ConnectionArguments, arguments: &UninstallArguments) -> Result<(), Failure> {
    let work = async |platform: &Platform, reporter: &Reporter| {
        let Some(installation) = platform.installation().await? else {
            reporter.note("nothing is installed");
            return Ok(());
        };
        let selection = selection(&arguments.targets, &installation.bundle)?;
        lifecycle::uninstall(platform, &installation.bundle, &selection, reporter).await?;
        reporter.finish();
        reporter.note("Done. Volumes, secrets and settings stay.");
        Ok(())
    };
    let command = format!("uninstall {}", arguments.targets.join(" "));
    Change { connection, progress: &arguments.progress, command: &command }.run(work).await
}
