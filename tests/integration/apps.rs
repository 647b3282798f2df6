//! Apps: what the swarm gets of their releases, what the command line refuses, and their whole way on a prepared cluster.

use std::process::Stdio;

use platform::apps::{App, ConfigChange, Content, ImageOptions, Source, render};
use platform::bundle::Bundle;
use serde_json::{Value, json};

use crate::golden::assert_golden;
use crate::images::image_archives;
use crate::load::{Get, Load};
use crate::sandbox::{Sandbox, platformctl, wait_for};

/// The platform's domain in the walk.
const DOMAIN: &str = "example.test";
/// Seconds: emulated machines that share a busy host are slow.
const TIMEOUT: &str = "1800";
const COMPOSE: &str = "\
services:
  web:
    image: hello:${VERSION:-1}
    expose: [8000]
    environment: [VERSION]
  worker:
    image: worker:1
    environment:
      GREETING: ${GREETING}
    volumes: ['pieces:/pieces']
volumes:
  pieces: {}
";

fn rendered(app: &App, content: &Content) -> String {
    let reached = Bundle::shipped_named("platform").and_then(|bundle| bundle.apps).expect("a bundle with a router");
    let rendered = render(app, 3, content, &reached).unwrap();
    let services: serde_json::Map<String, Value> =
        rendered.services.iter().map(|service| (service.component.clone(), json!(service.spec))).collect();
    serde_json::to_string_pretty(&json!({"services": services, "networks": rendered.networks})).unwrap() + "\n"
}

#[test]
fn what_the_swarm_gets_of_a_release() {
    let domains = ["hello.example.test", "www.example.test"].map(|domain| domain.parse().unwrap());
    let mut app = App::new("hello".parse().unwrap(), "2026-01-02T03:04:05Z".into(), domains.into());
    let change = ConfigChange::new().set("GREETING", "hi=there").unwrap().set("VERSION", "2").unwrap();
    let options =
        ImageOptions { health: Some("/health".into()), memory_bytes: Some(64 << 20), nano_cpus: Some(500_000_000) };
    let mut content = Content {
        source: Source::Image { image: "registry/hello:1".into(), options },
        images: [("registry/hello:1".to_owned(), "127.0.0.1:5000/hello:1@sha256:00".to_owned())].into(),
        config: app.config.changed(&change).unwrap(),
        public: "web".into(),
        port: 8000,
    };
    app.scale.insert("web".into(), 2);
    assert_golden("app-image.json", &rendered(&app, &content));

    let (file, text) = ("compose.yaml".to_owned(), COMPOSE.to_owned());
    content.source = Source::Compose { file, text, public: None, port: None };
    content.images = [("hello:2".to_owned(), "sha256:11".to_owned())].into();
    app.volumes.insert("pieces".into(), "mycluster-coreos-1".into());
    assert_golden("app-compose.json", &rendered(&app, &content));
}

