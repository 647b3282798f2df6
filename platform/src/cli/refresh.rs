//! `platformctl refresh`: writes the shipped bundles to a folder, where they can be changed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::bundle::{Bundle, BundleSource};
use report::Failure;
use report::output;

/// Below the user's home.
const DEFAULT_FOLDER: &str = ".platformctl/units";

/// Arguments of `refresh`.
#[derive(Debug, Args)]
pub(super) struct RefreshArguments {
    /// Folder of bundles [default: PLATFORMCTL_UNITS, DEISCTL_UNITS, else ~/.platformctl/units]
    #[arg(short, long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Write over files that were changed
    #[arg(long)]
    force: bool,
}

/// Runs the command. Without `--force` files that differ are named and nothing is written.
pub(super) async fn run(arguments: &RefreshArguments) -> Result<(), Failure> {
    let folder = folder(arguments)?;
    let files: Vec<(PathBuf, String)> = Bundle::shipped()
        .into_iter()
        .flat_map(|bundle| {
            let folder = folder.join(&bundle.name);
            let files: Vec<_> =
                bundle.files().iter().map(|(name, content)| (folder.join(name), content.clone())).collect();
            files
        })
        .collect();
    let changed: Vec<String> = files
        .iter()
        .filter(|(path, content)| std::fs::read_to_string(path).is_ok_and(|found| found != *content))
        .map(|(path, _)| format!("`{}`", path.display()))
        .collect();
    if !arguments.force && !changed.is_empty() {
        return Err(Failure::Usage(format!(
            "these files are not as shipped: {}; --force writes over them, --path names another folder",
            changed.join(", ")
        )));
    }
    for (path, content) in &files {
        write(path, content)?;
    }
    for bundle in Bundle::shipped() {
        output::line(&format!("{} {} in {}", bundle.name, bundle.version, folder.join(&bundle.name).display()))?;
    }
    output::line(&format!("`export PLATFORMCTL_UNITS={}` makes platformctl use them", folder.display()))
}

fn folder(arguments: &RefreshArguments) -> Result<PathBuf, Failure> {
    if let Some(folder) = &arguments.path {
        return Ok(folder.clone());
    }
    let named = BundleSource::VARIABLES.into_iter().find_map(std::env::var_os).filter(|value| !value.is_empty());
    match (named, std::env::var_os("HOME")) {
        (Some(folder), _) => Ok(folder.into()),
        (None, Some(home)) => Ok(PathBuf::from(home).join(DEFAULT_FOLDER)),
        (None, None) => Err(Failure::Usage("`HOME` is not set; --path names a folder".into())),
    }
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let writing = || {
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        std::fs::write(path, content)
    };
    writing().with_context(|| format!("writing `{}`", path.display()))
}
