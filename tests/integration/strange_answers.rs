//! Every request of `create` and of `destroy` meets every answer that is not Azure's: what a captive portal, a broken proxy
//! or a cache sends, or nothing at all. The demand is the same each time: nothing foreign is touched, nothing is called done
//! that is not, keys stay while there is something that they fit, and a later run ends as if nothing had been.
//!
//! By default each answer meets each kind of request (method and type) of each command, before and after the effect, once or
//! for good in turn. `--ignored` runs the complete product: every single request, once and for good.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::sandbox::{Ended, SUBSCRIPTION, Sandbox, wait_for};

const NAME: &str = "storm";
const CREATE: [&str; 6] = [NAME, "--local", "--no-wait", "--num-nodes", "1", "--allow-small"];
const DESTROY: [&str; 3] = ["destroy", NAME, "--yes"];
/// An emulator whose limits do not bind.
const EMULATOR: [&str; 2] = ["--time-scale", "0.01"];
/// A silent answer is waited for no longer than this.
const PATIENCE: (&str, &str) = ("AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT", "2");
/// Cases spend most of their time waiting.
const WORKERS: usize = 8;
const FOR_GOOD: u64 = 1_000_000;
/// Answers that are waited for, as they should be: half a minute for a silence that stays, five for a busy server.
const WAITED_FOR: [&str; 2] = ["silent", "html_503"];
const DONE: i32 = 0;
const AZURE_UNREACHABLE: i32 = 6;

/// One request of a command, as a fault names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    method: String,
    resource_type: String,
    name: String,
    nth: u64,
}

#[derive(Clone, Debug)]
struct Case {
    scene: Scene,
    request: Request,
    answer: &'static str,
    after_effect: bool,
    times: u64,
}

/// What is run, and among what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    Create,
    /// The group holds the cluster and nothing else.
    DestroyAlone,
    /// Somebody else's address is in the group.
    DestroyAmongOthers,
}

const ANSWERS: [&str; 10] = [
    "html",
    "html_503",
    "empty",
    "empty_list",
    "cut_short",
    "redirect",
    "no_content",
    "other_resource",
    "endless",
    "silent",
];

/// Counts who comes to the address that redirects name.
struct Trap {
    url: String,
    visits: Arc<AtomicU64>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/sign-in", listener.local_addr().unwrap());
        let visits = Arc::new(AtomicU64::new(0));
        let counter = visits.clone();
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, visits }
    }
}

impl Case {
    fn fault(&self, trap: &Trap) -> Value {
        let replaced = |mut answer: Value| {
            answer["after_effect"] = json!(self.after_effect);
            json!({ "answer_replaced": answer })
        };
        let effect = match self.answer {
            "html_503" => replaced(json!({ "body": "html", "status": 503 })),
            "redirect" => replaced(json!({ "body": "html", "status": 302, "location": trap.url })),
            "no_content" => replaced(json!({ "body": "empty", "status": 204 })),
            "silent" if self.after_effect => json!("silent_after"),
            "silent" => json!("silent_before"),
            body => replaced(json!({ "body": body })),
        };
        let Request { method, resource_type, name, nth } = &self.request;
        let mut fault =
            json!({ "method": method, "type": resource_type, "nth": nth, "times": self.times, "effect": effect });
        if !name.is_empty() {
            fault["name"] = json!(name);
        }
        json!([fault])
    }
}

/// A user with somebody else's resources around.
struct Stage {
    sandbox: Sandbox,
    /// Ids of somebody else's resources, and what they are.
    foreign: BTreeMap<String, Value>,
}

fn group_id(group: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}")
}

