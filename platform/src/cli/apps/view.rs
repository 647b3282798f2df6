//! Apps as people and programs read them. Values of their configuration are not among it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::apps::{App, Process, Release, ReleaseState, ServiceState, Source, image_title};
use crate::cli::instance_line::InstanceLine;
use report::mark::{DEGRADED, GOOD};
use report::table;

/// An app in short.
#[derive(Serialize)]
pub(super) struct AppView {
    pub name: String,
    pub urls: Vec<String>,
    pub domains: Vec<String>,
    pub created_at: String,
    /// The release that runs.
    pub release: Option<u32>,
    /// What that release is made of.
    pub source: Option<String>,
    /// The newest release, whatever became of it.
    pub newest_release: Option<u32>,
    pub newest_state: Option<&'static str>,
}

/// A release.
#[derive(Serialize)]
pub(super) struct ReleaseView {
    pub version: u32,
    pub state: ReleaseState,
    pub created_at: String,
    pub what: String,
    pub source: String,
    /// Each image, and by which reference it stays the same.
    pub images: std::collections::BTreeMap<String, String>,
    pub config: Vec<String>,
    pub public: String,
    pub port: u16,
    pub reason: Option<String>,
}

/// Everything about an app.
#[derive(Serialize)]
pub(super) struct InfoView {
    #[serde(flatten)]
    pub app: AppView,
    pub public: Option<String>,
    pub port: Option<u16>,
    /// Names only.
    pub config: Vec<String>,
    /// The node of each volume.
    pub volumes: std::collections::BTreeMap<String, String>,
    pub services: Vec<ServiceState>,
    pub processes: Vec<Process>,
}

impl AppView {
    pub(super) fn new(app: &App) -> Self {
        let newest = app.releases.last();
        Self {
            name: app.name.to_string(),
            urls: app.domains.iter().map(|domain| format!("http://{domain}")).collect(),
            domains: app.domains.iter().map(ToString::to_string).collect(),
            created_at: app.created_at.clone(),
            release: app.current().map(|release| release.version),
            source: app.current().map(|release| title(&release.content.source)),
            newest_release: newest.map(|release| release.version),
            newest_state: newest.map(|release| release.state.as_str()),
        }
    }

    /// `v3`, or what became of the newest one when that is another.
    fn release_text(&self) -> String {
        let newest = match (self.newest_release, self.newest_state) {
            (Some(version), Some(state)) if Some(version) != self.release => format!("v{version} {state}"),
            _ => String::new(),
        };
        match (self.release, newest.as_str()) {
            (None, "") => "-".into(),
            (None, newest) => newest.to_owned(),
            (Some(version), "") => format!("v{version}"),
            (Some(version), newest) => format!("v{version} ({newest})"),
        }
    }
}

impl ReleaseView {
    pub(super) fn new(release: &Release) -> Self {
        Self {
            version: release.version,
            state: release.state,
            created_at: release.created_at.clone(),
            what: release.what.clone(),
            source: title(&release.content.source),
            images: release.content.images.clone(),
            config: release.content.config.names().map(str::to_owned).collect(),
            public: release.content.public.clone(),
            port: release.content.port,
            reason: release.reason.clone(),
        }
    }
}

impl InfoView {
    pub(super) fn new(app: &App, services: Vec<ServiceState>, processes: Vec<Process>) -> Self {
        let content = app.intended().map(|release| &release.content);
        Self {
            app: AppView::new(app),
            public: content.map(|content| content.public.clone()),
            port: content.map(|content| content.port),
            config: app.config.names().map(str::to_owned).collect(),
            volumes: app.volumes.clone(),
            services,
            processes,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<9} {value}");
        };
        line("app", &self.app.name);
        line("url", &joined(&self.app.urls));
        line("release", &self.app.release_text());
        line("source", self.app.source.as_deref().unwrap_or("-"));
        if let (Some(public), Some(port)) = (&self.public, self.port) {
            line("public", &format!("{public}, port {port}"));
        }
        line("config", &joined(&self.config));
        line("created", &self.app.created_at);
        for (volume, node) in &self.volumes {
            line("volume", &format!("{volume} on {node}; what uses it runs there only"));
        }
        for service in &self.services {
            let mark = if service.running >= service.wanted { GOOD } else { DEGRADED };
            let _ = writeln!(text, "{mark} {} {}/{}", service.service, service.running, service.wanted);
            for process in self.processes.iter().filter(|process| process.service == service.service) {
                let number = process.number.map(|number| format!(".{number}")).unwrap_or_default();
                text.push_str(
                    &InstanceLine {
                        name: format!("{}{number}", process.service),
                        wanted: process.wanted,
                        state: &process.state,
                        machine: &process.machine,
                        since: &process.since,
                        error: process.error.as_deref(),
                    }
                    .text(),
                );
            }
        }
        text
    }
}

