//! Brings the swarm to the release that an app is to run, and back to the one before when it does not come up.

use std::collections::BTreeSet;
use std::time::Duration;

use bollard::models::ServiceUpdateStatusStateEnum;
use bollard::query_parameters::InspectNetworkOptions;

use super::release::RELEASE_LABEL;
use super::render::render;
use super::{App, Apps, Release, ReleaseState, vanguard};
use crate::bundle::AppRouting;
use crate::compose::Rendered;
use crate::swarm::{References, Rollout, RolloutFailure, Service, Started};
use nodes::cluster::DockerError;
use report::mark::DEGRADED;
use report::{Event, Failure};

/// Whether to wait until everything runs, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Not,
    AtMost(Duration),
}

/// Whether a task of the release may be sent ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    Wanted,
    Not,
}

/// Why a release does not run.
pub(super) enum Unwell {
    /// Something else is wrong; the same again may succeed.
    Failure(Failure),
    /// The release itself does not come up.
    Release(Vec<String>),
}

impl Apps {
    /// How the installed platform leads requests to apps; the network that its routers share with them must be there.
    pub(super) async fn require_router(&self) -> Result<AppRouting, Failure> {
        self.platform.swarm.require().await?;
        let installed = self.platform.require_installation().await?.bundle;
        let Some(reached) = installed.apps else {
            return Err(Failure::Unhealthy {
                reasons: vec![format!(
                    "the platform `{}` {}, which is installed, does not say how requests reach apps",
                    installed.name, installed.version
                )],
                hint: "where a newer version does, `platformctl upgrade`; other bundles: `platformctl bundles`".into(),
            });
        };
        let network = reached.network.as_str();
        let found = self.platform.swarm.ask("looking for the router's network", |docker| async move {
            docker.inspect_network(network, None::<InspectNetworkOptions>).await
        });
        match found.await {
            Ok(_) => Ok(reached),
            Err(error) if error.is_not_found() => Err(Failure::Unhealthy {
                reasons: vec!["apps are reached through the platform's router, which is not installed".into()],
                hint: "platformctl install platform && platformctl start platform".into(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings up the release that is to run. One that was begun is then recorded as running or, when it does not come up
    /// in time, as failed, with the release before it running again. Returns the app as it is recorded then.
    pub(super) async fn roll_out(&self, app: &App, wait: Wait) -> Result<App, Failure> {
        let Some(release) = app.intended() else { return Ok(app.clone()) };
        match self.bring_up(app, release, wait, Overlap::Wanted).await {
            Ok(rendered) if wait != Wait::Not => {
                let version = release.version;
                let (app, ()) = self
                    .change(&app.name, |app| {
                        app.finish(version);
                        Ok(())
                    })
                    .await?;
                self.remove_others(&app, &rendered).await?;
                Ok(app)
            }
            Ok(_) => Ok(app.clone()),
            Err(Unwell::Failure(failure)) => Err(failure),
            Err(Unwell::Release(reasons)) if release.state == ReleaseState::Pending => {
                Err(self.go_back(app, release, reasons, wait).await?)
            }
            Err(Unwell::Release(reasons)) => Err(Failure::Unhealthy {
                reasons: vec![format!("app `{}` does not run as it should: {}", app.name, reasons.join("\n"))],
                hint: format!("platformctl apps info {0}; platformctl apps logs {0}", app.name),
            }),
        }
    }

    /// Whether all tasks of a release run now, without waiting.
    pub(super) async fn runs(&self, app: &App, release: &Release) -> Result<bool, Failure> {
        let swarm = &self.platform.swarm;
        let members = swarm.require().await?;
        let services = swarm.services(Some(&app.name.namespace())).await?;
        let version = release.version.to_string();
        let services: Vec<&Service> =
            services.iter().filter(|service| service.label(RELEASE_LABEL) == Some(&version)).collect();
        let wanted: BTreeSet<String> = self.services(app)?.iter().map(|key| app.name.service(key)).collect();
        if !wanted.iter().all(|name| services.iter().any(|service| &service.name == name)) {
            return Ok(false);
        }
        let tasks = swarm.tasks(&services, &members).await?;
        Ok(services.iter().all(|service| {
            let running = tasks
                .iter()
                .filter(|task| task.service_id == service.id && task.follows(service) && task.is_running())
                .count();
            let settled = matches!(service.update_state, None | Some(ServiceUpdateStatusStateEnum::COMPLETED));
            settled && running >= service.desired_tasks(&members)
        }))
    }

    async fn bring_up(&self, app: &App, release: &Release, wait: Wait, overlap: Overlap) -> Result<Rendered, Unwell> {
        let reached = self.require_router().await?;
        let rendered = render(app, release.version, &release.content, &reached).map_err(Failure::from)?;
        let references = self.platform.swarm.ensure_references(&app.name.namespace(), &rendered).await?;
        let vanguard = match (wait, overlap) {
            (Wait::AtMost(deadline), Overlap::Wanted) => {
                self.send_ahead(app, release, &rendered, &references, &reached, deadline).await?
            }
            _ => None,
        };
        let names = self.apply(app, &rendered, &references).await?;
        let Wait::AtMost(deadline) = wait else { return Ok(rendered) };
        let progress = |service: &str, rollout: &Rollout| self.tell(app, service, rollout);
        let waited = self.platform.swarm.wait_until_running(&names, deadline, &progress).await;
        waited.map_err(|failures| Unwell::Release(failures.iter().map(|failure| told(app, failure)).collect()))?;
        if let Some(vanguard) = vanguard {
            self.take_back(&vanguard).await?;
        }
        Ok(rendered)
    }

    /// Makes all services what the release says; their names.
    async fn apply(&self, app: &App, rendered: &Rendered, references: &References) -> Result<Vec<String>, Unwell> {
        let mut names = Vec::new();
        for service in &rendered.services {
            let spec = references
                .resolve(service.spec.clone())
                .map_err(|error| Unwell::Release(vec![format!("service `{}`: {error}", service.component)]))?;
            self.platform.swarm.apply(spec, Started::Always).await.map_err(refused)?;
            names.push(app.name.service(&service.component));
        }
        Ok(names)
    }

    /// Removes services that the release does not have, and configs that nothing uses any more.
    async fn remove_others(&self, app: &App, rendered: &Rendered) -> Result<(), DockerError> {
        let swarm = &self.platform.swarm;
        let namespace = app.name.namespace();
        for service in swarm.services(Some(&namespace)).await? {
            if !rendered.services.iter().any(|kept| app.name.service(&kept.component) == service.name) {
                swarm.remove_service(&service.name).await?;
            }
        }
        swarm.remove_unused_configs(&namespace).await
    }

    /// The release that runs, or nothing, in place of one that does not come up. The swarm goes back before the record
    /// does: when this is cut short, the release is still pending and is tried again.
    async fn go_back(&self, app: &App, failed: &Release, reasons: Vec<String>, wait: Wait) -> Result<Failure, Failure> {
        let version = failed.version;
        let mut told = vec![format!("v{version} of app `{}` does not run: {}", app.name, reasons.join("\n"))];
        let back = match app.current() {
            Some(current) => {
                self.reporter.note(format!(
                    "{DEGRADED} {}: v{version} does not run, going back to v{}",
                    app.name, current.version
                ));
                match self.bring_up(app, current, wait, Overlap::Not).await {
                    Ok(rendered) => {
                        self.remove_others(app, &rendered).await?;
                        format!("v{} runs, as before", current.version)
                    }
                    Err(Unwell::Failure(failure)) => return Err(failure),
                    Err(Unwell::Release(reasons)) => {
                        told.push(format!(
                            "v{}, which ran before, does not run either: {}",
                            current.version,
                            reasons.join("\n")
                        ));
                        format!("the services are those of v{} again", current.version)
                    }
                }
            }
            None => {
                self.remove_services(&app.name.namespace()).await?;
                "nothing ran before, so the app runs nothing".to_owned()
            }
        };
        self.change(&app.name, |app| {
            app.fail(version, reasons.first().and_then(|reason| reason.lines().next()).unwrap_or_default());
            Ok(())
        })
        .await?;
        Ok(Failure::Unhealthy {
            reasons: told,
            hint: format!("{back}; `platformctl apps releases {}` lists what was tried", app.name),
        })
    }

    /// Removes all services of a namespace; their names.
    pub(super) async fn remove_services(&self, namespace: &str) -> Result<Vec<String>, DockerError> {
        let mut names = Vec::new();
        for service in self.platform.swarm.services(Some(namespace)).await? {
            self.platform.swarm.remove_service(&service.name).await?;
            names.push(service.name);
        }
        Ok(names)
    }

    pub(super) fn tell(&self, app: &App, service: &str, rollout: &Rollout) {
        let Rollout { running, wanted, state, .. } = rollout;
        let active = match (state.as_str(), wanted) {
            ("running", 0) => "inactive",
            ("running", _) => "active",
            _ => "activating",
        };
        self.reporter.event(Event::ComponentChanged {
            component: short_name(app, service),
            active,
            sub: if *wanted == 0 { "dead".into() } else { state.clone() },
            running: *running,
            wanted: *wanted,
        });
    }
}

/// `hello.web`, or `hello.web (next)` for the task that is sent ahead.
fn short_name(app: &App, service: &str) -> String {
    let (name, next) = match service.strip_prefix(vanguard::PREFIX) {
        Some(name) => (name, " (next)"),
        None => (service, ""),
    };
    match name.strip_prefix(&format!("{}_", app.name.namespace())) {
        Some(key) => format!("{}.{key}{next}", app.name),
        None => service.to_owned(),
    }
}

/// What Docker refuses is the release's fault; when it cannot be asked, it is not.
pub(super) fn refused(error: DockerError) -> Unwell {
    match error.status() {
        Some(400..=499) => Unwell::Release(vec![error.to_string()]),
        _ => Unwell::Failure(error.into()),
    }
}

/// A failure with the last lines that the containers wrote.
pub(super) fn told(app: &App, failure: &RolloutFailure) -> String {
    format!("service {}: {}", short_name(app, &failure.service), failure.with_log())
}

impl From<Failure> for Unwell {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<DockerError> for Unwell {
    fn from(error: DockerError) -> Self {
        Self::Failure(error.into())
    }
}
