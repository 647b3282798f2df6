//! `azure-coreos-cluster config`: what parameters come to, and the schema of their file.

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::Value;

use super::arguments::ClusterArguments;
use super::prepare::prepare;
use crate::config::{Resolved, origins, schema_text};
use report::Failure;
use report::output;

/// Commands about a cluster's parameters.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every parameter of a cluster with its value and where that came from
    Show(Box<ClusterArguments>),
    /// Print the JSON Schema of cluster.yaml
    Schema,
}

/// Runs the command.
pub(super) async fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Schema => output::print(&schema_text()),
        ConfigCommand::Show(arguments) => {
            let asked = prepare(&arguments)?;
            let earlier = asked.stored.as_ref().map(|stored| &*stored.spec);
            let resolved = origins(&asked.values, earlier, &asked.spec);
            output::result(arguments.output.output, &resolved, &text(&resolved))
        }
    }
}

fn text(resolved: &[Resolved]) -> String {
    let rows: Vec<[String; 2]> = resolved.iter().map(|one| [one.key.to_owned(), value(&one.value)]).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let (keys, values) = (width(0), width(1).min(60));
    let mut text = String::new();
    for ([key, value], one) in rows.iter().zip(resolved) {
        let _ = writeln!(text, "{key:<keys$}  {value:<values$}  {}", one.origin);
    }
    text
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
