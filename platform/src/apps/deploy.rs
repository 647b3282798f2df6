//! Deploys a source as the next release of an app.

use std::collections::BTreeMap;

use super::compose_file::{Owner, mistakes};
use super::images::{Found, Images};
use super::record::now;
use super::render::{Blueprint, render};
use super::{App, AppName, Apps, Begun, Content, ImageOptions, Release, Source, Wait, port, volumes};
use crate::images::Archive;
use diagnostics::yaml::{Step, line_of};
use diagnostics::{Origin, Problems};
use report::Failure;
use report::mark::{DEGRADED, GOOD};

/// In place of a path: no health check.
const NO_HEALTH: &str = "none";

/// What is to be deployed.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub source: Source,
    /// Where the public service listens, when the user says so.
    pub port: Option<u16>,
    /// Holds the source's image.
    pub archive: Option<Archive>,
    pub wait: Wait,
}

impl Deployment {
    /// What is wrong with a Compose file whatever the configuration of its app is, before anybody is connected to.
    pub fn check(&self, name: &AppName) -> Result<(), Problems> {
        let Source::Compose { file, text, public, .. } = &self.source else { return Ok(()) };
        let found = mistakes(text, file, name, public.as_deref());
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

impl Apps {
    /// Checks everything that can be checked, records the release, brings it up and waits until it runs. When it does
    /// not, the release before runs again. Nothing is changed when a check fails.
    pub async fn deploy(&self, name: &AppName, deployment: &Deployment) -> Result<(App, Begun), Failure> {
        let app = self.require(name).await?;
        let source = with_earlier_options(&deployment.source, app.intended());
        let reached = self.require_router().await?;
        let owner = Owner { app: name, config: &app.config, on: Some(&reached) };
        let read = Blueprint::read_with_notes(&source, owner);
        for note in read.as_ref().map_or_else(|refused| &refused.notes, |blueprint| &blueprint.notes) {
            self.reporter.note(format!("{DEGRADED} {note}"));
        }
        let blueprint = read.map_err(|refused| refused.problems)?;
        let images = Images { platform: &self.platform, reporter: &self.reporter };
        let found = images.provide(&blueprint.images(), deployment.archive.as_ref()).await?;
        let port = chosen_port(&blueprint, &found, deployment.port, app.intended())?;
        let content = Content {
            source,
            images: found.into_iter().map(|(image, found)| (image, found.pinned)).collect(),
            config: app.config.clone(),
            public: blueprint.public.clone(),
            port,
        };
        let what = format!("deployed {}", content.source.title());
        self.release(&app, &blueprint, content, &what, deployment.wait).await
    }

    /// Records `content` as the next release, unless it is what runs or is being brought up, and brings it up.
    pub(super) async fn release(
        &self,
        app: &App,
        blueprint: &Blueprint,
        content: Content,
        what: &str,
        wait: Wait,
    ) -> Result<(App, Begun), Failure> {
        let placed = self.place_volumes(app, blueprint).await?;
        // What cannot be rendered is found out before it is recorded.
        render(app, 0, &content, &self.require_router().await?)?;
        self.require_networks(blueprint, &content.source).await?;
        self.settle(app, &content).await?;
        let now = now();
        let (app, begun) = self
            .change(&app.name, |app| {
                app.volumes.extend(placed.clone());
                Ok(app.begin(content.clone(), what, &now))
            })
            .await?;
        let note = match begun {
            Begun::Fresh(version) => format!("{GOOD} {}: v{version}, {what}", app.name),
            Begun::Resumed(version) => format!("{GOOD} {}: v{version} was begun and goes on", app.name),
            Begun::Unchanged(version) => format!("{GOOD} {}: v{version} is this already", app.name),
        };
        self.reporter.note(note);
        Ok((self.roll_out(&app, wait).await?, begun))
    }

    /// The networks that a file says are there must be: the swarm would also take the beginning of an id for a name.
    async fn require_networks(&self, blueprint: &Blueprint, source: &Source) -> Result<(), Failure> {
        let Source::Compose { file, text, .. } = source else { return Ok(()) };
        let mut problems = Problems::new();
        for (key, network) in blueprint.stack.networks.iter().filter(|(_, network)| network.external) {
            let name = network.name.as_ref().unwrap_or(key);
            if !self.platform.swarm.has_network(name).await? {
                let path = ["networks", key].map(|key| Step::Key(key.to_owned()));
                let origin = Origin::File { path: file.clone(), line: line_of(text, &path) };
                let message = format!("`networks.{key}`: there is no network `{name}` in the swarm");
                let hint = "leave `external` out, and the app has a network of its own".to_owned();
                problems.add_with_hint(origin, message, hint);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    /// A release that was left alone while it came up may run by now; something else comes next, so it is looked at.
    async fn settle(&self, app: &App, next: &Content) -> Result<(), Failure> {
        let Some(pending) = app.pending().filter(|pending| pending.content != *next) else { return Ok(()) };
        if self.runs(app, pending).await? {
            let version = pending.version;
            self.change(&app.name, |app| {
                app.finish(version);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The nodes of the volumes; those that are chosen now are said.
    async fn place_volumes(&self, app: &App, blueprint: &Blueprint) -> Result<BTreeMap<String, String>, Failure> {
        if blueprint.stack.services.values().all(|service| volumes::of_service(service).is_empty()) {
            return Ok(BTreeMap::new());
        }
        let members = self.platform.swarm.require().await?;
        let others: Vec<String> = self.all().await?.into_iter().flat_map(|app| app.volumes.into_values()).collect();
        let placed =
            volumes::place(&blueprint.stack, &app.volumes, &others, &members).map_err(|error| Failure::Unhealthy {
                reasons: vec![format!("app `{}`: {error}", app.name)],
                hint: "platformctl machines; platformctl doctor".into(),
            })?;
        for (volume, node) in placed.iter().filter(|(volume, _)| !app.volumes.contains_key(*volume)) {
            self.reporter.note(format!("{DEGRADED} volume {volume} is on {node} from now on, and so is what uses it"));
        }
        Ok(placed)
    }
}

/// Options that are left out stay what they were; a health check `none` and limits of 0 are none.
fn with_earlier_options(source: &Source, earlier: Option<&Release>) -> Source {
    let Source::Image { image, options } = source else { return source.clone() };
    let earlier = match earlier.map(|release| &release.content.source) {
        Some(Source::Image { options, .. }) => options.clone(),
        _ => ImageOptions::default(),
    };
    let options = ImageOptions {
        health: options.health.clone().or(earlier.health).filter(|path| path != NO_HEALTH),
        memory_bytes: options.memory_bytes.or(earlier.memory_bytes).filter(|bytes| *bytes > 0),
        nano_cpus: options.nano_cpus.or(earlier.nano_cpus).filter(|cpus| *cpus > 0),
    };
    Source::Image { image: image.clone(), options }
}

/// Where the public service listens.
pub(super) fn chosen_port(
    blueprint: &Blueprint,
    found: &BTreeMap<String, Found>,
    flag: Option<u16>,
    earlier: Option<&Release>,
) -> Result<u16, Failure> {
    let image = blueprint.stack.services.get(&blueprint.public).map(|service| service.image.as_str());
    let exposed = image.and_then(|image| found.get(image)).map(|found| found.exposed.as_slice());
    let known = port::Known {
        flag,
        declared: &blueprint.ports,
        exposed: exposed.unwrap_or_default(),
        earlier: earlier
            .filter(|release| release.content.public == blueprint.public)
            .map(|release| release.content.port),
    };
    port::choose(&known).map_err(|error| {
        let mut problems = Problems::new();
        let first = error.ports.first().copied().unwrap_or_default();
        problems.add_with_hint(Origin::Flag("--port"), error.to_string(), format!("add --port {first}, or another"));
        problems.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::ReleaseState;

    fn image(health: Option<&str>, memory_bytes: Option<u64>, nano_cpus: Option<u64>) -> Source {
        let options = ImageOptions { health: health.map(str::to_owned), memory_bytes, nano_cpus };
        Source::Image { image: "hello:1".into(), options }
    }

    #[test]
    fn options_that_are_left_out_stay() {
        let release = |source| Release {
            version: 1,
            created_at: String::new(),
            what: String::new(),
            state: ReleaseState::Running,
            reason: None,
            content: Content {
                source,
                images: BTreeMap::new(),
                config: crate::apps::Config::default(),
                public: "web".into(),
                port: 80,
            },
        };
        let earlier = release(image(Some("/old"), Some(1), Some(2)));
        for (given, expected) in [
            (image(None, None, None), image(Some("/old"), Some(1), Some(2))),
            (image(Some("/new"), Some(3), None), image(Some("/new"), Some(3), Some(2))),
            (image(Some("none"), Some(0), Some(0)), image(None, None, None)),
        ] {
            assert_eq!(with_earlier_options(&given, Some(&earlier)), expected);
        }
        assert_eq!(with_earlier_options(&image(Some("none"), None, None), None), image(None, None, None));
    }
}
