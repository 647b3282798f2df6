//! HTTPS through the load balancer: with the certificate of the settings, and with one that an authority signed.

use std::path::Path;

use openssl::x509::X509;

use super::cluster::{Cluster, DOMAIN};
use crate::router::{Authority, Pair, Pebble, Resolver, ask_verified, get};
use crate::sandbox::wait_for;

/// The host's loopback, as machines reach it.
const HOST_IN_GUESTS: &str = "198.18.0.2";
/// No certificate of the settings covers it.
const ORDERED: &str = "www.example.org";
const YEAR: u64 = 365 * 86_400;
/// More than there are routers: the load balancer spreads connections over them.
const REQUESTS: usize = 12;

/// Who signs what routers show.
pub(super) struct Authorities {
    /// Of the certificate for all hosts below the platform's domain.
    wildcard: Authority,
    /// Orders are sent to it; it runs only while a test lets it.
    orders: Pebble,
}

impl Authorities {
    /// With files in a folder.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { wildcard: Authority::new(), orders: Pebble::in_folder(folder, HOST_IN_GUESTS) }
    }

    /// Sets the router's settings, as an operator does before `install`.
    pub(super) fn set(&self, cluster: &Cluster) {
        let Pair { chain, key } = self.wildcard.issue(&[DOMAIN, &format!("*.{DOMAIN}")]);
        let file = |name: &str, text: &str| {
            let path = cluster.sandbox.path(name);
            std::fs::write(&path, text).unwrap();
            format!("@{}", path.display())
        };
        let settings = [
            format!("sslCert={}", file("wildcard.pem", &chain)),
            format!("sslKey={}", file("wildcard.key", &key)),
            "acmeEmail=you@example.com".to_owned(),
            format!("acmeDirectory={}", self.orders.directory()),
            format!("acmeCa=@{}", self.orders.trust().display()),
        ];
        let set: Vec<&str> =
            ["config", "router", "set"].into_iter().chain(settings.iter().map(String::as_str)).collect();
        cluster.ctl(&set).demand(0);
    }
}

/// `hello` is served by all routers under each name with the certificate that is meant for it.
pub(super) fn are_on_every_router(cluster: &Cluster, authorities: &mut Authorities) {
    let https = cluster.endpoint("https");
    let all_answer = |host: &str, root: &X509| {
        (0..REQUESTS).all(|_| ask_verified(https, host, root, &get(host, "/")).is_ok_and(|answer| answer.status == 200))
    };
    let below = format!("hello.{DOMAIN}");
    wait_for("the certificate of the settings", || all_answer(&below, &authorities.wildcard.certificate));

    let resolver = Resolver::start();
    let web = cluster.endpoint("web");
    resolver.set(ORDERED, &[web.ip()]);
    authorities.orders.start(web.port(), resolver.address, "blocked.example.org", YEAR);
    cluster.ctl(&["apps", "domains", "hello", "add", ORDERED]).demand(0);
    let root = authorities.orders.root().expect("the authority runs");
    wait_for("the ordered certificate", || all_answer(ORDERED, &root));
    let listed = cluster.ctl(&["certs", "list"]).demand(0).stdout;
    assert!(listed.lines().any(|line| line.starts_with(ORDERED) && line.contains("ordered")), "{listed}");
    // The other one is shown for its own hosts all the same. Routers that take on the ordered one meanwhile close connections
    // whose request has not come yet.
    wait_for("the certificate of the settings beside it", || all_answer(&below, &authorities.wildcard.certificate));
    authorities.orders.stop();
}
