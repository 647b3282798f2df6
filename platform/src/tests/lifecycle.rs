//! Faults of what is done with a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::engine::Engine;
use super::faults::{Outcome, done, every_fault, refused};
use crate::Platform;
use crate::bundle::Bundle;
use crate::lifecycle::{self, Selection};
use crate::settings::{Assignment, Settings};
use crate::swarm::{Departure, Swarm};
use report::{Failure, Reporter};

/// The bundle as it is read once.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle(&[]));

const MANIFEST: &str = "\
name: platform
version: 1.0.0
description: Routers and a registry
ports:
- {name: web, port: 80, probe: {http: /health-check}}
apps: {network: router, labels: platform.route}
subsystems:
- name: Storage
  components:
  - {name: store, kind: host, health: etcd-quorum}
- name: Control plane
  components:
  - {name: registry, scalable: true, health: {http: {port: 5000, path: /v2/}}, deadline_seconds: 60}
- name: Router mesh
  components:
  - {name: router, health: {http: {port: 80, path: /health-check}}, deadline_seconds: 60}
settings:
  platform:
    domain: {type: domain, required: true, help: Apps are reached below it, example: example.com}
  registry:
    key: {type: secret, required: true, help: Key of its storage}
    mode: {type: choice, choices: [fast, safe], default: fast, help: Of writing}
";

const STACK: &str = "\
services:
  registry:
    image: registry:1
    secrets: [registry.key]
    configs: [{source: registry, target: /config.yml}]
    volumes: [registry:/var/lib/registry]
    networks: [registry]
    ports: ['5000:5000']
    environment: {MODE: {{ registry.mode }}}
    deploy: {placement: {constraints: [node.labels.controlPlane == true]}, update_config: {order: stop-first}}
  router:
    image: router:1
    networks: [router]
    ports: [{target: 80, published: 80, mode: host}]
    environment: {DOMAIN: {{ platform.domain }}}
    deploy:
      mode: global
      placement: {constraints: [node.labels.routerMesh == true]}
      update_config: {order: stop-first, failure_action: rollback}
networks:
  registry: {}
  router: {attachable: true}
volumes: {registry: {}}
secrets:
  registry.key: {external: true}
configs:
  registry: {content: 'mode={{ registry.mode }}'}
";

/// The bundle with parts of its files replaced.
fn bundle(changes: &[(&str, &str)]) -> Bundle {
    let changed = |text: &str| changes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let files = [("platform.yaml", changed(MANIFEST)), ("stack.yaml", changed(STACK))];
    let files: BTreeMap<String, String> = files.map(|(name, text)| (name.to_owned(), text)).into();
    Bundle::from_files(files, "bundle").unwrap_or_else(|problems| panic!("{problems}"))
}

fn everything() -> Selection {
    ["store", "registry", "router"].map(str::to_owned).into()
}

fn assignment(key: &str, value: &str) -> Assignment {
    Assignment { key: key.into(), value: value.into() }
}

/// What `config` does, the swarm that secrets need included.
async fn configure(
    platform: &Platform,
    reporter: &Reporter,
    target: &str,
    pairs: &[(&str, &str)],
) -> Result<(), Failure> {
    let schema = &BUNDLE.settings;
    if pairs.iter().any(|(key, _)| schema.is_secret(target, key)) {
        lifecycle::need_swarm(platform, reporter).await?;
    }
    let assignments: Vec<Assignment> = pairs.iter().map(|(key, value)| assignment(key, value)).collect();
    Settings::new(platform).set(schema, target, &assignments).await
}

async fn install(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    let installed = platform.installation().await?;
    lifecycle::install(platform, installed.as_ref(), &BUNDLE, &everything(), &[], reporter).await.map(drop)
}

async fn start(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    let installation = platform.require_installation().await?;
    lifecycle::start(platform, &installation, &everything(), reporter).await
}

async fn configured() -> Engine {
    let engine = done(Engine::new(3), async |platform: &Platform, reporter: &Reporter| {
        configure(platform, reporter, "platform", &[("domain", "example.com")]).await
    });
    done(engine.await, async |platform: &Platform, reporter: &Reporter| {
        configure(platform, reporter, "registry", &[("key", "first")]).await
    })
    .await
}

async fn installed() -> Engine {
    done(configured().await, async |platform: &Platform, reporter: &Reporter| install(platform, reporter).await).await
}

/// A platform that runs.
pub(super) async fn started() -> Engine {
    done(installed().await, async |platform: &Platform, reporter: &Reporter| start(platform, reporter).await).await
}

