//! `platformctl config`: reads and writes the platform's settings.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::arguments::ConnectionArguments;
use super::changing::Change;
use super::connect;
use super::setup::{BundleArguments, ProgressArguments};
use crate::Platform;
use crate::bundle::{SettingsSchema, Values};
use crate::lifecycle::need_swarm;
use crate::settings::{self, Assignment, Settings};
use diagnostics::{Origin, Problems, given_file};
use report::OutputFormat;
use report::{Failure, Reporter};
use report::{command::unless_interrupted, output};

/// What helps after an interruption.
const AGAIN: &str = "run the same command again";
/// What is shown in place of a secret.
const SECRET: &str = "(secret)";

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// `platform`, or a component
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(subcommand)]
    command: ConfigCommand,
    #[command(flatten)]
    bundle: BundleArguments,
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Set settings, all or none
    Set {
        /// KEY=VALUE, KEY=@FILE for a file's content, or KEY alone with --stdin
        #[arg(value_name = "KEY=VALUE", required = true)]
        assignments: Vec<String>,
        /// Read the value of the only KEY from standard input, without its last line end
        #[arg(long)]
        stdin: bool,
    },
    /// Print the values of settings, one a line
    Get {
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
        /// Form of the result on stdout
        #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
    },
    /// Show all settings of the target, set or not
    List {
        /// Form of the result on stdout
        #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
    },
    /// Forget settings, which then have their defaults
    #[command(visible_alias = "rm")]
    Unset {
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
    },
}

/// A setting as programs read it.
#[derive(Serialize)]
struct Shown {
    target: String,
    key: String,
    /// Absent when there is neither a value nor a default; `(secret)` for a secret that is set.
    value: Option<String>,
    is_set: bool,
    required: bool,
    #[serde(rename = "type")]
    kind: &'static str,
    help: String,
}

/// Runs the command.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &ConfigArguments) -> Result<(), Failure> {
    let (target, progress) = (&arguments.target, ProgressArguments::default());
    let change = |command| Change { connection, progress: &progress, command };
    match &arguments.command {
        ConfigCommand::Set { assignments, stdin } => {
            let assignments = read_assignments(assignments, *stdin)?;
            let work =
                async |platform: &Platform, reporter: &Reporter| set(platform, arguments, &assignments, reporter).await;
            change(&format!("config {target} set")).run(work).await
        }
        ConfigCommand::Unset { keys } => {
            let work =
                async |platform: &Platform, reporter: &Reporter| unset(platform, arguments, keys, reporter).await;
            change(&format!("config {target} unset")).run(work).await
        }
        ConfigCommand::Get { keys, output } => {
            unless_interrupted(AGAIN, get(connection, arguments, keys, *output)).await
        }
        ConfigCommand::List { output } => unless_interrupted(AGAIN, list(connection, arguments, *output)).await,
    }
}

async fn set(
    platform: &Platform,
    arguments: &ConfigArguments,
    assignments: &[Assignment],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let target = &arguments.target;
    let schema = arguments.bundle.resolve(platform).await?.settings;
    settings::check(&schema, target, assignments)?;
    if assignments.iter().any(|assignment| schema.is_secret(target, &assignment.key)) {
        need_swarm(platform, reporter).await?;
    }
    Settings::new(platform).set(&schema, target, assignments).await?;
    for Assignment { key, value } in assignments {
        let shown = if schema.is_secret(target, key) { SECRET } else { value.trim_end() };
        output::line(&format!("{target}/{key}: {shown}"))?;
    }
    takes_effect(platform, reporter).await
}

async fn unset(
    platform: &Platform,
    arguments: &ConfigArguments,
    keys: &[String],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let target = &arguments.target;
    settings::check_once(target, keys)?;
    let schema = arguments.bundle.resolve(platform).await?.settings;
    // What is set may be of an earlier version, which had more settings.
    let values = Settings::new(platform).load().await?;
    let is_set = |key: &&String| values.get(target, key).is_some() || values.has_secret(target, key);
    let others: Vec<String> = keys.iter().filter(|key| !is_set(key)).cloned().collect();
    settings::check_names(&schema, target, &others)?;
    let were_set = Settings::new(platform).unset(&schema, target, keys).await?;
    for key in keys {
        let what = if were_set.contains(key) { "" } else { ": was not set" };
        output::line(&format!("{target}/{key}{what}"))?;
    }
    takes_effect(platform, reporter).await
}

