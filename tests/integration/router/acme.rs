//! Certificates that the controller orders, from a real authority that asks the real router: two nodes, each with a router and a
//! controller, and one etcd.

use openssl::x509::X509;

use super::backend::{Backend, Manners};
use super::client::{self, ask, ask_tls};
use super::etcd::{Etcd, printed};
use super::mesh::{Mesh, RouterSettings};
use super::pebble::Pebble;
use super::swarm::App;
use super::{HOST, get, serves};
use crate::sandbox::{wait_for, wait_for_some};

/// Leads to another machine than the router's.
const ELSEWHERE: &str = "elsewhere.example.test";
/// The authority does not want it.
const BLOCKED: &str = "blocked.example.test";
const YEAR: u64 = 365 * 86_400;
/// Two thirds of it are long enough for everything that happens before the renewal.
const SHORT_LIFE: u64 = 45;

/// The serial number of the certificate that a router shows to who trusts the authority; none where it shows none, and where the
/// connection is lost, as one may be that comes while routers change their configuration.
fn serial(mesh: &Mesh, root: &X509) -> Option<String> {
    let answer = client::ask_verified(mesh.secure, HOST, root, &get(HOST, "/")).ok()?;
    assert_eq!((answer.status, answer.body.trim()), (200, "here"));
    Some(ask_tls(mesh.secure, HOST, &get(HOST, "/")).ok()?.serial)
}

/// The same as soon as it is one that is expected.
fn awaited_serial(what: &str, mesh: &Mesh, root: &X509, is_expected: impl Fn(&str) -> bool) -> String {
    wait_for_some(what, || serial(mesh, root).filter(|shown| is_expected(shown)))
}

#[test]
fn certificates_are_ordered_by_one_shown_by_all_and_renewed_by_who_is_left() {
    let (etcd, mut pebble) = (Etcd::start(), Pebble::new());
    let mut nodes = [Mesh::new(RouterSettings::Ordering), Mesh::new(RouterSettings::Ordering)];
    pebble.start(nodes[0].web.port(), nodes[0].resolver.address, BLOCKED, YEAR);
    let controllers = nodes.each_ref().map(|node| node.controller.ip());
    let backend = Backend::start(nodes[0].task_address(2), Manners::Good("here"));
    for node in &mut nodes {
        node.follow_etcd(&etcd);
        node.order_from(&pebble);
        node.swarm.set(&[App::new("hello", &[HOST, ELSEWHERE, BLOCKED], backend.port())]);
        node.resolver.set("tasks.app-hello", &[backend.ip()]);
        node.resolver.set("controller", &controllers);
    }
    // As the authority resolves them.
    for (host, address) in [(HOST, "127.0.0.1"), (BLOCKED, "127.0.0.1"), (ELSEWHERE, "127.0.0.77")] {
        nodes[0].resolver.set(host, &[address.parse().unwrap()]);
    }
    let [first, second] = &mut nodes;

    first.start_router();
    first.start_controller();
    wait_for("the route", || serves(first, HOST, "here"));
    let root = pebble.root().unwrap();
    let ordered = awaited_serial("a certificate of the authority's", first, &root, |_| true);

    // What the authority says of the others is kept for people.
    let listed = || etcd.platformctl(&["certs", "list"]).demand(0).stdout;
    wait_for("both refusals", || {
        let listed = listed();
        listed.contains("urn:ietf:params:acme:error:rejectedIdentifier")
            && listed.contains("urn:ietf:params:acme:error:connection")
    });
    for (host, words) in [(BLOCKED, "forbidden by policy"), (ELSEWHERE, "connection refused")] {
        let listed = listed();
        let mut lines = listed.lines().skip_while(|line| !line.starts_with(host));
        assert!(lines.next().is_some_and(|line| line.contains("ordered  -")), "{host}: {listed}");
        assert!(lines.next().is_some_and(|line| line.contains(words)), "{host}: {listed}");
    }
    let unknown = get(HOST, "/.well-known/acme-challenge/0123456789012345678901234");
    let answer = wait_for_some("an answer", || ask(first.web, &unknown).ok());
    assert_eq!((answer.status, answer.body.as_str()), (404, "no certificate is being ordered with this token\n"));

    // Another controller gives the same to its router, and orders nothing.
    second.start_router();
    second.start_controller();
    awaited_serial("the same certificate on the other router", second, &root, |now| now == ordered);
    let issued = || pebble_orders(&pebble);
    assert_eq!(issued(), 1, "{}", pebble.log());
    assert!(!second.log("controller").contains("this controller orders certificates"));

    // Who ordered is gone, and so is all that the authority knew.
    first.kill_controller();
    wait_for("the other to take over", || second.log("controller").contains("this controller orders certificates"));
    let kept = awaited_serial("a certificate after that", second, &root, |_| true);
    assert_eq!(kept, ordered, "nothing is ordered before it is due");
    pebble.stop();
    pebble.start(first.web.port(), first.resolver.address, BLOCKED, SHORT_LIFE);
    let root = pebble.root().unwrap();
    let renew = || printed(etcd.platformctl(&["certs", "renew", HOST]), &["will be ordered"]);
    renew();
    wait_for("the authority's word", || listed().contains("urn:ietf:params:acme:error:accountDoesNotExist"));
    renew();
    // The router of the node whose controller is gone answers the authority all the same.
    let short = awaited_serial("a certificate of the new root", second, &root, |_| true);
    awaited_serial("its renewal", second, &root, |now| now != short);

    etcd.platformctl(&["certs", "renew", "unknown.example.test"]).demand(3).says(&["no certificate is ordered for"]);
    for node in [&*first, &*second] {
        let log = node.log("controller") + &node.log("router");
        assert!(!log.contains("PRIVATE KEY"), "{log}");
    }
}

/// How many certificates the authority has signed since its log began.
fn pebble_orders(pebble: &Pebble) -> usize {
    pebble.log().lines().filter(|line| line.contains("Issued certificate serial")).count()
}
