//! `user-data NAME`: prints what a node would get, as it would get it. `user-data lint FILE`: what a file would do.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::arguments::{LintArguments, UserDataArguments, UserDataCommand};
use super::prepare::{Prepared, prepare, reporter};
use crate::spec::{Answers, Dialect};
use crate::userdata::lint::{Report, lint};
use crate::userdata::{self, UserDataError};
use diagnostics::{Origin, Problems, given_file};
use report::output;
use report::{Failure, exit_code};

/// Runs the command.
pub(super) async fn run(arguments: UserDataArguments) -> Result<ExitCode, Failure> {
    if let Some(UserDataCommand::Lint(arguments)) = &arguments.command {
        return run_lint(arguments);
    }
    let asked = prepare(&arguments.cluster)?;
    super::discovery::note_request(&asked, &reporter(&arguments.cluster.output)?);
    let prepared = asked.settle_for_show(Answers::default())?;
    super::fitting_keys::check_files(&prepared)?;
    let Some(first_boot) = prepared.first_boots.get(arguments.node as usize) else {
        let last = prepared.spec.node_count - 1;
        return Err(problem("--node", format!("the nodes are 0 to {last}, found {}", arguments.node)));
    };
    let text = match arguments.format {
        Some(dialect) if dialect != prepared.spec.user_data_format => in_dialect(&prepared, arguments.node, dialect)?,
        _ => first_boot.user_data.clone(),
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    output::print(&format!("{text}{end}"))?;
    Ok(ExitCode::SUCCESS)
}

/// The node's user-data in another dialect than the cluster's.
fn in_dialect(prepared: &Prepared, index: u32, dialect: Dialect) -> Result<String, Failure> {
    let nodes = prepared.spec.nodes();
    let rendered = userdata::render(&prepared.spec, &nodes[index as usize], &prepared.material, dialect);
    rendered.map_err(|error| match error {
        UserDataError::Template(..) => Failure::Other(error.into()),
        error => problem("--format", error.to_string()),
    })
}

/// A report with the name of the file that it is about.
#[derive(Serialize)]
struct Linted<'f> {
    file: &'f str,
    #[serde(flatten)]
    report: &'f Report,
}

fn run_lint(arguments: &LintArguments) -> Result<ExitCode, Failure> {
    let is_stdin = arguments.file == Path::new("-");
    let file = if is_stdin { "stdin".to_owned() } else { arguments.file.display().to_string() };
    let read = match is_stdin {
        true => given_file::read_standard_input(),
        false => given_file::read(&arguments.file),
    };
    let bytes = read.map_err(|error| problem("FILE", format!("reading `{file}`: {error}")))?;
    let report = lint(&file, &bytes)?;
    let text = format!("{file}: {}\n{report}\n", report.kind);
    output::result(arguments.output, &Linted { file: &file, report: &report }, &text)?;
    Ok(if report.acts_on_flatcar() { ExitCode::SUCCESS } else { ExitCode::from(exit_code::INVALID_SPEC) })
}

fn problem(flag: &'static str, message: String) -> Failure {
    let mut problems = Problems::new();
    problems.add(Origin::Flag(flag), message);
    problems.into()
}
