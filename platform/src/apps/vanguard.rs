//! A task of the next release that runs beside a service that has only one, while that one is replaced. Routers look at
//! the swarm every few seconds; in between they know a task that is gone, and with a second one to try no request fails.
//! It also shows whether the release comes up at all before anything that runs is touched.

use std::time::Duration;

use bollard::models::{ServiceSpec, ServiceSpecUpdateConfigOrderEnum};

use super::render::RELEASE_LABEL;
use super::roll_out::{Unwell, refused, told};
use super::{App, Apps, Release};
use crate::compose::{Rendered, RenderedService};
use crate::swarm::{COMPONENT_LABEL, References, Rollout, Started, replicas};
use nodes::cluster::DockerError;

/// Routers look every two seconds, and take a moment to act on what they see.
const ROUTERS_FOLLOW: Duration = Duration::from_secs(5);
/// No app's services and no bundle's begin so.
pub(super) const PREFIX: &str = "next-";
/// Labels that tell routers where servers are, but not which requests they get: that stands on the service itself.
const SERVERS: [&str; 3] = ["traefik.enable", "traefik.swarm.network", "traefik.http.services."];

impl Apps {
    /// Sends one task ahead when the public service runs another release on a single task; returns its service's name
    /// once it serves.
    pub(super) async fn send_ahead(
        &self,
        app: &App,
        release: &Release,
        rendered: &Rendered,
        references: &References,
        deadline: Duration,
    ) -> Result<Option<String>, Unwell> {
        let key = &release.content.public;
        let Some(next) = rendered.services.iter().find(|service| service.component == *key) else { return Ok(None) };
        let Some(current) = self.platform.swarm.service(&app.name.service(key)).await? else { return Ok(None) };
        let is_same = current.label(RELEASE_LABEL) == Some(&release.version.to_string());
        if is_same || !current.is_started() || !is_wanted(replicas(&current.spec), &next.spec) {
            return Ok(None);
        }
        let spec = references
            .resolve(vanguard(app, next))
            .map_err(|error| Unwell::Release(vec![format!("service `{key}`: {error}")]))?;
        let name = format!("{PREFIX}{}", app.name.service(key));
        self.platform.swarm.apply(spec, Started::Always).await.map_err(refused)?;
        let progress = |_: &str, rollout: &Rollout| self.tell(app, &name, rollout);
        let waited = self.platform.swarm.wait_until_running(std::slice::from_ref(&name), deadline, &progress).await;
        waited.map_err(|failures| Unwell::Release(failures.iter().map(|failure| told(app, failure)).collect()))?;
        tokio::time::sleep(ROUTERS_FOLLOW).await;
        Ok(Some(name))
    }

    /// Takes it back when routers know the service's own new task.
    pub(super) async fn take_back(&self, name: &str) -> Result<(), DockerError> {
        tokio::time::sleep(ROUTERS_FOLLOW).await;
        self.platform.swarm.remove_service(name).await
    }
}

/// Whether a service of so many tasks would be without one that routers know.
fn is_wanted(running: i64, next: &ServiceSpec) -> bool {
    let order = next.update_config.as_ref().and_then(|update| update.order);
    let wanted = replicas(next);
    order == Some(ServiceSpecUpdateConfigOrderEnum::START_FIRST) && wanted > 0 && running.min(wanted) == 1
}

/// One task of the service, for requests from outside only.
fn vanguard(app: &App, next: &RenderedService) -> ServiceSpec {
    let mut spec = next.spec.clone();
    spec.name = Some(format!("{PREFIX}{}", app.name.service(&next.component)));
    let labels = spec.labels.get_or_insert_default();
    labels.retain(|label, _| !label.starts_with("traefik.") || SERVERS.iter().any(|kept| label.starts_with(kept)));
    labels.insert(COMPONENT_LABEL.to_owned(), format!("{PREFIX}{}", next.component));
    if let Some(replicated) = spec.mode.as_mut().and_then(|mode| mode.replicated.as_mut()) {
        replicated.replicas = Some(1);
    }
    for network in spec.task_template.iter_mut().filter_map(|task| task.networks.as_mut()).flatten() {
        // The app's other services keep to the service itself.
        network.aliases = None;
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::{Config, Content, ImageOptions, Source, render};

    fn next(replicas: u32) -> (App, RenderedService) {
        let mut app = App::new("hello".parse().unwrap(), String::new(), vec!["hello.example.test".parse().unwrap()]);
        app.scale.insert("web".into(), replicas);
        let content = Content {
            source: Source::Image { image: "hello:1".into(), options: ImageOptions::default() },
            images: std::collections::BTreeMap::new(),
            config: Config::default(),
            public: "web".into(),
            port: 8000,
        };
        let service = render(&app, 2, &content).unwrap().services.remove(0);
        (app, service)
    }

    #[test]
    fn only_a_single_task_needs_one() {
        for (running, wanted, expected) in
            [(1, 1, true), (1, 3, true), (3, 1, true), (2, 2, false), (1, 0, false), (0, 1, false)]
        {
            assert_eq!(is_wanted(running, &next(wanted).1.spec), expected, "{running} {wanted}");
        }
    }

    #[test]
    fn it_serves_but_routes_nothing() {
        let (app, service) = next(3);
        let spec = vanguard(&app, &service);
        assert_eq!(spec.name.as_deref(), Some("next-app-hello_web"));
        assert_eq!(replicas(&spec), 1);
        let labels = spec.labels.unwrap();
        let mut traefik: Vec<&String> = labels.keys().filter(|label| label.starts_with("traefik.")).collect();
        traefik.sort();
        assert_eq!(
            traefik,
            ["traefik.enable", "traefik.http.services.app-hello_web.loadbalancer.server.port", "traefik.swarm.network"]
        );
    }
}
