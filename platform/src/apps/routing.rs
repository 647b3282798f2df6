//! The labels by which the router finds an app.
//! <https://doc.traefik.io/traefik/reference/routing-configuration/other-providers/swarm/>

use std::collections::BTreeMap;

use super::Domain;

/// The overlay network that the router and every public service share.
pub(super) const ROUTER_NETWORK: &str = "platform_router";
/// Tries of a request whose task does not answer at all, the first one included.
const ATTEMPTS: &str = "3";
/// Before the second try.
const FIRST_PAUSE: &str = "100ms";

/// The entry points for HTTP and HTTPS; the second one brings TLS with it.
const ENTRY_POINTS: &str = "web,websecure";

/// Labels of the service `name` that listens on `port`. Names of routers are those of services, so that two releases
/// with different public services do not contradict each other while one replaces the other.
pub(super) fn labels(name: &str, domains: &[Domain], port: u16) -> BTreeMap<String, String> {
    let hosts: Vec<String> = domains.iter().map(|domain| format!("Host(`{domain}`)")).collect();
    let pairs = [
        ("traefik.enable".to_owned(), (!domains.is_empty()).to_string()),
        ("traefik.swarm.network".to_owned(), ROUTER_NETWORK.to_owned()),
        (format!("traefik.http.routers.{name}.rule"), hosts.join(" || ")),
        (format!("traefik.http.routers.{name}.entrypoints"), ENTRY_POINTS.to_owned()),
        (format!("traefik.http.routers.{name}.service"), name.to_owned()),
        (format!("traefik.http.routers.{name}.middlewares"), name.to_owned()),
        (format!("traefik.http.middlewares.{name}.retry.attempts"), ATTEMPTS.to_owned()),
        (format!("traefik.http.middlewares.{name}.retry.initialinterval"), FIRST_PAUSE.to_owned()),
        (format!("traefik.http.services.{name}.loadbalancer.server.port"), port.to_string()),
    ];
    pairs.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_router_for_all_domains() {
        let domains = ["a.example.test", "b.example.test"].map(|domain| domain.parse().unwrap());
        let labels = labels("app-a_web", &domains, 8000);
        for (key, value) in [
            ("traefik.enable", "true"),
            ("traefik.http.routers.app-a_web.rule", "Host(`a.example.test`) || Host(`b.example.test`)"),
            ("traefik.http.routers.app-a_web.entrypoints", "web,websecure"),
            ("traefik.http.services.app-a_web.loadbalancer.server.port", "8000"),
        ] {
            assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert_eq!(super::labels("x", &[], 1)["traefik.enable"], "false");
    }
}
