//! `platformctl apps list`, `info` and `releases`.

use super::arguments::ResultArguments;
use super::view::{AppView, InfoView, ReleaseView, list_text, releases_text};
use crate::apps::{AppName, Apps};
use crate::cli::arguments::ConnectionArguments;
use crate::cli::connect;
use report::Failure;
use report::output;

async fn apps(connection: &ConnectionArguments, result: &ResultArguments) -> Result<Apps, Failure> {
    Ok(Apps::new(connect::platform(connection).await?, result.progress.reporter()?))
}

/// Runs `list`.
pub(super) async fn list(connection: &ConnectionArguments, result: &ResultArguments) -> Result<(), Failure> {
    let views: Vec<AppView> = apps(connection, result).await?.all().await?.iter().map(AppView::new).collect();
    output::result(result.output, &views, &list_text(&views))
}

/// Runs `info`.
pub(super) async fn info(
    connection: &ConnectionArguments,
    name: &AppName,
    result: &ResultArguments,
) -> Result<(), Failure> {
    let apps = apps(connection, result).await?;
    let app = apps.require(name).await?;
    let (services, processes) = match app.releases.is_empty() {
        true => (Vec::new(), Vec::new()),
        false => apps.processes(&app).await?,
    };
    let view = InfoView::new(&app, services, processes);
    output::result(result.output, &view, &view.text())
}

/// Runs `releases`, the newest first.
pub(super) async fn releases(
    connection: &ConnectionArguments,
    name: &AppName,
    result: &ResultArguments,
) -> Result<(), Failure> {
    let app = apps(connection, result).await?.require(name).await?;
    let views: Vec<ReleaseView> = app.releases.iter().rev().map(ReleaseView::new).collect();
    output::result(result.output, &views, &releases_text(&views))
}
