//! Services of the swarm to sites: what routers must know of each app. Pure; `follow` calls it.

use bollard::models::{Service, ServiceSpec};
use routing::{Domain, LabelPrefix, Route};

/// A service with a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The service's name in the swarm.
    pub service: String,
    pub route: Route,
    /// Whether it is to have no task at all.
    pub is_stopped: bool,
}

/// What the services say, and what is wrong with what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// By service name.
    pub sites: Vec<Site>,
    /// One line a service, or a domain that two of them want.
    pub mistakes: Vec<String>,
}

/// Reads the labels of all services. A domain that several want is the oldest service's; one whose labels cannot be read
/// has no route, since it may have asked for something that keeps somebody out.
pub fn read(services: &[Service], prefix: &LabelPrefix) -> Sites {
    let mut found = Sites::default();
    // Docker writes all dates in one form, so their texts sort as they do.
    let mut services: Vec<&Service> = services.iter().collect();
    services.sort_by_key(|service| (service.created_at.as_deref(), service.id.as_deref()));
    let mut owners: Vec<(Domain, String)> = Vec::new();
    for service in services {
        let Some(spec) = &service.spec else { continue };
        let name = spec.name.clone().unwrap_or_default();
        let labels = spec.labels.iter().flatten().map(|(label, value)| (label.as_str(), value.as_str()));
        let mut route = match Route::read(labels, prefix) {
            None => continue,
            Some(Ok(route)) => route,
            Some(Err(error)) => {
                found.mistakes.push(format!("service `{name}` gets no requests: {error}"));
                continue;
            }
        };
        route.domains.retain(|domain| match owners.iter().find(|(owned, _)| owned == domain) {
            Some((_, owner)) => {
                found.mistakes.push(format!("domain `{domain}` of service `{name}` is already that of `{owner}`"));
                false
            }
            None => {
                owners.push((domain.clone(), name.clone()));
                true
            }
        });
        if !route.domains.is_empty() {
            found.sites.push(Site { is_stopped: is_stopped(spec), service: name, route });
        }
    }
    found.sites.sort_by(|one, other| one.service.cmp(&other.service));
    found
}

fn is_stopped(spec: &ServiceSpec) -> bool {
    let mode = spec.mode.as_ref();
    mode.and_then(|mode| mode.replicated.as_ref()).is_some_and(|replicated| replicated.replicas == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(text: &str) -> Vec<Service> {
        serde_json::from_str(text).unwrap()
    }

    fn prefix() -> LabelPrefix {
        "platform.route".parse().unwrap()
    }

    #[test]
    fn the_oldest_service_keeps_a_domain_and_the_wrong_ones_are_told() {
        let found = read(
            &services(
                r#"[
                {"ID": "b", "CreatedAt": "2026-02-01T00:00:00Z", "Spec": {"Name": "young", "Labels": {
                    "platform.route.domains": "a.test,c.test", "platform.route.upstream": "tasks.young",
                    "platform.route.port": "80"}, "Mode": {"Replicated": {"Replicas": 0}}}},
                {"ID": "a", "CreatedAt": "2026-01-01T00:00:00Z", "Spec": {"Name": "old", "Labels": {
                    "platform.route.domains": "a.test", "platform.route.upstream": "tasks.old",
                    "platform.route.port": "80"}, "Mode": {"Global": {}}}},
                {"ID": "c", "Spec": {"Name": "wrong", "Labels": {"platform.route.domains": "d.test"}}},
                {"ID": "d", "Spec": {"Name": "other", "Labels": {"platform.app": "x"}}},
                {"ID": "e"}
            ]"#,
            ),
            &prefix(),
        );
        let seen: Vec<(&str, String, bool)> = found
            .sites
            .iter()
            .map(|site| (&*site.service, site.route.domains.iter().map(Domain::to_string).collect(), site.is_stopped))
            .collect();
        assert_eq!(seen, [("old", "a.test".to_owned(), false), ("young", "c.test".to_owned(), true)]);
        let [wrong, taken] = &found.mistakes[..] else { panic!("{:?}", found.mistakes) };
        assert!(
            wrong.contains("service `wrong` gets no requests") && wrong.contains("route.port`: missing"),
            "{wrong}"
        );
        assert_eq!(taken, "domain `a.test` of service `young` is already that of `old`");
    }
}
