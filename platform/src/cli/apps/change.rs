//! `platformctl apps create`, `domains`, `scale`, `rollback`, `restart` and `destroy`, and what all changes say at their end.

use std::io::IsTerminal as _;

use serde::Serialize;

use super::arguments::{ChangeArguments, DomainsArguments, DomainsCommand, ResultArguments};
use super::view::AppView;
use crate::Platform;
use crate::apps::{App, AppName, Apps, Begun, Destroyed, Domain};
use crate::cli::arguments::ConnectionArguments;
use crate::cli::{changing::Change, connect};
use report::confirm as ask;
use report::{Failure, Reporter};
use report::{command::unless_interrupted, output};

/// An app after a change.
#[derive(Serialize)]
struct Changed {
    #[serde(flatten)]
    app: AppView,
    /// Whether a release was made or gone on with.
    changed: Option<bool>,
}

/// Says what came of a change.
pub(super) fn came_of(app: &App, begun: Option<Begun>, change: &ChangeArguments) -> Result<(), Failure> {
    let view = AppView::new(app);
    let text = match (&app.pending(), &app.current()) {
        (Some(pending), _) => format!(
            "{0} v{1} is being brought up; `platformctl apps info {0}` shows how far it is\n",
            app.name, pending.version
        ),
        (None, Some(current)) => format!("{} v{} runs: {}\n", app.name, current.version, view.urls.join(", ")),
        (None, None) => {
            format!("{0} runs nothing yet: platformctl apps deploy {0} --image IMAGE, or --compose FILE\n", app.name)
        }
    };
    let changed = begun.map(|begun| !matches!(begun, Begun::Unchanged(_)));
    output::result(change.result.output, &Changed { app: view, changed }, &text)
}

/// A change of one app, as others are told.
pub(super) fn change_of<'a>(
    connection: &'a ConnectionArguments,
    result: &'a ResultArguments,
    command: &'a str,
) -> Change<'a> {
    Change { connection, progress: &result.progress, command }
}

/// Runs `create`.
pub(super) async fn create(
    connection: &ConnectionArguments,
    name: &AppName,
    domains: &[Domain],
    result: &ResultArguments,
) -> Result<(), Failure> {
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).create(name, domains).await
    };
    let app = change_of(connection, result, &format!("apps create {name}")).run(work).await?;
    let view = AppView::new(&app);
    let next = match view.newest_release {
        Some(_) => String::new(),
        None => format!("next: platformctl apps deploy {name} --image IMAGE, or --compose FILE\n"),
    };
    let text = format!("app {name} is there: {}\n{next}", view.urls.join(", "));
    output::result(result.output, &view, &text)
}

/// Runs `domains`.
pub(super) async fn domains(connection: &ConnectionArguments, arguments: &DomainsArguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let change = match &arguments.command {
        DomainsCommand::List { result } => {
            let listing = async {
                let platform = connect::platform(connection).await?;
                let app = Apps::new(platform, Reporter::silent()).require(name).await?;
                let text: String = app.domains.iter().map(|domain| format!("{domain}\n")).collect();
                output::result(result.output, &app.domains, &text)
            };
            return unless_interrupted("run the same command again", listing).await;
        }
        DomainsCommand::Add { change, .. } | DomainsCommand::Rm { change, .. } => change,
    };
    let work = async |platform: &Platform, reporter: &Reporter| {
        let apps = Apps::new(platform.clone(), reporter.clone());
        match &arguments.command {
            DomainsCommand::Rm { domains, .. } => apps.remove_domains(name, domains, change.wait()).await,
            DomainsCommand::Add { domains, .. } => apps.add_domains(name, domains, change.wait()).await,
            DomainsCommand::List { .. } => apps.require(name).await,
        }
    };
    let app = change_of(connection, &change.result, &format!("apps domains {name}")).run(work).await?;
    came_of(&app, None, change)
}

/// Runs `scale`.
pub(super) async fn scale(
    connection: &ConnectionArguments,
    name: &AppName,
    scales: &[String],
    change: &ChangeArguments,
) -> Result<(), Failure> {
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).scale(name, scales, change.wait()).await
    };
    let app = change_of(connection, &change.result, &format!("apps scale {name}")).run(work).await?;
    came_of(&app, None, change)
}

/// Runs `rollback`.
pub(super) async fn roll_back(
    connection: &ConnectionArguments,
    name: &AppName,
    version: Option<u32>,
    change: &ChangeArguments,
) -> Result<(), Failure> {
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).roll_back(name, version, change.wait()).await
    };
    let (app, begun) = change_of(connection, &change.result, &format!("apps rollback {name}")).run(work).await?;
    came_of(&app, Some(begun), change)
}

/// Runs `restart`.
pub(super) async fn restart(
    connection: &ConnectionArguments,
    name: &AppName,
    services: &[String],
    change: &ChangeArguments,
) -> Result<(), Failure> {
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).restart(name, services, change.wait()).await
    };
    let app = change_of(connection, &change.result, &format!("apps restart {name}")).run(work).await?;
    came_of(&app, None, change)
}

/// Runs `destroy`.
pub(super) async fn destroy(
    connection: &ConnectionArguments,
    name: &AppName,
    confirm: Option<&str>,
    yes: bool,
    result: &ResultArguments,
) -> Result<(), Failure> {
    match confirm {
        Some(confirmed) if confirmed == name.as_str() => {}
        Some(other) => return Err(Failure::Usage(format!("--confirm {other} is not the app's name, `{name}`"))),
        None if yes => {}
        None if !std::io::stdin().is_terminal() => {
            return Err(Failure::Usage(format!(
                "nobody is here to confirm; `platformctl apps destroy {name} --confirm {name}` removes without asking"
            )));
        }
        None => {
            let question = format!("remove app {name} with its volumes for good?");
            if !unless_interrupted("run the same command again", ask(&question)).await? {
                return Err(Failure::Usage("nothing was removed".into()));
            }
        }
    }
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).destroy(name).await
    };
    let (destroyed, existed) = change_of(connection, result, &format!("apps destroy {name}")).run(work).await?;
    let text = gone(name, &destroyed, existed);
    let value = serde_json::json!({ "name": name, "existed": existed, "removed": destroyed });
    output::result(result.output, &value, &text)
}

fn gone(name: &AppName, destroyed: &Destroyed, existed: bool) -> String {
    if !existed && destroyed.is_empty() {
        return format!("there is no app {name}, and nothing is left of one\n");
    }
    let volumes = match destroyed.volumes.as_slice() {
        [] => String::new(),
        volumes => format!("; with it went {}", volumes.join(", ")),
    };
    format!("app {name} is gone{volumes}\n")
}
