//! The bundle's router as it ships: the real Caddy with the bundle's own configuration, the real controller, a swarm that is
//! played by a Docker socket and a resolver, and tasks that are real servers on addresses of this machine.

mod acme;
pub(crate) mod authority;
mod backend;
mod client;
pub(crate) mod etcd;
mod fairness;
mod frozen;
mod mesh;
mod pebble;
mod swarm;
mod tls;

use std::time::{Duration, Instant};

use controller::caddy::Base;
use controller::site;
use routing::{LabelPrefix, MOST_BODY_BYTES, Rules};

use crate::golden::assert_golden;
use crate::sandbox::wait_for;
pub(crate) use authority::{Authority, Pair};
use backend::{Backend, Manners};
pub(crate) use client::ask_verified;
use client::{Answer, ask, ask_tls};
use mesh::{Mesh, PREFIX, RouterSettings, base_text};
pub(crate) use mesh::{Resolver, caddy};
pub(crate) use pebble::Pebble;
use swarm::App;

const HOST: &str = "hello.example.test";

pub(crate) fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

/// What a request for `HOST` is answered, retried by nobody but the router.
fn page(mesh: &Mesh, host: &str) -> (u16, String) {
    let Answer { status, body, .. } = ask(mesh.web, &get(host, "/")).expect("the router answers");
    (status, body)
}

fn serves(mesh: &Mesh, host: &str, body: &str) -> bool {
    ask(mesh.web, &get(host, "/")).is_ok_and(|answer| answer.status == 200 && answer.body.starts_with(body))
}

