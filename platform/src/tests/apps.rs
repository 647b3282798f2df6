//! Faults of what is done with apps.

use std::time::Duration;

use super::engine::Engine;
use super::faults::{Outcome, done, every_fault};
use super::lifecycle::started;
use crate::Platform;
use crate::apps::{AppName, Apps, ConfigChange, Deployment, ImageOptions, Source, Wait};
use report::{Failure, Reporter};

const WAIT: Wait = Wait::AtMost(Duration::from_secs(120));

/// Two services, one of them with a volume and a config, on a network of their own.
const COMPOSE: &str = "\
services:
  web:
    image: shop:1
    ports: ['8000']
    depends_on: [store]
  store:
    image: store:1
    volumes: ['data:/data']
    configs: [{source: settings, target: /settings}]
volumes: {data: {}}
configs:
  settings: {content: 'fast'}
";

fn name() -> AppName {
    "shop".parse().expect("a name")
}

fn apps(platform: &Platform, reporter: &Reporter) -> Apps {
    Apps::new(platform.clone(), reporter.clone())
}

async fn create(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    apps(platform, reporter).create(&name(), &[]).await.map(drop)
}

async fn deploy(platform: &Platform, reporter: &Reporter, source: Source) -> Result<(), Failure> {
    let deployment = Deployment { source, port: Some(8000), archive: None, wait: WAIT };
    apps(platform, reporter).deploy(&name(), &deployment).await.map(drop)
}

fn image(image: &str) -> Source {
    Source::Image { image: image.into(), options: ImageOptions::default() }
}

fn compose(text: &str) -> Source {
    Source::Compose { file: "compose.yaml".into(), text: text.into(), public: Some("web".into()), port: Some(8000) }
}

async fn created() -> Engine {
    done(started().await, async |platform: &Platform, reporter: &Reporter| create(platform, reporter).await).await
}

/// An app that runs `hello:1`.
async fn running() -> Engine {
    done(created().await, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, image("hello:1")).await
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn create_apps() {
    every_fault(&started().await, Outcome::Succeeds, create).await;
}

#[tokio::test(start_paused = true)]
async fn deploy_images() {
    every_fault(&created().await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, image("hello:1")).await
    })
    .await;
    every_fault(&running().await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, image("hello:2")).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deploy_what_does_not_run() {
    let mut running = running().await;
    running.broken.insert("hello:2".into());
    every_fault(&running, Outcome::GoesBack, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, image("hello:2")).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deploy_compose_files() {
    let created = created().await;
    every_fault(&created, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, compose(COMPOSE)).await
    })
    .await;
    let engine = done(created, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, compose(COMPOSE)).await
    });
    let changed = COMPOSE.replace("fast", "safe").replace("shop:1", "shop:2");
    every_fault(&engine.await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, compose(&changed)).await
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn config_set_and_unset() {
    every_fault(&running().await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        let change = ConfigChange::new().set("COLOR", "blue").expect("a name");
        apps(platform, reporter).configure(&name(), &change, WAIT).await.map(drop)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn scale_and_restart() {
    let running = running().await;
    for count in ["3", "0"] {
        every_fault(&running, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
            apps(platform, reporter).scale(&name(), &[count.to_owned()], WAIT).await.map(drop)
        })
        .await;
    }
    every_fault(&running, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        apps(platform, reporter).restart(&name(), &[], WAIT).await.map(drop)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rollback() {
    let engine = done(running().await, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, image("hello:2")).await
    });
    let engine = engine.await;
    for version in [Some(1), None] {
        every_fault(&engine, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
            apps(platform, reporter).roll_back(&name(), version, WAIT).await.map(drop)
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn destroy() {
    let engine = done(created().await, async |platform: &Platform, reporter: &Reporter| {
        deploy(platform, reporter, compose(COMPOSE)).await
    });
    every_fault(&engine.await, Outcome::Succeeds, async |platform: &Platform, reporter: &Reporter| {
        apps(platform, reporter).destroy(&name()).await.map(drop)
    })
    .await;
}