#[tokio::test(start_paused = true)]
async fn scale() {
    every_fault(&started().await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        let installation = platform.require_installation().await?;
        lifecycle::scale(platform, &installation, &["registry=2".parse().expect("a scale")], reporter).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn config_set() {
    // The first secret forms the swarm; one that is replaced is used by a service.
    every_fault(&Engine::new(3), Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        configure(platform, reporter, "registry", &[("key", "first"), ("mode", "safe")]).await
    })
    .await;
    every_fault(&started().await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        configure(platform, reporter, "registry", &[("key", "second"), ("mode", "safe")]).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn install_and_install_again() {
    every_fault(&configured().await, Outcome::Succeeds, install).await;
    // Over what runs, with other settings.
    let changed = done(started().await, async |platform: &Platform, reporter: &Reporter| {
        configure(platform, reporter, "registry", &[("key", "second"), ("mode", "safe")]).await
    });
    every_fault(&changed.await, Outcome::Succeeds, install).await;
}

#[tokio::test(start_paused = true)]
async fn install_what_does_not_run() {
    let mut engine = started().await;
    engine.broken.insert("registry:2".into());
    let broken = bundle(&[("registry:1\n", "registry:2\n")]);
    every_fault(&engine, Outcome::Fails, async |platform: &Platform, reporter: &Reporter| {
        let installed = platform.installation().await?;
        lifecycle::install(platform, installed.as_ref(), &broken, &everything(), &[], reporter).await.map(drop)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn start_and_stop() {
    every_fault(&installed().await, Outcome::Succeeds, start).await;
    let started = started().await;
    every_fault(&started, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        lifecycle::stop(platform, &BUNDLE, &everything(), reporter).await
    })
    .await;
    every_fault(&started, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        let installation = platform.require_installation().await?;
        lifecycle::stop(platform, &installation.bundle, &everything(), reporter).await?;
        lifecycle::start(platform, &installation, &everything(), reporter).await
    })
    .await;
}

const NEWER: [(&str, &str); 3] =
    [("version: 1.0.0", "version: 1.1.0"), ("registry:1\n", "registry:2\n"), ("mode=", "way=")];

#[tokio::test(start_paused = true)]
async fn upgrade() {
    let started = started().await;
    let good = bundle(&NEWER);
    every_fault(&started, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        let installation = platform.require_installation().await?;
        lifecycle::upgrade(platform, &installation, &good, &[], reporter).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn upgrade_that_goes_back() {
    let mut started = started().await;
    started.broken.insert("router:2".into());
    let broken = bundle(&[NEWER.as_slice(), &[("router:1\n", "router:2\n")]].concat());
    let back = every_fault(&started, Outcome::GoesBack, async |platform: &Platform, reporter: &Reporter| {
        let installation = platform.require_installation().await?;
        lifecycle::upgrade(platform, &installation, &broken, &[], reporter).await
    })
    .await;
    // That Docker took the router's change back by itself is no word on what runs again.
    done(back, start).await;
}

#[tokio::test(start_paused = true)]
async fn uninstall() {
    let uninstall = async |platform: &Platform, reporter: &Reporter| match platform.installation().await? {
        Some(installed) => lifecycle::uninstall(platform, &installed.bundle, &everything(), reporter).await,
        None => Ok(()),
    };
    let gone = every_fault(&started().await, Outcome::Succeeds, uninstall).await;
    // It can be installed again, and started.
    done(done(gone, install).await, start).await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_leave() {
    // The registry's volume is on one of them.
    let engine = started().await;
    let held = engine.nodes.iter().position(|node| !node.volumes.is_empty()).expect("a volume");
    for leaving in 0..3 {
        let name = format!("node-{leaving}");
        let after = every_fault(&engine, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
            let going: Vec<_> = platform.cluster.nodes().iter().filter(|node| node.name() == name).cloned().collect();
            let swarm = Swarm::new(platform.cluster.only(|node| node.name() != name));
            let lost = swarm.placed().await?.only_on(&going[0]).await?;
            assert_eq!(!lost.is_empty(), leaving == held, "{lost:?}");
            swarm.drain(&Departure { nodes: &going, lost, gives_up: false }, reporter).await?;
            swarm.forget(&going, reporter).await
        })
        .await;
        assert!(after.nodes[leaving].member.is_none());
        let routers = after.tasks.iter().filter(|task| task.spec["ContainerSpec"]["Image"] == "router:1");
        assert_eq!(routers.filter(|task| task.state == "running").count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_come() {
    let engine = started().await.with_one_more();
    let after = every_fault(&engine, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        platform.take_in_new_nodes(reporter).await
    })
    .await;
    assert_eq!(after.nodes[3].images, engine.nodes[0].images, "no registry was asked");
    let routers = after.tasks.iter().filter(|task| task.spec["ContainerSpec"]["Image"] == "router:1");
    assert_eq!(routers.filter(|task| task.state == "running").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn nodes_whose_tasks_find_no_place_do_not_leave() {
    let mut engine = started().await;
    let held = engine.nodes.iter().position(|node| !node.volumes.is_empty()).expect("a volume");
    let name = format!("node-{held}");
    // Where the registry's constraint holds there is no other node.
    for (_, node) in engine.nodes.iter_mut().enumerate().filter(|(index, _)| *index != held) {
        node.member.as_mut().expect("a member")["Labels"]["controlPlane"] = "false".into();
    }
    let before = engine.nodes[held].member.clone();
    let leave = async |gives_up: bool, platform: &Platform, reporter: &Reporter| {
        let going: Vec<_> = platform.cluster.nodes().iter().filter(|node| node.name() == name).cloned().collect();
        let swarm = Swarm::new(platform.cluster.only(|node| node.name() != name));
        swarm.drain(&Departure { nodes: &going, lost: BTreeSet::new(), gives_up }, reporter).await
    };
    let availability = |engine: &Engine| engine.nodes[held].member.as_ref().expect("a member")["Availability"].clone();
    // However often it is tried: what ran before it was drained counts, not what runs since.
    for _ in 0..2 {
        let command = async |platform: &Platform, reporter: &Reporter| leave(false, platform, reporter).await;
        let (after, said) = refused(engine, command).await;
        assert!(said.contains("after 600 s: `platform_registry` runs 0 of 1 tasks"), "{said}");
        assert_eq!(availability(&after), "drain");
        engine = after;
    }
    // It is to stay after all; or what finds no place is given up.
    let stays = async |platform: &Platform, reporter: &Reporter| platform.take_in_new_nodes(reporter).await;
    let stayed = done(engine.clone(), stays).await;
    assert_eq!(stayed.nodes[held].member, before);
    let command = async |platform: &Platform, reporter: &Reporter| leave(true, platform, reporter).await;
    assert_eq!(availability(&done(engine, command).await), "drain");
}