async fn get(
    connection: &ConnectionArguments,
    arguments: &ConfigArguments,
    keys: &[String],
    output: OutputFormat,
) -> Result<(), Failure> {
    let (schema, values) = known(connection, arguments).await?;
    settings::check_names(&schema, &arguments.target, keys)?;
    let shown = show(&schema, &values, &arguments.target);
    let chosen: Vec<Shown> = shown.into_iter().filter(|one| keys.is_empty() || keys.contains(&one.key)).collect();
    let text: String = chosen.iter().map(|one| format!("{}\n", one.value.as_deref().unwrap_or_default())).collect();
    output::result(output, &chosen, &text)
}

async fn list(
    connection: &ConnectionArguments,
    arguments: &ConfigArguments,
    output: OutputFormat,
) -> Result<(), Failure> {
    let (schema, values) = known(connection, arguments).await?;
    if !schema.target_names().contains(&arguments.target.as_str()) {
        return Err(no_target(&schema, &arguments.target));
    }
    let shown = show(&schema, &values, &arguments.target);
    output::result(output, &shown, &table(&shown))
}

async fn known(
    connection: &ConnectionArguments,
    arguments: &ConfigArguments,
) -> Result<(SettingsSchema, Values), Failure> {
    let platform = connect::platform(connection).await?;
    let schema = arguments.bundle.resolve(&platform).await?.settings;
    let values = Settings::new(&platform).load().await?;
    Ok((schema, values))
}

fn no_target(schema: &SettingsSchema, target: &str) -> Failure {
    let mut problems = Problems::new();
    let names = schema.target_names().join(", ");
    problems.add(Origin::Flag("TARGET"), format!("there is no target `{target}`; these are: {names}"));
    problems.into()
}

/// Every assignment, or every mistake in them.
fn read_assignments(texts: &[String], stdin: bool) -> Result<Vec<Assignment>, Failure> {
    if stdin {
        let [key] = texts else {
            return Err(Failure::Usage("--stdin gives one value, so it takes one KEY".into()));
        };
        if key.contains('=') {
            return Err(Failure::Usage(format!("with --stdin the value comes from standard input, not from `{key}`")));
        }
        let value = given_file::read_standard_input().and_then(|bytes| given_file::text(&bytes).map(str::to_owned));
        let mut value = value.map_err(|error| Failure::Usage(format!("reading standard input: {error}")))?;
        if value.ends_with('\n') {
            value.truncate(value.trim_end_matches('\n').len());
        }
        return Ok(vec![Assignment { key: key.clone(), value }]);
    }
    let mut assignments = Vec::new();
    let mut problems = Problems::new();
    for text in texts {
        match Assignment::parse(text, |path: &Path| given_file::read_text(path)) {
            Ok(assignment) => assignments.push(assignment),
            Err(error) => problems.add(Origin::Flag("KEY=VALUE"), error.to_string()),
        }
    }
    if problems.is_empty() { Ok(assignments) } else { Err(problems.into()) }
}

/// Services read settings when they are installed.
async fn takes_effect(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    if platform.installation().await?.is_some() {
        reporter.note("`platformctl install platform` brings what is installed up to date with it");
    }
    Ok(())
}

fn show(schema: &SettingsSchema, values: &Values, target: &str) -> Vec<Shown> {
    let shown = schema.of_target(target).map(|setting| {
        let key = &setting.name.key;
        let secret = schema.is_secret(target, key);
        let is_set = if secret { values.has_secret(target, key) } else { values.get(target, key).is_some() };
        let value = if secret {
            is_set.then(|| SECRET.to_owned())
        } else {
            schema.value(values, target, key).map(str::to_owned)
        };
        Shown {
            target: target.to_owned(),
            key: key.clone(),
            value,
            is_set,
            required: setting.required,
            kind: setting.kind.name(),
            help: setting.help.clone(),
        }
    });
    shown.collect()
}

fn table(shown: &[Shown]) -> String {
    let width = |longest: usize, least: &str| longest.max(least.len());
    let keys = width(shown.iter().map(|one| one.key.len()).max().unwrap_or_default(), "SETTING");
    let texts: Vec<String> = shown
        .iter()
        .map(|one| match (&one.value, one.is_set) {
            (Some(value), true) => first_line(value),
            (Some(default), false) => format!("{} (default)", first_line(default)),
            (None, _) if one.required => "(required)".to_owned(),
            (None, _) => "-".to_owned(),
        })
        .collect();
    let values = width(texts.iter().map(|text| text.chars().count()).max().unwrap_or_default(), "VALUE");
    let mut text = format!("{:<keys$}  {:<values$}  {}\n", "SETTING", "VALUE", "MEANING");
    for (one, value) in shown.iter().zip(&texts) {
        let _ = writeln!(text, "{:<keys$}  {value:<values$}  {}", one.key, one.help);
    }
    text
}

/// A file's content is shown by its first line.
fn first_line(value: &str) -> String {
    let mut lines = value.lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}