/// What is wrong with the words of a command is told before anything is connected to.
#[test]
fn mistakes_cost_no_connection() {
    let sandbox = Sandbox::without_emulator();
    let file = sandbox.path("wrong.yaml");
    std::fs::write(&file, "services:\n  web: {image: a, ports: ['80/udp']}\n  db: {build: .}\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, status, said) in [
        (vec!["deploy", "hello", "--compose", file], 3, "`wrong.yaml` line 3: `services.db"),
        (vec!["create", "Hello"], 2, "no name of an app"),
        (vec!["create", "registry"], 2, "reserved"),
        (vec!["create", "hello", "--domain", "a..b"], 2, "no domain"),
        (vec!["deploy", "hello"], 2, "--image"),
        (vec!["deploy", "hello", "--image", "a", "--compose", "b"], 2, "cannot be used with"),
        (vec!["deploy", "hello", "--image", "a", "--port", "0"], 2, "--port"),
        (vec!["deploy", "hello", "--image", "a", "--health", "x"], 2, "/health"),
        (vec!["deploy", "hello", "--compose", "missing.yaml"], 2, "reading `missing.yaml`"),
        (vec!["deploy", "hello", "--image", "a", "--archive", "missing.tar"], 3, "missing.tar"),
        (vec!["config", "hello", "set", "1A=x"], 3, "`1A` is no name of a variable"),
        (vec!["config", "hello", "set", "PORT=80"], 3, "--port"),
        (vec!["config", "hello", "set", "A"], 3, "`A` is not KEY=VALUE"),
        (vec!["routing", "hello", "set", "timeout"], 3, "`timeout` is not KEY=VALUE"),
        (vec!["routing", "hello", "set", "timeout=soon"], 3, "`timeout` takes a duration from 1s"),
        (vec!["routing", "hello", "set", "timeout=30s", "timeout=31s"], 3, "`timeout` is given twice"),
        (vec!["routing", "hello", "set", "allows=10.0.0.0/8"], 3, "did you mean `allow`?"),
        (vec!["routing", "hello", "unset", "maintainance"], 3, "did you mean `maintenance`?"),
        (vec!["rollback", "hello", "v0"], 2, "a release is v1"),
        (vec!["destroy", "hello"], 2, "--confirm hello"),
        (vec!["destroy", "hello", "--confirm", "other"], 2, "not the app's name"),
    ] {
        let arguments = [&["apps"], arguments.as_slice()].concat();
        let ended = sandbox.platformctl(&arguments);
        assert_eq!(ended.status, Some(status), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
}

/// create, deploy, config, scale, logs, rollback, destroy, on the sandbox's only cluster, whose platform runs below
/// [`DOMAIN`]. All nodes have the images of the tests' apps afterwards.
pub(crate) fn walk(sandbox: &Sandbox, get: &Get<'_>) {
    let hello = format!("hello.{DOMAIN}");
    let hello = hello.as_str();
    let apps = |arguments: &[&str]| sandbox.platformctl(&[&["apps"], arguments].concat());
    let page = || get(hello, "/").map(|(_, body)| body).unwrap_or_default();
    let archive = image_archives().join("apps.tar").display().to_string();

    let created = apps(&["create", "hello", "-o", "json"]).demand(0).json();
    assert_eq!(created["urls"], json!([format!("http://{hello}")]));
    apps(&["create", "hello"]).demand(0).says(&["exists already"]);
    apps(&["create", "other", "--domain", hello]).demand(3).says(&["leads to app `hello`"]);
    apps(&["info", "helo"]).demand(3).says(&["did you mean `hello`?", "platformctl apps create helo"]);
    apps(&["config", "hello", "set", "GREETING=hi=there"]).demand(0);
    apps(&["deploy", "hello", "--image", "nowhere:1"]).demand(8).says(&["image `nowhere:1`", "--archive"]);
    assert_eq!(apps(&["releases", "hello", "-o", "json"]).demand(0).json(), json!([]), "nothing was changed");

    let deploy = ["deploy", "hello", "--archive", &archive, "--timeout", TIMEOUT, "--image"];
    apps(&[&deploy[..], &["hello:1"]].concat()).demand(0).says(&["v1, deployed hello:1"]);
    wait_for("the router to find the app", || page().starts_with("hello 1\n"));
    assert!(page().contains("GREETING: hi=there\n"), "{}", page());
    apps(&[&deploy[..], &["hello:1"]].concat()).demand(0).says(&["v1 is this already"]);

    // What was cut short goes on.
    let mut killed = sandbox.command(platformctl(), &[&["apps"], &deploy[..], &["hello:2"]].concat());
    let mut killed = killed.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the release to be recorded", || {
        apps(&["list", "-o", "json"]).demand(0).json()[0]["newest_state"] == "pending"
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    let load = Load::during("two releases follow", 1, get, (hello, "/"), || {
        apps(&[&deploy[..], &["hello:2"]].concat()).demand(0).says(&["v2 was begun and goes on"]);
        apps(&["config", "hello", "set", "GREETING=again", "--timeout", TIMEOUT]).demand(0);
    });
    load.demand_none_lost(10);
    wait_for("the new greeting", || page().contains("GREETING: again\n") && page().starts_with("hello 2\n"));
    assert_eq!(apps(&["config", "hello", "list"]).demand(0).stdout, "GREETING=again\n");

    // One that does not come up changes nothing.
    let broken = apps(&[&deploy[..], &["hello:broken"]].concat()).demand(8);
    broken.says(&["v4 of app `hello` does not run", "hello cannot go on", "v3 runs, as before"]);
    assert!(page().starts_with("hello 2\n"), "{}", page());

    apps(&["scale", "hello", "web=2", "--timeout", TIMEOUT]).demand(0);
    apps(&["scale", "hello", "wbe=2"]).demand(3).says(&["no service `wbe`"]);
    let info = apps(&["info", "hello", "-o", "json"]).demand(0).json();
    assert_eq!((&info["services"][0]["running"], &info["release"]), (&json!(2), &json!(3)));

    let logs = apps(&["logs", "hello", "-n", "all"]).demand(0).stdout;
    assert!(
        logs.lines().any(|line| line.starts_with("web.") && line.contains("| hello 2 listens on port 8000")),
        "{logs}"
    );
    apps(&["rollback", "hello", "v1", "--timeout", TIMEOUT]).demand(0).says(&["v5, rolled back to v1"]);
    wait_for("the old page", || page().starts_with("hello 1\n") && page().contains("GREETING: hi=there\n"));
    let releases = apps(&["releases", "hello", "-o", "json"]).demand(0).json();
    let states: Vec<&str> =
        releases.as_array().unwrap().iter().filter_map(|release| release["state"].as_str()).collect();
    assert_eq!(states, ["running", "failed", "replaced", "replaced", "replaced"]);

    services_together(sandbox, get);

    apps(&["destroy", "hello", "--confirm", "hello"]).demand(0);
    apps(&["destroy", "hello", "--confirm", "hello"]).demand(0);
    wait_for("the router to forget the app", || get(hello, "/").is_ok_and(|(status, _)| status == 404));
    assert_eq!(apps(&["list", "-o", "json"]).demand(0).json(), json!([]));
}

/// An app of two services from a Compose file; their images are on the nodes already.
fn services_together(sandbox: &Sandbox, get: &Get<'_>) {
    let apps = |arguments: &[&str]| sandbox.platformctl(&[&["apps"], arguments].concat());
    let file = sandbox.path("compose.yaml");
    std::fs::write(&file, COMPOSE).unwrap();
    let deploy = ["deploy", "shop", "--compose", file.to_str().unwrap(), "--timeout", TIMEOUT];
    apps(&["create", "shop"]).demand(0);
    apps(&deploy)
        .demand(3)
        .says(&["variable `VERSION` is not set", "platformctl apps config shop set GREETING=… VERSION=…"]);
    apps(&["config", "shop", "set", "GREETING=hi", "VERSION=2"]).demand(0);
    apps(&deploy).demand(0).says(&["volume pieces is on"]);
    let host = format!("shop.{DOMAIN}");
    wait_for("the router to find the app", || get(&host, "/").is_ok_and(|(_, body)| body.starts_with("hello 2\n")));
    let info = apps(&["info", "shop", "-o", "json"]).demand(0).json();
    let node = info["volumes"]["pieces"].as_str().unwrap();
    let worker = info["processes"].as_array().unwrap().iter().find(|process| process["service"] == "worker").unwrap();
    assert_eq!(worker["machine"], node);
    wait_for("the worker's lines", || {
        apps(&["logs", "shop", "--service", "worker"]).demand(0).stdout.contains("worker.1| worker did piece 1")
    });
    let gone = apps(&["destroy", "shop", "--yes", "-o", "json"]).demand(0).json();
    assert_eq!(gone["removed"]["volumes"], json!([format!("app-shop_pieces on {node}")]));
}
