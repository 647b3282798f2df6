//! A task of the next release that runs beside a service that has only one, while that one is replaced. Routers ask for
//! tasks' addresses once a second; in between they know one that is gone, and with a second one to try no request fails.
//! It also shows whether the release comes up at all before anything that runs is touched.

use std::time::Duration;

use bollard::models::{ServiceSpec, ServiceSpecUpdateConfigOrderEnum};

use super::release::RELEASE_LABEL;
use super::roll_out::{Unwell, refused, told};
use super::{App, Apps, Release};
use crate::bundle::AppRouting;
use crate::compose::{Rendered, RenderedService};
use crate::swarm::{COMPONENT_LABEL, References, Rollout, Started, replicas};
use nodes::cluster::DockerError;

/// Routers ask for the tasks' addresses every second, and the swarm's nodes tell each other of a new one.
const ROUTERS_FOLLOW: Duration = Duration::from_secs(3);
/// No app's services and no bundle's begin so.
pub(super) const PREFIX: &str = "next-";

impl Apps {
    /// Sends one task ahead when the public service runs another release on a single task; returns its service's name
    /// once it serves.
    pub(super) async fn send_ahead(
        &self,
        app: &App,
        release: &Release,
        rendered: &Rendered,
        references: &References,
        reached: &AppRouting,
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
            .resolve(vanguard(app, next, reached))
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

/// One task of the service, for requests from outside only. Which requests they are stands on the service itself; routers
/// find the task by the name that the service's own tasks have on their network.
fn vanguard(app: &App, next: &RenderedService, reached: &AppRouting) -> ServiceSpec {
    let mut spec = next.spec.clone();
    spec.name = Some(format!("{PREFIX}{}", app.name.service(&next.component)));
    let labels = spec.labels.get_or_insert_default();
    labels.retain(|label, _| reached.labels.key(label).is_none());
    labels.insert(COMPONENT_LABEL.to_owned(), format!("{PREFIX}{}", next.component));
    if let Some(replicated) = spec.mode.as_mut().and_then(|mode| mode.replicated.as_mut()) {
        replicated.replicas = Some(1);
    }
    let networks = spec.task_template.iter_mut().filter_map(|task| task.networks.as_mut()).flatten();
    for network in networks.filter(|network| network.target.as_ref() != Some(&reached.network)) {
        // The app's other services keep to the service itself.
        network.aliases = None;
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::{Config, Content, ImageOptions, Source, render};

    fn reached() -> AppRouting {
        AppRouting {
            bundle: "platform".into(),
            components: Vec::new(),
            network: "platform_router".into(),
            open_networks: Vec::new(),
            labels: "platform.route".parse().unwrap(),
        }
    }

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
        let service = render(&app, 2, &content, &reached()).unwrap().services.remove(0);
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
        let spec = vanguard(&app, &service, &reached());
        assert_eq!(spec.name.as_deref(), Some("next-app-hello_web"));
        assert_eq!(replicas(&spec), 1);
        let asks =
            |spec: &ServiceSpec| spec.labels.iter().flatten().any(|(label, _)| label.starts_with("platform.route."));
        assert!(asks(&service.spec) && !asks(&spec), "{:?}", spec.labels);
        let networks = spec.task_template.and_then(|task| task.networks).unwrap();
        assert_eq!(networks.len(), 1);
        assert_eq!(networks[0].aliases.as_deref(), Some(&["app-hello".to_owned()][..]));
    }
}
