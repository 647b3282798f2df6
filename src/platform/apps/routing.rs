//! The labels by which the router finds an app.
//! <https://doc.traefik.io/traefik/reference/routing-configuration/other-providers/swarm/>

use std::collections::BTreeMap;

use super::Domain;

/// The overlay network that the router and every public service share.
pub const ROUTER_NETWORK: &str = "platform_router";
/// Tries of a request whose task does not answer at all, the first one included.
const ATTEMPTS: &str = "3";
/// Before the second try.
const FIRST_PAUSE: &str = "100ms";

/// How the router is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Whether it gets certificates of its own for domains that it serves.
    pub https: bool,
}

/// The entry point for HTTP.
const HTTP: &str = "web";
/// The entry point for HTTPS.
const HTTPS: &str = "websecure";
/// Gets certificates.
const CERTIFICATE_RESOLVER: &str = "letsencrypt";

/// Labels of the service `name` that listens on `port`. Names of routers are those of services, so that two releases
/// with different public services do not contradict each other while one replaces the other.
pub fn labels(name: &str, domains: &[Domain], port: u16, routing: &Routing) -> BTreeMap<String, String> {
    let hosts: Vec<String> = domains.iter().map(|domain| format!("Host(`{domain}`)")).collect();
    let rule = hosts.join(" || ");
    let mut labels = BTreeMap::new();
    let mut set = |key: String, value: &str| labels.insert(key, value.to_owned());
    set("traefik.enable".into(), if domains.is_empty() { "false" } else { "true" });
    set("traefik.swarm.network".into(), ROUTER_NETWORK);
    set(format!("traefik.http.services.{name}.loadbalancer.server.port"), &port.to_string());
    set(format!("traefik.http.middlewares.{name}.retry.attempts"), ATTEMPTS);
    set(format!("traefik.http.middlewares.{name}.retry.initialinterval"), FIRST_PAUSE);
    let mut router = |router: &str, entry_point: &str| {
        for (key, value) in [("rule", rule.as_str()), ("entrypoints", entry_point), ("service", name), ("middlewares", name)] {
            set(format!("traefik.http.routers.{router}.{key}"), value);
        }
    };
    router(name, HTTP);
    if routing.https {
        let secure = format!("{name}-tls");
        router(&secure, HTTPS);
        set(format!("traefik.http.routers.{secure}.tls.certresolver"), CERTIFICATE_RESOLVER);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_router_for_all_domains() {
        let domains = ["a.example.test", "b.example.test"].map(|domain| domain.parse().unwrap());
        let labels = labels("app-a_web", &domains, 8000, &Routing { https: true });
        for (key, value) in [
            ("traefik.http.routers.app-a_web.rule", "Host(`a.example.test`) || Host(`b.example.test`)"),
            ("traefik.http.routers.app-a_web.entrypoints", "web"),
            ("traefik.http.routers.app-a_web-tls.tls.certresolver", CERTIFICATE_RESOLVER),
            ("traefik.http.services.app-a_web.loadbalancer.server.port", "8000"),
        ] {
            assert_eq!(labels.get(key).map(String::as_str), Some(value), "{key}");
        }
        assert_eq!(super::labels("x", &[], 1, &Routing::default())["traefik.enable"], "false");
    }
}