/// The image, or the Compose file.
fn title(source: &Source) -> String {
    match source {
        Source::Image { image, .. } => image_title(image),
        Source::Compose { file, .. } => file.clone(),
    }
}

fn joined(words: &[String]) -> String {
    if words.is_empty() { "-".into() } else { words.join(", ") }
}

/// A line an app.
pub(super) fn list_text(apps: &[AppView]) -> String {
    let rows = apps.iter().map(|app| {
        [app.name.clone(), app.release_text(), app.source.clone().unwrap_or_else(|| "-".into()), joined(&app.urls)]
    });
    table(["APP", "RELEASE", "SOURCE", "URL"], rows)
}

/// A line a release, the newest first, with the reason of those that failed.
pub(super) fn releases_text(releases: &[ReleaseView]) -> String {
    let rows = releases.iter().map(|release| {
        let reason = release.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        [
            format!("v{}", release.version),
            release.state.as_str().to_owned(),
            release.created_at.clone(),
            format!("{}{reason}", release.what),
        ]
    });
    table(["RELEASE", "STATE", "CREATED", "WHAT"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let view = |release, newest_release, newest_state| AppView {
            name: "hello".into(),
            urls: vec!["http://hello.example.test".into()],
            domains: vec!["hello.example.test".into()],
            created_at: "2026-01-02T03:04:05Z".into(),
            release,
            source: release.map(|_: u32| "hello:1".into()),
            newest_release,
            newest_state,
        };
        for (release, newest, state, expected) in [
            (None, None, None, "-"),
            (Some(2), Some(2), Some("running"), "v2"),
            (Some(2), Some(3), Some("failed"), "v2 (v3 failed)"),
            (None, Some(1), Some("pending"), "v1 pending"),
        ] {
            assert_eq!(view(release, newest, state).release_text(), expected);
        }
        let list = list_text(&[view(Some(2), Some(2), Some("running")), view(None, None, None)]);
        assert_eq!(
            list,
            "APP    RELEASE  SOURCE   URL\n\
             hello  v2       hello:1  http://hello.example.test\n\
             hello  -        -        http://hello.example.test\n"
        );
    }

    #[test]
    fn processes_have_their_errors() {
        let process = |number, state: &str, error: Option<&str>, wanted| Process {
            service: "web".into(),
            number: Some(number),
            machine: "n0".into(),
            state: state.into(),
            since: "2026-01-02T03:04:05Z".into(),
            error: error.map(str::to_owned),
            wanted,
        };
        let app = App::new("hello".parse().unwrap(), "2026-01-02T03:04:05Z".into(), Vec::new());
        let state = ServiceState { service: "web".into(), image: "hello:1".into(), running: 1, wanted: 2 };
        let processes = vec![process(1, "running", None, true), process(2, "failed", Some("exit 3"), false)];
        let text = InfoView::new(&app, vec![state], processes).text();
        let lines: Vec<&str> = text.lines().rev().take(3).collect();
        assert_eq!(
            lines,
            [
                "    web.2 earlier: failed on n0 since 2026-01-02T03:04:05Z: exit 3",
                "    web.1 running on n0 since 2026-01-02T03:04:05Z",
                "▴ web 1/2",
            ]
        );
    }
}
