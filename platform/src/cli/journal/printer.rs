//! How lines of a journal look.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::journal::{Line, Stream};
use report::output::{Reader, painted};
use report::{Failure, printable, printable_json};

/// How lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LineFormat {
    Text,
    Json,
}

/// How lines look.
pub(in crate::cli) struct Printer {
    format: LineFormat,
    timestamps: bool,
    color: bool,
    on_terminal: bool,
    /// What all names begin with and need not be told.
    within: Option<String>,
}

/// A line as programs read it.
#[derive(Serialize)]
struct LineDocument<'a> {
    /// RFC 3339, in UTC.
    time: String,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<u32>,
    machine: &'a str,
    stream: &'static str,
    text: &'a str,
}

impl Printer {
    /// Lines of an app alone are within `app/NAME.`: their places are then without it and without machines.
    pub(in crate::cli) fn new(format: LineFormat, timestamps: bool, within: Option<String>) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let on_terminal = std::io::stdout().is_terminal();
        Self { format, timestamps, color: !plain && on_terminal, on_terminal, within }
    }

    pub(super) fn print(&self, lines: &[Line]) -> Result<Reader, Failure> {
        let mut text = String::new();
        for line in lines {
            match self.format {
                LineFormat::Text => self.text(line, &mut text),
                LineFormat::Json => {
                    let json = serde_json::to_string(&document(line)).context("writing a line as JSON")?;
                    text += &if self.on_terminal { printable_json(&json) } else { json };
                    text.push('\n');
                }
            }
        }
        painted(&text)
    }

    /// `component.2@machine| text`, each line of a text that has several.
    fn text(&self, line: &Line, text: &mut String) {
        let inner = self.within.as_ref().and_then(|within| line.name.strip_prefix(within));
        let place = match (line.number, line.name == line.machine) {
            (Some(number), _) if inner.is_some() => format!("{}.{number}|", inner.unwrap_or_default()),
            (Some(number), _) => format!("{}.{number}@{}|", line.name, line.machine),
            (None, false) => format!("{}@{}|", line.name, line.machine),
            (None, true) => format!("{}|", line.machine),
        };
        let place = if self.color { format!("\x1b[{}m{place}\x1b[0m", color(&line.name)) } else { place };
        let time = if self.timestamps { format!(" {}", rfc3339(line.time)) } else { String::new() };
        // Programs that read on get the bytes as they were written.
        let written = if self.on_terminal { printable(&line.text) } else { line.text.as_str().into() };
        for part in written.split('\n') {
            text.push_str(&format!("{place}{time} {part}\n"));
        }
    }
}

fn document(line: &Line) -> LineDocument<'_> {
    LineDocument {
        time: rfc3339(line.time),
        source: &line.name,
        instance: line.number,
        machine: &line.machine,
        stream: match line.stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
            Stream::Journal => "journal",
        },
        text: &line.text,
    }
}

fn rfc3339(time: OffsetDateTime) -> String {
    let milliseconds = time.replace_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(time);
    milliseconds.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// A name's colour is the same every time: readable ones of a terminal's sixteen.
fn color(name: &str) -> u8 {
    const COLORS: [u8; 10] = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
    let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    COLORS[sum % COLORS.len()]
}
