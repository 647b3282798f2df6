//! HTTPS of the bundle's router, its chain verified: the one certificate for all hosts, and certificates of single domains.

use openssl::x509::X509;

use super::authority::{Authority, Pair};
use super::backend::{Backend, Manners};
use super::client::{self, ask, ask_tls};
use super::etcd::{Etcd, printed};
use super::mesh::{Mesh, RouterSettings};
use super::swarm::App;
use super::{HOST, get, serves};
use crate::sandbox::wait_for;
use routing::Rules;

const SHOP: &str = "shop.example.org";

/// Whether a client that trusts the authority gets a page of the host.
fn is_trusted(mesh: &Mesh, root: &X509, host: &str) -> bool {
    client::ask_verified(mesh.secure, host, root, &get(host, "/")).is_ok_and(|answer| answer.status == 200)
}

#[test]
fn the_wildcard_certificate_is_trusted_and_plain_requests_are_led_to_it() {
    let authority = Authority::new();
    let mut mesh = Mesh::new(RouterSettings::WithCertificate);
    mesh.use_certificate(&authority.issue(&["*.example.test", "example.test"]));
    let backend = Backend::start(mesh.task_address(2), Manners::Good("here"));
    let strict =
        App { rules: Rules { https_only: true, ..Rules::default() }, ..App::new("hello", &[HOST], mesh.task_port) };
    mesh.swarm.set(&[strict, App::new("other", &[SHOP], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[backend.ip()]);
    mesh.resolver.set("tasks.app-other", &[backend.ip()]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the route", || ask(mesh.web, &get(HOST, "/a?b=c")).is_ok_and(|answer| answer.status == 308));

    let moved = ask(mesh.web, &get(HOST, "/a?b=c")).unwrap();
    assert_eq!(moved.header("location"), Some("https://hello.example.test/a?b=c"));
    let root = &authority.certificate;
    let answer = client::ask_verified(mesh.secure, HOST, root, &get(HOST, "/a?b=c")).unwrap();
    assert_eq!((answer.status, answer.body.trim()), (200, "here"));
    assert_eq!(client::verified_protocol(mesh.secure, HOST, root).unwrap().as_deref(), Some("h2"));
    // The certificate is not for this one, and who trusts another authority takes it for nobody.
    let refused = client::ask_verified(mesh.secure, SHOP, root, &get(SHOP, "/")).err().expect("another name");
    assert!(refused.to_string().contains("certificate verify failed"), "{refused}");
    assert!(!is_trusted(&mesh, &Authority::new().certificate, HOST));
}

/// A certificate of a domain, from the file that a user names to each router; and nothing that is broken stops routers.
#[test]
fn certificates_of_domains_come_and_go() {
    let (authority, etcd) = (Authority::new(), Etcd::start());
    let root = &authority.certificate;
    let write = |name: &str, text: &str| {
        std::fs::write(etcd.path(name), text).unwrap();
        etcd.path(name).display().to_string()
    };
    let add = |name: &str, pair: &Pair| {
        let (chain, key) = (write("chain.pem", &pair.chain), write("key.pem", &pair.key));
        etcd.platformctl(&["certs", "add", name, "--certificate", &chain, "--key", &key])
    };
    let mut mesh = Mesh::new(RouterSettings::WithCertificate);
    mesh.use_certificate(&authority.issue(&["*.example.test"]));
    mesh.follow_etcd(&etcd);
    let backend = Backend::start(mesh.task_address(2), Manners::Good("here"));
    mesh.swarm.set(&[App::new("hello", &[HOST, SHOP, "www.example.org"], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[backend.ip()]);
    printed(etcd.platformctl(&["certs", "list"]), &["no certificates"]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the route", || serves(&mesh, HOST, "here"));
    wait_for("the certificate for all hosts", || is_trusted(&mesh, root, HOST));
    assert!(!is_trusted(&mesh, root, SHOP));

    // One of a single host, and one of all others below its domain.
    let shop = authority.issue(&[SHOP]);
    printed(add("shop", &shop), &["certificate shop added: shop.example.org, until 20"]);
    wait_for("the certificate", || is_trusted(&mesh, root, SHOP));
    assert!(!is_trusted(&mesh, root, "www.example.org"));
    wait_for("HTTP/2", || {
        client::verified_protocol(mesh.secure, SHOP, root).is_ok_and(|protocol| protocol.as_deref() == Some("h2"))
    });
    add("all", &authority.issue(&["*.example.org"])).demand(0);
    wait_for("the wildcard", || is_trusted(&mesh, root, "www.example.org"));
    let secure = mesh.secure;
    // A connection that comes while routers change their configuration may be lost.
    let shows = |host: &str, expected: &[&str]| {
        wait_for(&format!("{expected:?} for {host}"), || {
            ask_tls(secure, host, &get(host, "/")).is_ok_and(|shown| shown.names == expected)
        });
    };
    shows(SHOP, &[SHOP]);
    shows("www.example.org", &["*.example.org"]);
    printed(add("shop", &authority.issue(&[SHOP, "second.example.org"])), &["certificate shop replaced"]);
    shows(SHOP, &[SHOP, "second.example.org"]);

    // What is wrong is told, and reaches nobody.
    let wrong = Pair { key: authority.issue(&[SHOP]).key, chain: shop.chain.clone() };
    let refused = add("shop", &wrong).demand(3).says(&["the key is not that of the certificate"]);
    assert!(!refused.stderr.contains("BEGIN"), "{}", refused.stderr);
    etcd.platformctl(&["certs", "add", "a/b", "--certificate", "c", "--key", "k"])
        .demand(2)
        .says(&["no name of a certificate"]);
    etcd.platformctl(&["certs", "add", "x", "--certificate", "missing.pem", "--key", "none.pem"])
        .demand(3)
        .says(&["missing.pem", "none.pem"]);
    // Written past `platformctl`, by whoever can.
    let document = serde_json::json!({"chain": wrong.chain, "key": wrong.key}).to_string();
    etcd.ctl(&["put", "/platform/.certificates/uploaded/wrong", &document]).unwrap();
    etcd.ctl(&["put", "/platform/.certificates/uploaded/damaged", "{"]).unwrap();
    wait_for("the controller's word", || {
        let log = mesh.log("controller");
        log.contains("`uploaded/wrong` is not given to routers: the key is not that of the chain's first certificate")
            && log.contains("`uploaded/damaged` is not given to routers: its document in etcd is damaged")
    });
    let parts = [
        "NAME     SOURCE    ENDS        HOSTS\n",
        "shop     uploaded  20",
        "  shop.example.org,second.example.org\n",
        "wrong    uploaded  -           -\n    the key is not that of the certificate\n",
        "damaged  uploaded  -           -\n    its document in etcd is damaged\n",
    ];
    let listed = printed(etcd.platformctl(&["certs", "list"]), &parts);
    assert!(!listed.contains("PRIVATE"), "{listed}");

    // Routes go on changing, and routers take them: nothing that they were given stopped them.
    mesh.swarm.set(&[App::new("hello", &[HOST, SHOP, "www.example.org", "new.example.test"], mesh.task_port)]);
    wait_for("a new route", || serves(&mesh, "new.example.test", "here"));

    // An etcd that does not answer takes nothing away, and a controller that knows no certificates gives nothing out.
    etcd.pause();
    wait_for("the controller to notice", || {
        mesh.log("controller").contains("routers keep the certificates that they have")
    });
    wait_for("the certificate all the same", || is_trusted(&mesh, root, SHOP));
    mesh.kill_controller();
    mesh.start_controller();
    wait_for("its word", || {
        ask(mesh.controller, &get("c", "/routes.json")).is_ok_and(|answer| {
            answer.status == 503 && answer.body.contains("certificates were not read from etcd yet")
        })
    });
    wait_for("the certificate still", || is_trusted(&mesh, root, SHOP));
    etcd.go_on();

    etcd.platformctl(&["certs", "rm", "shpo"])
        .demand(3)
        .says(&["there is no certificate `shpo`; did you mean `shop`?"]);
    printed(etcd.platformctl(&["certs", "rm", "shop"]), &["certificate shop removed"]);
    shows(SHOP, &["*.example.org"]);
    let log = mesh.log("controller") + &mesh.log("router");
    assert!(!log.contains("PRIVATE KEY") && !log.contains("refused"), "{log}");
}
