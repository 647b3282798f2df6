//! `platformctl doctor`: what is wrong with a cluster and its platform, and what helps.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::arguments::ConnectionArguments;
use super::connect;
use crate::doctor::support::{self, Archive};
use crate::doctor::{self, Diagnosis, Finding, GROUPS, Level};
use report::OutputFormat;
use report::output;
use report::{Failure, Reporter, exit_code, printable};

/// A dead node must not hold everything up; one that lives has answered by then.
const MOST_SSH_SECONDS: u64 = 10;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArguments {
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
    /// Pack diagnosis, journals and logs into a .tar.gz for those who help you, secrets taken out
    #[arg(long, value_name = "FILE")]
    bundle_logs: Option<PathBuf>,
}

/// Runs the command: 7 when a node cannot be reached, else 8 when a check fails; warnings are no failures.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &DoctorArguments) -> Result<ExitCode, Failure> {
    let quick = ConnectionArguments { ssh_timeout: connection.ssh_timeout.min(MOST_SSH_SECONDS), ..connection.clone() };
    let archive = arguments.bundle_logs.as_deref().map(Archive::create).transpose()?;
    let platform = connect::platform(&quick).await?;
    let diagnosis = doctor::diagnose(&platform).await;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = !plain && std::io::stdout().is_terminal();
    output::painted_result(arguments.output, &diagnosis.findings, &text(&diagnosis, color))?;
    if let (Some(archive), Some(file)) = (archive, &arguments.bundle_logs) {
        let reporter = Reporter::new(None);
        reporter.note("collecting journals and logs");
        let bytes = support::write(&platform, &diagnosis, archive).await?;
        reporter.note(format!(
            "{} has everything ({} KiB, readable by you alone); secrets that were recognised are out of it, but look \
             through it before you give it to others",
            file.display(),
            bytes.div_ceil(1024)
        ));
    }
    Ok(ExitCode::from(status(&diagnosis)))
}

fn status(diagnosis: &Diagnosis) -> u8 {
    if !diagnosis.unreachable.is_empty() {
        return exit_code::HOST_UNREACHABLE;
    }
    match diagnosis.findings.iter().any(|finding| finding.level == Level::Fail) {
        true => exit_code::UNHEALTHY,
        false => exit_code::DONE,
    }
}

/// Groups with a line a finding; nodes of which the same good thing was found share one.
fn text(diagnosis: &Diagnosis, color: bool) -> String {
    let Diagnosis { findings, unreachable } = diagnosis;
    let mut text = String::new();
    for (group, checks) in GROUPS {
        let of_group: Vec<&Finding> = findings.iter().filter(|finding| checks.contains(&finding.check)).collect();
        if of_group.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{group}");
        for (finding, subjects) in gathered(&of_group) {
            let word = word(finding.level, color);
            let (subjects, found) = (printable(&subjects), printable(&finding.found));
            let _ = writeln!(text, "  {word}  {:<13} {subjects}: {found}", finding.check);
            if let Some(remedy) = &finding.remedy {
                let _ = writeln!(text, "        remedy: {}", printable(remedy));
            }
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (fail, warn) = (count(Level::Fail), count(Level::Warn));
    let verdict = match (fail, warn) {
        (0, 0) => "all is well".to_owned(),
        (0, warn) => format!("works, with {}", counted(warn, "warning")),
        (fail, 0) => format!("{} failed", counted(fail, "check")),
        (fail, warn) => format!("{} failed, {}", counted(fail, "check"), counted(warn, "warning")),
    };
    let unreachable = match unreachable.as_slice() {
        [] => String::new(),
        names => format!("{} cannot be reached; ", names.join(", ")),
    };
    let _ = writeln!(text, "{unreachable}{verdict}; {} ok", counted(count(Level::Ok), "check"));
    text
}

/// Findings with their subjects; good ones that say the same of several subjects are one.
fn gathered<'f>(findings: &[&'f Finding]) -> Vec<(&'f Finding, String)> {
    let mut gathered: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for finding in findings {
        let alike = |known: &&Finding| {
            known.level == Level::Ok
                && (known.level, known.check, &known.found) == (finding.level, finding.check, &finding.found)
        };
        match gathered.iter_mut().find(|(known, _)| alike(known)) {
            Some((_, subjects)) => subjects.push(&finding.subject),
            None => gathered.push((finding, vec![&finding.subject])),
        }
    }
    gathered.into_iter().map(|(finding, subjects)| (finding, subjects.join(", "))).collect()
}

fn word(level: Level, color: bool) -> String {
    let (word, code) = match level {
        Level::Ok => ("ok  ", 32),
        Level::Warn => ("warn", 33),
        Level::Fail => ("FAIL", 31),
    };
    if color { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_grouped_and_alike_ones_gathered() {
        let findings = vec![
            Finding::ok("ssh", "a", "answers"),
            Finding::ok("ssh", "b", "answers"),
            Finding::warn("disk", "a", "82 % used", "clean up"),
            Finding::fail("etcd", "b", "gone", "restart it"),
        ];
        let expected = "Machines\n  ok    ssh           a, b: answers\n  warn  disk          a: 82 % used\n        \
                        remedy: clean up\netcd\n  FAIL  etcd          b: gone\n        remedy: restart it\n\
                        c cannot be reached; 1 check failed, 1 warning; 2 checks ok\n";
        let diagnosis = Diagnosis { findings, unreachable: vec!["c".into()] };
        assert_eq!(text(&diagnosis, false), expected);
    }

    #[test]
    fn a_node_that_is_gone_comes_first() {
        let diagnosis = |level, unreachable: &[&str]| Diagnosis {
            findings: vec![Finding { level, ..Finding::ok("ssh", "a", "x") }],
            unreachable: unreachable.iter().map(|name| (*name).to_owned()).collect(),
        };
        for (diagnosis, expected) in [
            (diagnosis(Level::Ok, &[]), 0),
            (diagnosis(Level::Warn, &[]), 0),
            (diagnosis(Level::Fail, &[]), 8),
            (diagnosis(Level::Fail, &["a"]), 7),
        ] {
            assert_eq!(status(&diagnosis), expected, "{diagnosis:?}");
        }
    }
}
