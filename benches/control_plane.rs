//! How close a run's wall time comes to its critical path: the emulator takes as long as Azure does, machines are left
//! out, and both figures come from the same run. Prints a table; judges nothing.
//!
//! `cargo bench --profile dev --bench control_plane [-- COUNT…]`

use std::collections::{BTreeMap, HashMap};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_azure-coreos-cluster");
/// Sizes when none are named.
const NODE_COUNTS: [u32; 3] = [3, 20, 100];
/// Interfaces that join one load balancer at a time: Azure's limit, so part of the shortest possible run.
const PARALLEL_JOINS: usize = 8;
/// After a group's PUT some of the emulator's replicas do not know it for this long, as on Azure; nothing can be put into
/// it before.
const REPLICATION_MILLISECONDS: u64 = 1500;
const START_DEADLINE: Duration = Duration::from_secs(30);

fn main() {
    let counts: Vec<u32> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let counts = if counts.is_empty() { NODE_COUNTS.to_vec() } else { counts };
    println!("nodes   wall s   chain s  ratio   with join limit s  ratio   writes  2n+6   polls and reads");
    for nodes in counts {
        println!("{}", measure(nodes));
    }
}

fn measure(nodes: u32) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env("AZURE_LOCAL_DIR", folder.path().join("local"))
            .env("XDG_STATE_HOME", folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut emulator = Emulator(
        command(&["local", "serve", "--vms", "none", "--latency", "azure"]).spawn().expect("the emulator starts"),
    );
    let read = |file: &str| std::fs::read_to_string(folder.path().join("local").join(file)).ok();
    let deadline = Instant::now() + START_DEADLINE;
    let (endpoint, token) = loop {
        match (read("endpoint"), read("token")) {
            (Some(endpoint), Some(token)) => break (endpoint, token),
            _ => assert!(Instant::now() < deadline && emulator.0.try_wait().is_ok_and(|status| status.is_none())),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let start = Instant::now();
    let mut create = command(&["bench", "--num-nodes", &nodes.to_string(), "--deis", "--local", "--no-wait"]);
    let status = create.stderr(Stdio::inherit()).status().expect("the program starts");
    let wall_seconds = start.elapsed().as_secs_f64();
    assert!(status.success(), "{status}");

    let mut response = ureq::get(format!("{}/azure-local/journal", endpoint.trim()))
        .header("authorization", format!("Bearer {}", token.trim()))
        .call()
        .expect("the emulator answers");
    let journal: Value = response.body_mut().read_json().expect("a document");
    let operations = operations(&journal);
    let (chain, limited) =
        (seconds(critical_path(&operations, usize::MAX)), seconds(critical_path(&operations, PARALLEL_JOINS)));
    let requests = journal["requests"].as_array().cloned().unwrap_or_default();
    let writes = requests.iter().filter(|request| request["method"] != "GET").count();
    format!(
        "{nodes:>5}  {wall_seconds:>7.1}  {chain:>8.1}  {:>5.2}  {limited:>18.1}  {:>5.2}  {writes:>7}  {:>4}  {:>8}",
        wall_seconds / chain,
        wall_seconds / limited,
        2 * nodes + 6,
        requests.len() - writes
    )
}

/// Ends with the bench, however that ends.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Operation {
    resource: String,
    milliseconds: u64,
    references: Vec<String>,
}

fn operations(journal: &Value) -> Vec<Operation> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
    let puts = journal["operations"].as_array().cloned().unwrap_or_default();
    let puts = puts.into_iter().filter(|operation| operation["method"] == "PUT");
    puts.map(|operation| Operation {
        resource: text(&operation["resource"]),
        milliseconds: operation["planned_milliseconds"].as_u64().unwrap_or_default(),
        references: operation["references"].as_array().into_iter().flatten().map(text).collect(),
    })
    .collect()
}

/// The shortest time in which these operations can be done when each starts as soon as what it refers to is done, and
/// at most `joins` network interfaces are made at a time.
fn critical_path(operations: &[Operation], joins: usize) -> u64 {
    let mut finished: HashMap<&str, u64> = HashMap::new();
    let mut slots: BTreeMap<usize, u64> = (0..joins.min(operations.len())).map(|slot| (slot, 0)).collect();
    let mut last = 0;
    // The record is in the order of starts, and nothing starts before what it refers to.
    for operation in operations {
        let group = operation.resource.split("/providers/").next().unwrap_or_default();
        let needs = operation.references.iter().map(String::as_str).chain([group]);
        let mut start = needs
            .filter(|need| *need != operation.resource)
            .filter_map(|need| finished.get(need).copied().or_else(|| parent(&finished, need)))
            .max()
            .unwrap_or(0);
        let is_join = operation.resource.contains("/networkinterfaces/");
        let slot = slots.iter().min_by_key(|(_, free)| **free).map(|(slot, free)| (*slot, *free));
        if let (true, Some((_, free))) = (is_join, slot) {
            start = start.max(free);
        }
        let is_group = !operation.resource.contains("/providers/");
        let end = start + operation.milliseconds + if is_group { REPLICATION_MILLISECONDS } else { 0 };
        if let (true, Some((slot, _))) = (is_join, slot) {
            slots.insert(slot, end);
        }
        finished.insert(&operation.resource, end);
        last = last.max(end);
    }
    last
}

/// The end of the resource that a sub-resource's id lies in.
fn parent(finished: &HashMap<&str, u64>, id: &str) -> Option<u64> {
    finished.iter().filter(|(known, _)| id.starts_with(&format!("{known}/"))).map(|(_, end)| *end).max()
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
