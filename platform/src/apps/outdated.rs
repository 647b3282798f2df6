//! Apps whose services are not what the installed platform would make of them: an earlier version made them.

use super::compose_file::Owner;
use super::render::{Blueprint, render};
use super::{App, AppName, Apps};
use crate::bundle::AppRouting;
use crate::swarm::References;
use report::Failure;

/// An app that an earlier version made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outdated {
    /// Its tasks must be replaced.
    Restart(AppName),
    /// Its file asks for what is closed to apps now; the first such mistake.
    Refused(AppName, String),
}

impl Apps {
    /// All apps that run and would look different under a platform that reaches apps so; nothing is changed.
    pub(crate) async fn outdated(&self, reached: &AppRouting) -> Result<Vec<Outdated>, Failure> {
        let swarm = &self.platform.swarm;
        let references = References { secrets: swarm.secrets().await?, config_ids: swarm.config_ids().await? };
        let mut outdated = Vec::new();
        for app in self.all().await? {
            if let Some(mistake) = refused(&app, reached) {
                outdated.push(Outdated::Refused(app.name.clone(), mistake));
                continue;
            }
            let Some(release) = app.intended() else { continue };
            let Ok(rendered) = render(&app, release.version, &release.content, reached) else { continue };
            for service in &rendered.services {
                // What cannot be resolved was never made.
                let Ok(spec) = references.resolve(service.spec.clone()) else { continue };
                if swarm.differs(&spec).await? {
                    outdated.push(Outdated::Restart(app.name.clone()));
                    break;
                }
            }
        }
        Ok(outdated)
    }
}

/// What is closed to the app and was not when it was deployed.
fn refused(app: &App, reached: &AppRouting) -> Option<String> {
    let content = &app.intended()?.content;
    let read = |on| Blueprint::read(&content.source, Owner { app: &app.name, config: &content.config, on });
    read(None).ok()?;
    let problems = read(Some(reached)).err()?;
    problems.iter().next().map(|problem| format!("{}: {}", problem.origin, problem.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::{Config, Content, Source};

    #[test]
    fn a_file_of_before_that_is_refused_now_is_told() {
        let reached = crate::bundle::Bundle::shipped_named("platform").unwrap().apps.unwrap();
        for (network, expected) in [
            ("platform_database", None),
            ("platform_controller", Some("`compose.yaml` line 3: `networks.n`: `platform_controller` is a network of")),
        ] {
            let text =
                format!("services: {{web: {{image: a}}}}\nnetworks:\n  n: {{name: {network}, external: true}}\n");
            let mut app = App::new("shop".parse().unwrap(), String::new(), Vec::new());
            let source = Source::Compose { file: "compose.yaml".into(), text, public: None, port: None };
            let images = std::collections::BTreeMap::new();
            let content = Content { source, images, config: Config::default(), public: "web".into(), port: 80 };
            app.begin(content, "deployed", "2026-01-02T03:04:05Z");
            let found = refused(&app, &reached);
            match expected {
                None => assert_eq!(found, None),
                Some(expected) => assert!(found.as_ref().is_some_and(|found| found.starts_with(expected)), "{found:?}"),
            }
        }
    }
}
