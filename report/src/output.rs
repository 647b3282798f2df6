//! Results on stdout and errors on stderr. What others wrote into a text never acts on a terminal.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::ValueEnum;
use diagnostics::yaml;
use serde::Serialize;

use crate::{Failure, printable, printable_json};

/// Form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
    Yaml,
}

/// Prints a result: `text` for people, `value` for programs.
pub fn result(format: OutputFormat, value: &impl Serialize, text: &str) -> Result<(), Failure> {
    painted_result(format, value, &printable(text))
}

/// Prints a result whose text has colors of our own; what others wrote into it was made printable before.
pub fn painted_result(format: OutputFormat, value: &impl Serialize, text: &str) -> Result<(), Failure> {
    let rendered = match format {
        OutputFormat::Text => text.to_owned(),
        OutputFormat::Json => {
            printable_json(&serde_json::to_string_pretty(value).context("writing the result as JSON")?) + "\n"
        }
        OutputFormat::Yaml => yaml::to_string(value).context("writing the result as YAML")?,
    };
    painted(&rendered).map(drop)
}

/// Whether anybody reads stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    There,
    Gone,
}

/// Prints a document: as it is, byte for byte, but what would act on a terminal where there is one. A reader that has gone
/// away is no error of ours.
pub fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().is_terminal() {
        true => painted(&printable(text)).map(drop),
        false => painted(text).map(drop),
    }
}

/// Prints text as it is, for those who made it printable, and go on only as long as somebody reads.
pub fn painted(text: &str) -> Result<Reader, Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::Other(anyhow::Error::new(error).context("writing the result"))),
    }
}

/// Prints a line.
pub fn line(text: &str) -> Result<(), Failure> {
    painted(&format!("{}\n", printable(text))).map(drop)
}

/// Prints a failure.
pub fn error(failure: &Failure) {
    complain(&failure.to_string());
}

/// Prints lines to stderr.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}
