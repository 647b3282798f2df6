//! Where a case is played: a user with somebody else's resources around, brought back to a beginning before each case.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::case::{Request, Scene};
use super::{CREATE, DONE, NAME};
use crate::beginning::Beginning;
use crate::sandbox::{Ended, SUBSCRIPTION, Sandbox, wait_for};

/// An emulator whose limits do not bind.
const EMULATOR: [&str; 2] = ["--time-scale", "0.01"];
/// A silent answer is waited for no longer than this.
const PATIENCE: (&str, &str) = ("AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT", "2");
/// Somebody else's resources, by id.
type Foreign = BTreeMap<String, Value>;

/// A beginning, and what of it is somebody else's.
struct SceneBeginning {
    kept: Beginning,
    foreign: Foreign,
}

/// The beginnings of all scenes.
pub(super) struct Beginnings {
    create: SceneBeginning,
    alone: SceneBeginning,
    among_others: SceneBeginning,
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

impl SceneBeginning {
    fn keep(stage: &Stage) -> Self {
        Self { kept: Beginning::keep(&stage.sandbox, NAME), foreign: stage.foreign.clone() }
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
        let create = SceneBeginning::keep(&stage);
        stage.run(&CREATE).demand(DONE);
        let whole_cluster = stage.ours();
        let alone = SceneBeginning::keep(&stage);
        stage.put_foreign(NAME, "precious");
        let among_others = SceneBeginning::keep(&stage);
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
        beginning.kept.put_back(&mut self.sandbox, &EMULATOR);
        self.foreign = beginning.foreign.clone();
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