/// A router that serves one app with one task.
fn with_one_app(settings: RouterSettings) -> (Mesh, Backend) {
    let mut mesh = Mesh::new(settings);
    let backend = Backend::start(mesh.task_address(2), Manners::Good("here"));
    mesh.swarm.set(&[App::new("hello", &[HOST], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[backend.ip()]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the route", || serves(&mesh, HOST, "here"));
    (mesh, backend)
}

#[test]
fn what_routers_get_of_the_swarm() {
    let rules = Rules {
        response_seconds: Some(30),
        body_bytes: Some(1 << 20),
        allow: vec!["10.0.0.0/8".parse().unwrap()],
        maintenance: false,
        https_only: true,
    };
    let apps = [
        App::new("hello", &["hello.example.test", "www.example.test"], 8000),
        App { replicas: 0, ..App::new("stopped", &["stopped.example.test"], 80) },
        App { rules, ..App::new("strict", &["strict.example.test"], 80) },
        App {
            rules: Rules { maintenance: true, ..Rules::default() },
            ..App::new("mended", &["mended.example.test"], 80)
        },
    ];
    let services: Vec<bollard::models::Service> =
        serde_json::from_value(apps.iter().map(App::service).collect()).expect("services as Docker has them");
    let prefix: LabelPrefix = PREFIX.parse().unwrap();
    let found = site::read(&services, &prefix);
    assert_eq!(found.mistakes, Vec::<String>::new());
    let base = Base::read(&base_text(RouterSettings::Plain)).expect("the bundle's configuration has a place for apps");
    let routes = base.with(&found.sites, &[], &[])["apps"]["http"]["servers"]["apps"]["routes"].clone();
    assert_golden("router-routes.json", &(serde_json::to_string_pretty(&routes).unwrap() + "\n"));
}

/// The whole life of routes: none, some, others, and what is left of them when everybody who knows them is gone.
#[test]
fn routes_follow_the_swarm_and_outlive_the_controller() {
    let mut mesh = Mesh::new(RouterSettings::Plain);
    mesh.start_router();
    // On its very first start, nobody tells a router anything.
    wait_for("the router", || ask(mesh.web, &get("any", "/health-check")).is_ok_and(|answer| answer.status == 200));
    assert_eq!(page(&mesh, HOST), (404, "No app has this name.\n".into()));
    // It makes itself a certificate meanwhile.
    wait_for("the router's own certificate", || {
        ask_tls(mesh.secure, "any.example.test", &get("any.example.test", "/"))
            .is_ok_and(|shown| (shown.answer.status, shown.names) == (404, vec!["router.invalid".to_owned()]))
    });

    let first = Backend::start(mesh.task_address(2), Manners::Good("first"));
    mesh.swarm.set(&[App::new("hello", &[HOST], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[first.ip()]);
    mesh.start_controller();
    wait_for("the route", || serves(&mesh, HOST, "first"));
    assert_eq!(page(&mesh, "unknown.example.test").0, 404);

    assert_eq!(mesh.ask_controller("/health"), (true, "services are followed\n".to_owned()));
    let asked = mesh.ask_controller("/routers").1;
    let mut lines = asked.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("up ")), "{asked}");
    assert!(lines.next().is_some_and(|line| line.starts_with("127.0.0.1 ")), "{asked}");

    // A change, as people see it.
    let mut longest = Duration::ZERO;
    for number in 0..5 {
        let host = format!("change-{number}.example.test");
        let started = Instant::now();
        mesh.swarm.set(&[App::new("hello", &[HOST, &host], mesh.task_port)]);
        wait_for("the change", || serves(&mesh, &host, "first"));
        longest = longest.max(started.elapsed());
    }
    eprintln!("longest time until a changed route was served, of 5: {:.2} s", longest.as_secs_f64());
    assert!(longest < Duration::from_secs(30), "a changed route was served after {longest:?}");

    // A swarm without a leader says nothing, and nothing changes.
    mesh.swarm.lose_leader();
    wait_for("the controller to notice", || {
        ask(mesh.controller, &get("c", "/routes.json")).is_ok_and(|answer| answer.status == 503)
            && mesh.log("controller").contains("The swarm does not have a leader")
    });
    let (is_well, told) = mesh.ask_controller("/health");
    assert!(!is_well && told.contains("503") && told.contains("The swarm does not have a leader"), "{told}");
    assert_eq!(page(&mesh, HOST), (200, "first\n".into()));
    mesh.swarm
        .set(&[App::new("hello", &[HOST], mesh.task_port), App::new("late", &["late.example.test"], mesh.task_port)]);
    mesh.resolver.set("tasks.app-late", &[first.ip()]);
    wait_for("the controller to read again", || serves(&mesh, "late.example.test", "first"));

    // Nobody tells routers anything any more; tasks move all the same.
    mesh.kill_controller();
    let second = Backend::start(mesh.task_address(3), Manners::Good("second"));
    mesh.resolver.set("tasks.app-hello", &[second.ip()]);
    drop(first);
    wait_for("the task that came instead", || serves(&mesh, HOST, "second"));
    mesh.kill_router();
    mesh.start_router();
    wait_for("the routes of before the restart", || serves(&mesh, HOST, "second"));
    assert_eq!(page(&mesh, "unknown.example.test").0, 404);

    // What a power cut left of them cannot be used, and keeps no router down.
    mesh.kill_router();
    mesh.damage_kept_routes();
    mesh.start_router();
    wait_for("the router", || ask(mesh.web, &get("any", "/health-check")).is_ok_and(|answer| answer.status == 200));
    assert_eq!(page(&mesh, HOST).0, 404);
    mesh.start_controller();
    wait_for("the route", || serves(&mesh, HOST, "second"));
}

/// With two tasks and one of them gone wrong, nobody notices; what changes something is never sent twice.
#[test]
fn a_task_that_dies_is_asked_no_more() {
    let mut mesh = Mesh::new(RouterSettings::Plain);
    let good = Backend::start(mesh.task_address(2), Manners::Good("good"));
    let breaking = Backend::start(mesh.task_address(3), Manners::BreaksOff);
    mesh.swarm.set(&[App::new("hello", &[HOST], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[good.ip(), breaking.ip()]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the route", || serves(&mesh, HOST, "good"));

    // It takes a request and ends: the next one is asked, and it is not asked again for a while.
    wait_for("the task that breaks off to be asked", || {
        assert_eq!(page(&mesh, HOST), (200, "good\n".into()));
        breaking.requests() > 0
    });
    let post = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
    // Each went to the next task, once.
    let (served, asked) = (good.requests_of("GET"), breaking.requests_of("GET"));
    for _ in 0..20 {
        assert_eq!(page(&mesh, HOST), (200, "good\n".into()));
    }
    let lost = breaking.requests_of("GET") - asked;
    assert!(lost <= 20 && good.requests_of("GET") - served == 20, "{lost} of 20 were sent twice");
    let before = (good.requests_of("POST"), breaking.requests_of("POST"));
    let mut refused = 0;
    for _ in 0..20 {
        let status = ask(mesh.web, &post).unwrap().status;
        assert!(status == 200 || status == 502, "{status}");
        refused += usize::from(status == 502);
    }
    let (served, lost) = (good.requests_of("POST") - before.0, breaking.requests_of("POST") - before.1);
    assert_eq!((served + lost, lost), (20, refused), "each was sent once");

    // Its port is closed: nothing arrived there, so everything may be sent to the next.
    drop(breaking);
    for _ in 0..40 {
        assert_eq!(page(&mesh, HOST).0, 200);
        assert_eq!(ask(mesh.web, &post).unwrap().status, 200);
    }
}

#[test]
fn pages_tell_why_an_app_does_not_answer() {
    let mut mesh = Mesh::new(RouterSettings::Plain);
    let backend = Backend::start(mesh.task_address(2), Manners::Good("here"));
    let slow = Backend::start(mesh.task_address(3), Manners::Silent);
    let app = |name: &str| App::new(name, &[&format!("{name}.example.test")], mesh.task_port);
    let ruled = |name: &str, rules: Rules| App { rules, ..app(name) };
    mesh.swarm.set(&[
        app("fine"),
        app("empty"),
        // The longest and the largest that is taken; a router that refused its configuration would serve none of these.
        ruled(
            "xn--bcher-kva",
            Rules { body_bytes: Some(MOST_BODY_BYTES), response_seconds: Some(u32::MAX), ..Rules::default() },
        ),
        app(&"a".repeat(63)),
        App { replicas: 0, ..app("stopped") },
        ruled("mended", Rules { maintenance: true, ..Rules::default() }),
        ruled("private", Rules { allow: vec!["192.0.2.0/24".parse().unwrap()], ..Rules::default() }),
        ruled("friends", Rules { allow: vec!["127.0.0.0/8".parse().unwrap()], ..Rules::default() }),
        ruled("small", Rules { body_bytes: Some(10), ..Rules::default() }),
        ruled("secure", Rules { https_only: true, ..Rules::default() }),
        // Shorter than all tries of a request together.
        ruled("slow", Rules { response_seconds: Some(1), ..Rules::default() }),
    ]);
    for name in ["fine", "stopped", "mended", "private", "friends", "small", "secure"] {
        mesh.resolver.set(&format!("tasks.app-{name}"), &[backend.ip()]);
    }
    mesh.resolver.set("tasks.app-slow", &[slow.ip()]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the routes", || serves(&mesh, "fine.example.test", "here"));
    for (name, status, body) in [
        ("unknown", 404, "No app has this name."),
        ("empty", 503, "No process of this app answers."),
        ("stopped", 503, "This app is switched off"),
        ("mended", 503, "This app is being worked on."),
        ("private", 403, "This address may not ask this app."),
        ("friends", 200, "here"),
        ("small", 200, "here"),
        ("slow", 504, "504"),
    ] {
        let found = page(&mesh, &format!("{name}.example.test"));
        assert!(found.0 == status && found.1.starts_with(body), "{name}: {found:?}");
    }
    assert_eq!(slow.requests(), 1, "who is slow is not asked again");
    let large =
        "POST / HTTP/1.1\r\nHost: small.example.test\r\nConnection: close\r\nContent-Length: 11\r\n\r\n12345678901";
    assert_eq!(ask(mesh.web, large).unwrap().status, 413);
    let moved = ask(mesh.web, &get("secure.example.test", "/a?b=c")).unwrap();
    assert_eq!((moved.status, moved.header("location")), (308, Some("https://secure.example.test/a?b=c")));
    let secure = ask_tls(mesh.secure, "secure.example.test", &get("secure.example.test", "/")).unwrap();
    assert_eq!(secure.answer.status, 200);
}

#[test]
fn tls_websockets_and_large_bodies_pass() {
    const GIB: usize = 1 << 30;
    let (mesh, _backend) = with_one_app(RouterSettings::WithCertificate);

    // The one certificate that there is, for whatever name is asked for.
    for name in [HOST, "other.example.org"] {
        let shown = ask_tls(mesh.secure, name, &get(HOST, "/")).unwrap();
        assert_eq!((shown.answer.status, shown.names), (200, vec!["*.example.test".to_owned()]), "{name}");
    }
    assert_eq!(client::protocol(mesh.secure, HOST).as_deref(), Some("h2"));

    // What the app learns of who asks; what a client claims does not count.
    let claim = format!(
        "GET /headers HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n\
         X-Forwarded-Host: bank.example\r\nX-Forwarded-Proto: gopher\r\nConnection: close, X-Forwarded-For\r\n\r\n"
    );
    let plain = ask(mesh.web, &claim).unwrap().body.to_lowercase();
    let secure = ask_tls(mesh.secure, HOST, &claim).unwrap().answer.body.to_lowercase();
    for (found, protocol) in [(plain, "http"), (secure, "https")] {
        for line in [
            "x-forwarded-for: 127.0.0.1".to_owned(),
            format!("x-forwarded-host: {HOST}"),
            format!("x-forwarded-proto: {protocol}"),
            format!("host: {HOST}"),
        ] {
            assert!(found.lines().any(|found| found == line), "`{line}` is missing in\n{found}");
        }
        for claimed in ["192.0.2.", "bank.example", "gopher"] {
            assert!(!found.contains(claimed), "`{claimed}` is what the client claims\n{found}");
        }
    }

    // A conversation outlives a change of routes.
    let mut conversation = client::WebSocket::open(mesh.web, HOST);
    assert_eq!(conversation.echo("one"), "one");
    mesh.swarm.set(&[App::new("hello", &[HOST, "new.example.test"], mesh.task_port)]);
    wait_for("the change", || serves(&mesh, "new.example.test", "here"));
    assert_eq!(conversation.echo("two"), "two");

    // Bodies go through; the router keeps a small part of them at a time.
    let answer = client::upload(mesh.web, HOST, GIB);
    assert_eq!((answer.status, answer.body.trim()), (200, GIB.to_string().as_str()));
    assert_eq!(client::download(mesh.web, HOST, &format!("/bytes/{GIB}")), 1 << 30);
    let peak = mesh.router_peak_bytes();
    assert!(peak < 256 << 20, "the router took {} MiB", peak >> 20);
}

/// The load balancer turns away before connections are refused.
#[test]
fn a_router_that_ends_says_so_first() {
    let (mut mesh, _backend) = with_one_app(RouterSettings::Plain);
    let health = |address| ask(address, &get("any", "/health-check")).map(|answer| answer.status);
    assert_eq!((health(mesh.web).unwrap(), health(mesh.health).unwrap()), (200, 200));
    let running = client::HalfUpload::begin(mesh.web, HOST);
    mesh.end_router();
    wait_for("the health check to turn", || health(mesh.web).is_ok_and(|status| status == 503));
    assert_eq!(health(mesh.health).unwrap(), 503);
    assert_eq!(page(&mesh, HOST), (200, "here\n".into()));
    wait_for("the router to take no more requests", || health(mesh.web).is_err());
    let answer = running.finish();
    assert_eq!((answer.status, answer.body.trim()), (200, "8"), "what runs is finished");
    assert_eq!(mesh.router_ended(), Some(0));
    assert!(health(mesh.web).is_err());
}

/// The controller's program holds no OpenSSL: it is linked statically, alone in its image.
#[test]
fn the_controller_needs_no_openssl() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--package",
            "platform-controller",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let tree = String::from_utf8(tree.stdout).expect("text");
    assert!(tree.starts_with("platform-controller "), "{tree}");
    let found: Vec<&str> = tree.lines().filter(|line| line.contains("openssl")).collect();
    assert_eq!(found, Vec::<&str>::new());
}
