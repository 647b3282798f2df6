//! Brings back what an earlier release ran, as a new release.

use super::compose_file::Owner;
use super::images::Images;
use super::render::Blueprint;
use super::{App, AppName, Apps, Begun, Config, Release, Wait};
use diagnostics::{Origin, Problems};
use report::Failure;
use report::mark::DEGRADED;

impl Apps {
    /// Source and configuration of release `version`, else of the last one that ran before the current one; a rollback
    /// that runs or was begun is completed instead.
    pub async fn roll_back(&self, name: &AppName, version: Option<u32>, wait: Wait) -> Result<(App, Begun), Failure> {
        let app = self.require(name).await?;
        let target = app.rollback_target(version).map_err(|error| {
            let mut problems = Problems::new();
            problems.add_with_hint(
                Origin::Flag("VERSION"),
                error.to_string(),
                format!("platformctl apps releases {name}"),
            );
            problems
        })?;
        if version.is_none() && app.pending().is_none() && app.current() == Some(target) {
            self.reporter.note(format!(
                "{DEGRADED} {name}: v{} {} already; another release is named: platformctl apps releases {name}; platformctl apps rollback {name} vN",
                target.version, target.what
            ));
        }
        let content = target.content.clone();
        let what = Release::rollback_to(target.version);
        let reached = self.require_router().await?;
        let owner = Owner { app: name, config: &content.config, on: Some(&reached) };
        let blueprint = Blueprint::read(&content.source, owner)?;
        if let Some(note) = difference(&app.config, &content.config) {
            self.reporter
                .note(format!("{DEGRADED} {name}: the configuration is that of v{} again: {note}", target.version));
        }
        let images = Images { platform: &self.platform, reporter: &self.reporter };
        images.provide_again(&content.images).await?;
        self.release(&app, &blueprint, content, &what, wait).await
    }
}

/// What becomes of the names of a configuration; no values, which may be secrets.
fn difference(now: &Config, then: &Config) -> Option<String> {
    let gone: Vec<&str> = now.names().filter(|name| then.get(name).is_none()).collect();
    let back: Vec<&str> = then.names().filter(|name| now.get(name).is_none()).collect();
    let other: Vec<&str> =
        now.names().filter(|name| then.get(name).is_some_and(|value| now.get(name) != Some(value))).collect();
    let told = [
        (gone, "goes", "go"),
        (back, "comes back", "come back"),
        (other, "has its earlier value", "have their earlier values"),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter(|(names, ..)| !names.is_empty())
        .map(|(names, one, several)| format!("{} {}", names.join(", "), if names.len() == 1 { one } else { several }))
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::ConfigChange;

    #[test]
    fn settings_that_go_are_named() {
        let config = |pairs: &[(&str, &str)]| {
            let change = pairs.iter().try_fold(ConfigChange::new(), |change, (name, value)| change.set(name, value));
            Config::default().changed(&change.unwrap()).unwrap()
        };
        for (now, then, expected) in [
            (vec![("A", "1")], vec![("A", "1")], None),
            (vec![("A", "1"), ("TOKEN", "x")], vec![("A", "1")], Some("TOKEN goes")),
            (vec![("A", "1"), ("B", "1")], vec![("C", "1")], Some("A, B go; C comes back")),
            (vec![("A", "1")], vec![("A", "hunter2")], Some("A has its earlier value")),
        ] {
            assert_eq!(difference(&config(&now), &config(&then)).as_deref(), expected);
        }
    }
}