fn address_id(group: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Network/publicIPAddresses/{name}", group_id(group))
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self { sandbox: Sandbox::with_emulator(&EMULATOR), foreign: BTreeMap::new() };
        // What a cache that mixes resources up shows instead of ours.
        let group = format!("{}?api-version=2021-04-01", group_id("somebody-else"));
        stage.sandbox.request("PUT", &group, Some(&json!({ "location": "westeurope" })));
        stage.put_foreign("somebody-else", "somebody-elses");
        stage
    }

    fn put_foreign(&mut self, group: &str, name: &str) {
        let id = address_id(group, name);
        let body = json!({ "location": "westeurope", "sku": { "name": "Standard" },
            "properties": { "publicIPAllocationMethod": "Static" } });
        let (status, answer) = self.sandbox.request("PUT", &format!("{id}?api-version=2024-03-01"), Some(&body));
        assert!(status < 300, "{answer}");
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

    fn run(&self, arguments: &[&str]) -> Ended {
        self.sandbox.run_with(arguments, &[PATIENCE])
    }

    fn ours(&self) -> BTreeSet<String> {
        self.sandbox.resources(NAME).into_iter().filter(|id| !self.foreign.contains_key(id)).collect()
    }

    fn keys(&self) -> bool {
        self.sandbox.cluster(NAME).join("spec.json").exists() && self.sandbox.cluster(NAME).join("id_ed25519").exists()
    }

    /// Back to where nothing of the cluster is there.
    fn clear(&mut self) {
        self.sandbox.request("DELETE", &format!("{}?api-version=2021-04-01", group_id(NAME)), None);
        wait_for("the group's end", || self.sandbox.resources(NAME).is_empty());
        self.foreign.retain(|id, _| !id.starts_with(&group_id(NAME)));
        remove(&self.sandbox.cluster(NAME));
    }

    /// Brings the stage to where the scene begins.
    fn prepare(&mut self, scene: Scene) {
        if scene != Scene::Create {
            self.run(&CREATE).demand(DONE);
        }
        if scene == Scene::DestroyAmongOthers {
            self.put_foreign(NAME, "precious");
        }
        self.sandbox.clear_journal();
    }

    /// The requests of an undisturbed run.
    fn requests(&mut self, scene: Scene) -> Vec<Request> {
        self.prepare(scene);
        self.run(scene.command()).demand(DONE);
        let (_, journal) = self.sandbox.request("GET", "/azure-local/journal", None);
        let mut counts = BTreeMap::new();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let requests = journal["requests"].as_array().expect("requests").iter().map(|request| {
            let key = (text(&request["method"]), text(&request["type"]), text(&request["name"]));
            let nth = counts.entry(key.clone()).and_modify(|count| *count += 1).or_insert(1);
            Request { method: key.0, resource_type: key.1, name: key.2, nth: *nth }
        });
        let requests = requests.collect();
        self.clear();
        requests
    }

    /// What is wrong after a run under the fault, if anything.
    fn play(&mut self, case: &Case, expected: &BTreeSet<String>, trap: &Trap) -> Result<(), String> {
        self.prepare(case.scene);
        self.sandbox.faults(case.fault(trap));
        let ended = self.run(case.scene.command());
        let (_, faults) = self.sandbox.request("GET", "/azure-local/faults", None);
        self.sandbox.no_faults();
        let demand = |holds: bool, what: &str| {
            let shown = || format!("{what}\nexit code {:?}\n{}{}", ended.status, ended.stdout, ended.stderr);
            if holds { Ok(()) } else { Err(shown()) }
        };
        demand(faults[0]["seen"].as_u64() >= Some(case.request.nth), "the request was not made")?;
        demand(trap.visits.load(Ordering::SeqCst) == 0, "a redirect was followed")?;
        let code = ended.status.unwrap_or(-1);
        demand([DONE, AZURE_UNREACHABLE].contains(&code), "neither done nor exit code 6")?;
        let is_stranger = case.answer != "silent" && code == AZURE_UNREACHABLE;
        // A list of somebody else's is one of Azure's: what tells is that it lacks what our own questions find.
        // What has no end ends at the cap or at the time-out, whichever a busy machine comes to first.
        let told = ["not Azure Resource Manager's", "answers contradict each other", "no whole answer came within"];
        demand(!is_stranger || told.iter().any(|words| ended.stderr.contains(words)), "it is not told what came")?;
        self.check_foreign().map_err(|what| demand(false, &what).unwrap_err())?;
        let ours = self.ours();
        match case.scene {
            Scene::Create => {
                demand(code != DONE || ours == *expected, "called done, and is not")?;
                let has_machine = ours.iter().any(|id| id.contains("/virtualMachines/"));
                demand(!has_machine || self.keys(), "a machine is there, and its keys are not")?;
                let later = self.run(&CREATE);
                demand(later.status == Some(DONE), &format!("a later run does not end well:\n{}", later.stderr))?;
                demand(self.ours() == *expected, "a later run ends with other resources")?;
            }
            Scene::DestroyAlone | Scene::DestroyAmongOthers => {
                demand(code != DONE || ours.is_empty(), "called gone, and is not")?;
                demand(
                    code != DONE || !self.sandbox.cluster(NAME).exists(),
                    "called gone, and the directory is there",
                )?;
                demand(ours.is_empty() || self.keys(), "something is there, and its keys are not")?;
                let later = self.run(&DESTROY);
                demand(later.status == Some(DONE), &format!("a later run does not end well:\n{}", later.stderr))?;
                demand(self.ours().is_empty(), "a later run leaves something")?;
                demand(!self.sandbox.cluster(NAME).exists(), "a later run leaves the directory")?;
            }
        }
        self.check_foreign()?;
        self.clear();
        Ok(())
    }

    fn check_foreign(&self) -> Result<(), String> {
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

impl Scene {
    fn command(self) -> &'static [&'static str] {
        if self == Self::Create { &CREATE } else { &DESTROY }
    }
}

/// Each answer with each request, before the effect, and for what writes after it too.
fn product(scene: Scene, requests: &[Request]) -> Vec<Case> {
    let mut cases = Vec::new();
    for request in requests {
        for answer in ANSWERS {
            for after_effect in if request.method == "GET" { &[true][..] } else { &[false, true][..] } {
                for times in [1, FOR_GOOD] {
                    let (request, after_effect) = (request.clone(), *after_effect);
                    cases.push(Case { scene, request, answer, after_effect, times });
                }
            }
        }
    }
    cases.retain(|case| case.times == 1 || !WAITED_FOR.contains(&case.answer));
    cases
}

/// One case of each answer and kind of request, before and after; which request of that kind, among what, and whether the
/// answer comes once or for good, goes round.
fn sample(cases: Vec<Case>) -> Vec<Case> {
    let mut kinds: BTreeMap<_, Vec<Case>> = BTreeMap::new();
    for case in cases {
        let kind = (case.request.method.clone(), case.request.resource_type.clone(), case.answer, case.after_effect);
        kinds.entry(kind).or_default().push(case);
    }
    kinds.into_values().enumerate().map(|(turn, mut cases)| cases.swap_remove(turn % cases.len())).collect()
}

fn play(scenes: &[Scene], choose: impl Fn(Vec<Case>) -> Vec<Case>) {
    let mut stage = Stage::new();
    let trap = Trap::set();
    stage.prepare(Scene::DestroyAlone);
    let expected = stage.ours();
    stage.clear();
    let cases: Vec<Case> = scenes.iter().flat_map(|scene| choose(product(*scene, &stage.requests(*scene)))).collect();
    let count = cases.len();
    let queue = Mutex::new(VecDeque::from(cases));
    let failures = Mutex::new(Vec::new());
    let next = || queue.lock().unwrap().pop_front();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(count) {
            scope.spawn(|| {
                let mut stage = Stage::new();
                while let Some(case) = next() {
                    if let Err(what) = stage.play(&case, &expected, &trap) {
                        failures.lock().unwrap().push(format!("{case:?}\n{what}"));
                        stage = Stage::new();
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {count} cases:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn each_answer_meets_each_kind_of_request_of_create() {
    play(&[Scene::Create], sample);
}

#[test]
fn each_answer_meets_each_kind_of_request_of_destroy() {
    play(&[Scene::DestroyAlone, Scene::DestroyAmongOthers], sample);
}

#[test]
#[ignore = "the complete product takes many minutes"]
fn each_answer_meets_each_request() {
    play(&[Scene::Create, Scene::DestroyAlone, Scene::DestroyAmongOthers], |cases| cases);
}
