//! `platformctl status` and `list`: what runs of the platform.

use std::fmt::Write as _;

use clap::Args;

use super::arguments::ConnectionArguments;
use super::connect;
use super::instance_line::InstanceLine;
use super::setup::selection;
use crate::lifecycle::{self, ComponentState, InstanceState};
use report::Failure;
use report::OutputFormat;
use report::mark::{BAD, DEGRADED, GOOD};
use report::output;

/// Earlier tasks of an instance that are worth a line.
const MOST_HISTORY: usize = 3;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// `platform`, or components
    #[arg(value_name = "TARGET", default_value = "platform")]
    targets: Vec<String>,
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Form of the result on stdout
    #[arg(short, long, value_enum, default_value_t = OutputFormat::Text)]
    output: OutputFormat,
}

/// Runs `status`: 8 when a component that is started does not run as it should.
pub(super) async fn status(connection: &ConnectionArguments, arguments: &StatusArguments) -> Result<(), Failure> {
    let states = states(connection, &arguments.targets).await?;
    output::result(arguments.output, &states, &status_text(&states))?;
    verdict(&states)
}

/// Runs `list`.
pub(super) async fn list(connection: &ConnectionArguments, arguments: &ListArguments) -> Result<(), Failure> {
    let states = states(connection, &["platform".to_owned()]).await?;
    output::result(arguments.output, &states, &list_text(&states))
}

async fn states(connection: &ConnectionArguments, targets: &[String]) -> Result<Vec<ComponentState>, Failure> {
    let platform = connect::platform(connection).await?;
    let installation = platform.require_installation().await?;
    let selection = selection(targets, &installation.bundle)?;
    lifecycle::states(&platform, &installation, &selection).await
}

fn verdict(states: &[ComponentState]) -> Result<(), Failure> {
    let unwell = states.iter().filter(|state| matches!(state.active, "failed" | "activating"));
    let reason = |state: &ComponentState| {
        let error = state
            .instances
            .iter()
            .filter(|instance| explains(instance, state))
            .find_map(|instance| instance.error.as_ref());
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        format!(
            "component `{}` is {}/{}, {} of {} tasks run{error}",
            state.component, state.active, state.sub, state.running, state.wanted
        )
    };
    let reasons: Vec<String> = unwell.map(reason).collect();
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Failure::Unhealthy { reasons, hint: "platformctl journal COMPONENT -n 100; platformctl doctor".into() })
}

/// Whether what went wrong with an instance is why its component is not well: it is meant to run, or nothing has come after
/// it in its place.
fn explains(instance: &InstanceState, state: &ComponentState) -> bool {
    let newer = |other: &&InstanceState| other.number == instance.number && other.since > instance.since;
    instance.wanted || !state.instances.iter().any(|other| newer(&other))
}

fn status_text(states: &[ComponentState]) -> String {
    let mut text = String::new();
    for state in states {
        let mark = match state.active {
            "active" => GOOD,
            "failed" => BAD,
            _ => DEGRADED,
        };
        let _ = write!(text, "{mark} {}: {}/{}", state.component, state.active, state.sub);
        if state.wanted > 0 {
            let _ = write!(text, " {}/{}", state.running, state.wanted);
        }
        if let Some(image) = &state.image {
            let _ = write!(text, "  {image}");
        }
        text.push('\n');
        let mut history = 0;
        for instance in &state.instances {
            if !instance.wanted {
                history += 1;
                if history > MOST_HISTORY || instance.error.is_none() {
                    continue;
                }
            }
            let number = instance.number.map(|number| format!("@{number}")).unwrap_or_default();
            text.push_str(
                &InstanceLine {
                    name: format!("{}{number}", state.component),
                    wanted: instance.wanted,
                    state: &instance.state,
                    machine: &instance.machine,
                    since: &instance.since,
                    error: instance.error.as_deref(),
                }
                .text(),
            );
        }
    }
    text
}

fn list_text(states: &[ComponentState]) -> String {
    let mut rows: Vec<[String; 5]> = vec![["UNIT", "MACHINE", "LOAD", "ACTIVE", "SUB"].map(str::to_owned)];
    for state in states {
        let wanted: Vec<&InstanceState> = state.instances.iter().filter(|instance| instance.wanted).collect();
        let load = if state.sub == "uninstalled" { "not-found" } else { "loaded" };
        if wanted.is_empty() {
            rows.push([state.component.clone(), "-".into(), load.into(), state.active.into(), state.sub.clone()]);
        }
        for instance in wanted {
            let number = instance.number.map(|number| format!("@{number}")).unwrap_or_default();
            let active = if instance.state == "running" { "active" } else { "activating" };
            let machine = if instance.machine.is_empty() { "-" } else { &instance.machine };
            rows.push([
                format!("{}{number}", state.component),
                machine.to_owned(),
                load.into(),
                active.into(),
                instance.state.clone(),
            ]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(active: &'static str, sub: &str, instances: Vec<InstanceState>) -> ComponentState {
        ComponentState {
            component: "router".into(),
            subsystem: "Router mesh".into(),
            active,
            sub: sub.into(),
            running: 1,
            wanted: 2,
            image: Some("caddy:2.11.7".into()),
            version: None,
            instances,
        }
    }

    fn instance(number: u32, state: &str, error: Option<&str>, wanted: bool) -> InstanceState {
        InstanceState {
            number: Some(number),
            machine: "a".into(),
            state: state.into(),
            since: "2026-11-21T10:00:00Z".into(),
            error: error.map(str::to_owned),
            wanted,
        }
    }

    #[test]
    fn what_does_not_run_is_a_failure_with_its_reason() {
        for (active, unwell) in [("active", false), ("inactive", false), ("activating", true), ("failed", true)] {
            let states = [state(active, "x", vec![instance(1, "rejected", Some("No such image"), true)])];
            match verdict(&states) {
                Ok(()) => assert!(!unwell, "{active}"),
                Err(failure) => {
                    assert!(unwell && failure.to_string().contains("No such image"), "{failure}");
                    assert_eq!(failure.exit_code(), 8);
                }
            }
        }
    }

    #[test]
    fn what_something_came_after_explains_nothing() {
        let old = instance(1, "failed", Some("exit 255"), false);
        let newer = InstanceState { since: "2026-11-21T10:30:00Z".into(), ..instance(1, "starting", None, true) };
        for (instances, explained) in [(vec![old.clone(), newer], false), (vec![old], true)] {
            let failure = verdict(&[state("activating", "starting", instances)]).unwrap_err().to_string();
            assert_eq!(failure.contains("exit 255"), explained, "{failure}");
        }
    }

    #[test]
    fn texts_name_instances() {
        let states = [state(
            "activating",
            "starting",
            vec![
                instance(1, "running", None, true),
                instance(1, "failed", Some("exit 3"), false),
                instance(2, "starting", None, true),
            ],
        )];
        let list = list_text(&states);
        assert_eq!(list.lines().count(), 3, "{list}");
        assert!(list.contains("router@2  a        loaded  activating  starting"), "{list}");
        let status = status_text(&states);
        assert!(status.starts_with("▴ router: activating/starting 1/2  caddy:2.11.7\n"), "{status}");
        assert!(status.contains("router@1 earlier: failed on a since 2026-11-21T10:00:00Z: exit 3"), "{status}");
    }
}
