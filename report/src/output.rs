//! Results on stdout and errors on stderr.

use std::io::Write as _;

use anyhow::Context as _;
use clap::ValueEnum;
use diagnostics::yaml;
use serde::Serialize;

use crate::Failure;

/// Form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
    Yaml,
}

/// Prints a result: `text` for people, `value` for programs.
pub fn result(format: OutputFormat, value: &impl Serialize, text: &str) -> Result<(), Failure> {
    let rendered = match format {
        OutputFormat::Text => text.to_owned(),
        OutputFormat::Json => serde_json::to_string_pretty(value).context("writing the result as JSON")? + "\n",
        OutputFormat::Yaml => yaml::to_string(value).context("writing the result as YAML")?,
    };
    print(&rendered)
}

/// Whether anybody reads stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    There,
    Gone,
}

/// Prints text as it is. A reader that has gone away is no error of ours.
pub fn print(text: &str) -> Result<(), Failure> {
    print_to_reader(text).map(drop)
}

/// Prints text as it is, for those who go on only as long as somebody reads.
pub fn print_to_reader(text: &str) -> Result<Reader, Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::Other(error.into())),
    }
}

/// Prints a line.
pub fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// Prints a failure.
pub fn error(failure: &Failure) {
    let _ = writeln!(std::io::stderr().lock(), "{failure}");
}
