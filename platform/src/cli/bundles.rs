//! `platformctl bundles`: what can be installed. `platformctl bundle lint DIR`: every mistake of a bundle.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::bundle::{Bundle, BundleSource};
use diagnostics::Environment;
use report::Failure;
use report::OutputFormat;
use report::output;

/// Arguments of `bundles`.
#[derive(Debug, Args)]
pub(super) struct BundlesArguments {
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

/// Commands about one bundle.
#[derive(Debug, Subcommand)]
pub(super) enum BundleCommand {
    /// Find every mistake of a bundle
    Lint {
        /// The bundle's folder, with platform.yaml and stack.yaml
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// A bundle as programs read it.
#[derive(Serialize)]
struct Listed {
    name: String,
    version: String,
    description: String,
    /// A folder, or `shipped`.
    origin: String,
}

/// Runs `bundles`: 3 when a bundle of the environment cannot be read, after the others are listed.
pub(super) async fn list(arguments: &BundlesArguments) -> Result<(), Failure> {
    let variables = Environment::read(&BundleSource::VARIABLES)?;
    let (bundles, problems) = BundleSource::known(&|variable| variables.get(variable));
    let listed: Vec<Listed> = bundles.iter().map(listed).collect();
    output::result(arguments.output, &listed, &text(&listed))?;
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// Runs `bundle lint`: 3 with every mistake.
pub(super) async fn run(command: &BundleCommand) -> Result<(), Failure> {
    let BundleCommand::Lint { folder } = command;
    let bundle = Bundle::load(folder)?;
    output::print(&format!("{} {}: ok\n", bundle.name, bundle.version))
}

fn listed(bundle: &Bundle) -> Listed {
    Listed {
        name: bundle.name.clone(),
        version: bundle.version.to_string(),
        description: bundle.description.clone(),
        origin: bundle.origin.clone(),
    }
}

fn text(bundles: &[Listed]) -> String {
    let width = |title: &str, value: fn(&Listed) -> &str| {
        bundles.iter().map(|bundle| value(bundle).chars().count()).max().unwrap_or_default().max(title.len())
    };
    let name = width("BUNDLE", |bundle| &bundle.name);
    let version = width("VERSION", |bundle| &bundle.version);
    let origin = width("ORIGIN", |bundle| &bundle.origin);
    let mut text = format!("{:<name$}  {:<version$}  {:<origin$}  {}\n", "BUNDLE", "VERSION", "ORIGIN", "DESCRIPTION");
    for bundle in bundles {
        let Listed { name: bundle_name, version: bundle_version, description, origin: from } = bundle;
        text += &format!("{bundle_name:<name$}  {bundle_version:<version$}  {from:<origin$}  {description}\n");
    }
    text
}
