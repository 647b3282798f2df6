//! A database's server in memory, and faults of the change of its password.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodes::ssh::Output;

use super::engine::{Engine, Object};
use super::faults::{Outcome, done, every_fault};
use crate::Platform;
use crate::bundle::Bundle;
use crate::database::{NewPassword, SALT_BYTES, change_password, verifier};
use crate::lifecycle::{self, Selection};
use crate::settings::{Assignment, Settings};
use report::{Failure, Reporter};

static BUNDLE: LazyLock<Bundle> = LazyLock::new(|| {
    let files = [("platform.yaml", MANIFEST), ("stack.yaml", STACK)];
    let files: BTreeMap<String, String> = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    Bundle::from_files(files, "bundle").unwrap_or_else(|problems| panic!("{problems}"))
});

const MANIFEST: &str = "\
name: platform
version: 1.0.0
description: A database
subsystems:
- name: Control plane
  components:
  - {name: database, deadline_seconds: 60}
settings:
  database:
    password: {type: secret, required: true, help: Of its user}
";
const STACK: &str = "\
services:
  database:
    image: postgres:1
    secrets: [database.password]
    networks: [database]
    deploy: {placement: {constraints: [node.labels.controlPlane == true]}}
networks: {database: {}}
secrets: {database.password: {external: true}}
";

impl Engine {
    /// What a node's shell says to questions about the database's container, and to the server in it.
    pub(super) fn database(&mut self, node: usize, command: &str, input: Option<&str>) -> Output {
        let said = |status, stdout: &str, stderr: &str| Output { status, stdout: stdout.into(), stderr: stderr.into() };
        let service = self.services.iter().find(|service| service.name() == "platform_database");
        let running = |task: &&super::tasks::Task| task.node == node && task.state == "running";
        let task = service.and_then(|service| {
            let mut tasks = self.tasks.iter().filter(|task| task.service == service.id);
            tasks.find(running)
        });
        let Some(container) = task.map(|task| hex::encode(&task.id)) else {
            return match command.starts_with("docker ps ") {
                true => said(0, "", ""),
                false => said(1, "", "Error response from daemon: No such container"),
            };
        };
        if command.starts_with("docker ps ") {
            return said(0, &format!("{container} platform platform_database\n"), "");
        }
        if !command.contains(&container) {
            return said(1, "", "Error response from daemon: No such container");
        }
        match input {
            None => said(0, "17.12 (Debian 17.12-0+deb13u1)\n7763635\n", ""),
            Some(statement) => {
                let kept = statement.strip_prefix("ALTER ROLE CURRENT_USER PASSWORD '");
                let kept = kept.and_then(|rest| rest.strip_suffix("';\n"));
                self.role = Some(kept.unwrap_or_else(|| panic!("not asked of a server: {statement}")).to_owned());
                said(0, "", "")
            }
        }
    }
}

/// Which of the secret's values is the password that a server keeps: the newest, an older one or none.
pub(super) fn password_of(role: &str, secrets: &BTreeMap<String, Object>) -> String {
    let salt = role.split([':', '$']).nth(2).and_then(|salt| STANDARD.decode(salt).ok());
    let salt: [u8; SALT_BYTES] = salt.and_then(|salt| salt.try_into().ok()).expect("a salt");
    let newest = secrets.iter().filter(|(name, _)| name.starts_with("database.password."));
    let newest = newest.max_by_key(|(_, object)| object.version).map(|(_, object)| &object.spec["Data"]);
    let password = newest.and_then(|data| STANDARD.decode(data.as_str()?).ok()).expect("a secret");
    let password = String::from_utf8(password).expect("text");
    match verifier(&password, salt).expect("a verifier") == role {
        true => "has the newest secret's value".into(),
        false => "has another password".into(),
    }
}

async fn running() -> Engine {
    let all: Selection = ["database".to_owned()].into();
    done(Engine::new(3), async |platform: &Platform, reporter: &Reporter| {
        lifecycle::need_swarm(platform, reporter).await?;
        let password = Assignment { key: "password".into(), value: "first".into() };
        Settings::new(platform).set(&BUNDLE.settings, "database", &[password]).await?;
        lifecycle::install(platform, None, &BUNDLE, &all, &[], reporter).await?;
        let installation = platform.require_installation().await?;
        lifecycle::start(platform, &installation, &all, reporter).await
    })
    .await
}

async fn change(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    let installation = platform.require_installation().await?;
    let password = NewPassword::given("second").expect("a password");
    change_password(platform, &installation, &password, reporter).await
}

#[tokio::test(start_paused = true)]
async fn password() {
    let changed = every_fault(&running().await, Outcome::Succeeds, change).await;
    let role = changed.role.as_deref().expect("it was set");
    assert_eq!(password_of(role, &changed.secrets), "has the newest secret's value");
}

/// A server that does not answer leaves the settings as they are.
#[tokio::test(start_paused = true)]
async fn password_without_a_server() {
    let stopped = done(running().await, async |platform: &Platform, reporter: &Reporter| {
        lifecycle::stop(platform, &BUNDLE, &["database".to_owned()].into(), reporter).await
    });
    let secrets = |engine: &Engine| engine.secrets.keys().cloned().collect::<Vec<_>>();
    let stopped = stopped.await;
    let after = every_fault(&stopped, Outcome::GoesBack, change).await;
    assert_eq!(secrets(&after), secrets(&stopped));
}
