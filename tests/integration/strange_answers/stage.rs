//! Where a case is played: a user with somebody else's resources around, brought back to a beginning before each case.
//! A beginning is made once and copied, which is much quicker than the commands that lead to it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::case::{Request, Scene};
use super::{CREATE, DONE, NAME};
use crate::sandbox::{Ended, SUBSCRIPTION, Sandbox, wait_for};

/// An emulator whose limits do not bind.
const EMULATOR: [&str; 2] = ["--time-scale", "0.01"];
/// A silent answer is waited for no longer than this.
const PATIENCE: (&str, &str) = ("AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT", "2");
/// What the emulator knows.
const RESOURCES: &str = "azure-local/resources.jsonl";

/// Somebody else's resources, by id.
type Foreign = BTreeMap<String, Value>;

/// A beginning: the emulator's resources and the cluster's directory, in a folder.
struct Beginning {
    folder: TempDir,
    foreign: Foreign,
}

/// The beginnings of all scenes.
pub(super) struct Beginnings {
    create: Beginning,
    alone: Beginning,
    among_others: Beginning,
    /// Ids of what `create` makes.
    pub whole_cluster: BTreeSet<String>,
}

pub(super) struct Stage {
    pub sandbox: Sandbox,
    /// Ids of somebody else's resources, and what they are.
    foreign: Foreign,
}

impl Default for Stage {
    fn default() -> Self {
        Self { sandbox: Sandbox::without_emulator(), foreign: Foreign::new() }
    }
}

impl Beginning {
    fn keep(stage: &Stage) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(stage.sandbox.path(RESOURCES), folder.path().join("resources.jsonl")).unwrap();
        copy(&stage.sandbox.cluster(NAME), &folder.path().join("cluster"));
        Self { folder, foreign: stage.foreign.clone() }
    }
}

impl Beginnings {
    pub(super) fn make() -> Self {
        let mut stage = Stage::default();
        stage.sandbox.start_emulator(&EMULATOR);
        // What a cache that mixes resources up shows instead of ours.
        let group = format!("{}?api-version=2021-04-01", group_id("somebody-else"));
        stage.sandbox.request("PUT", &group, Some(&json!({ "location": "westeurope" })));
        stage.put_foreign("somebody-else", "somebody-elses");
        let create = Beginning::keep(&stage);
        stage.run(&CREATE).demand(DONE);
        let whole_cluster = stage.ours();
        let alone = Beginning::keep(&stage);
        stage.put_foreign(NAME, "precious");
        let among_others = Beginning::keep(&stage);
        Self { create, alone, among_others, whole_cluster }
    }
}

fn group_id(group: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}")
}

fn address_id(group: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Network/publicIPAddresses/{name}", group_id(group))
}

impl Stage {
    /// Brings everything to where the scene begins.
    pub(super) fn begin(&mut self, beginnings: &Beginnings, scene: Scene) {
        let beginning = match scene {
            Scene::Create => &beginnings.create,
            Scene::DestroyAlone => &beginnings.alone,
            Scene::DestroyAmongOthers => &beginnings.among_others,
        };
        self.sandbox.kill_emulator();
        for folder in ["azure-local", "state"] {
            remove(&self.sandbox.path(folder));
        }
        std::fs::create_dir(self.sandbox.path("azure-local")).unwrap();
        std::fs::copy(beginning.folder.path().join("resources.jsonl"), self.sandbox.path(RESOURCES)).unwrap();
        copy(&beginning.folder.path().join("cluster"), &self.sandbox.cluster(NAME));
        self.foreign = beginning.foreign.clone();
        self.sandbox.start_emulator(&EMULATOR);
    }

    fn put_foreign(&mut self, group: &str, name: &str) {
        let id = address_id(group, name);
        let body = json!({ "location": "westeurope", "sku": { "name": "Standard" },
            "properties": { "publicIPAllocationMethod": "Static" } });
        let (status, answer) = self.sandbox.request("PUT", &format!("{id}?api-version=2024-03-01"), Some(&body));
        assert!(status < 300, "{answer}");
        wait_for("somebody else's address", || self.document(&id)["properties"]["provisioningState"] == "Succeeded");
        self.foreign.insert(id.clone(), self.document(&id));
    }

    fn document(&self, id: &str) -> Value {
        let mut document = Value::Null;
        // The runs before may have used the reads of this second up.
        wait_for("a read that is not throttled", || {
            let (status, found) = self.sandbox.request("GET", &format!("{id}?api-version=2024-03-01"), None);
            document = found;
            status != 429
        });
        document
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        self.sandbox.run_with(arguments, &[PATIENCE])
    }

    pub(super) fn ours(&self) -> BTreeSet<String> {
        self.sandbox.resources(NAME).into_iter().filter(|id| !self.foreign.contains_key(id)).collect()
    }

    pub(super) fn keys(&self) -> bool {
        self.sandbox.cluster(NAME).join("spec.json").exists() && self.sandbox.cluster(NAME).join("id_ed25519").exists()
    }

    /// The requests of an undisturbed run.
    pub(super) fn requests(&mut self, beginnings: &Beginnings, scene: Scene) -> Vec<Request> {
        self.begin(beginnings, scene);
        self.run(scene.command()).demand(DONE);
        let (_, journal) = self.sandbox.request("GET", "/azure-local/journal", None);
        let mut counts = BTreeMap::new();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let requests = journal["requests"].as_array().expect("requests").iter().map(|request| {
            let key = (text(&request["method"]), text(&request["type"]), text(&request["name"]));
            let nth = counts.entry(key.clone()).and_modify(|count| *count += 1).or_insert(1);
            Request { method: key.0, resource_type: key.1, name: key.2, nth: *nth }
        });
        requests.collect()
    }

    pub(super) fn check_foreign(&self) -> Result<(), String> {
        match self.foreign.iter().find(|(id, before)| self.document(id) != **before) {
            Some((id, _)) => Err(format!("somebody else's `{id}` was touched: {}", self.document(id))),
            None => Ok(()),
        }
    }
}

fn remove(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// Copies a folder with the modes of its files; nothing when there is none.
fn copy(from: &Path, to: &Path) {
    if !from.exists() {
        return;
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            let _ = std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
