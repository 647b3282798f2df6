//! `scale`: what Azure is asked to do when nodes come and go, what is refused, and what goes on after a bad end. What happens
//! on the nodes is tested on machines.

use serde_json::{Value, json};

use crate::beginning::Beginning;
use crate::sandbox::{SUBSCRIPTION, Sandbox};

const CREATE: [&str; 4] = ["mycluster", "--local", "--no-wait", "--data-disk"];
const SHRINK: [&str; 5] = ["scale", "mycluster", "--num-nodes", "3", "--yes"];

fn scale(count: &str) -> [&str; 5] {
    ["scale", "mycluster", "--num-nodes", count, "--yes"]
}

fn nodes(inventory: &Value) -> Vec<(String, bool)> {
    let nodes = inventory["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (node["name"].as_str().unwrap().to_owned(), node["etcd_member"] == true)).collect()
}

/// Nodes by their numbers, the first so many of them members of etcd.
fn numbered(count: usize, members: usize) -> Vec<(String, bool)> {
    (0..count).map(|index| (format!("mycluster-coreos-{index}"), index < members)).collect()
}

fn made_with(count: &str) -> Vec<String> {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[&CREATE[..], &["--num-nodes", count]].concat());
    sandbox.resources("mycluster")
}

/// Where the keys of nodes are.
fn keys(sandbox: &Sandbox) -> Vec<String> {
    let files = std::fs::read_dir(sandbox.cluster("mycluster").join("nodes")).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().file_name().to_string_lossy().trim_end_matches(".json").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn nodes_come_and_go() {
    let sandbox = Sandbox::with_emulator(&[]);
    let first = sandbox.succeed(&[&CREATE[..], &["-o", "json"]].concat()).json();
    let three = sandbox.resources("mycluster");

    let six = sandbox.succeed(&[&scale("6")[..4], &["-o", "json"]].concat()).json();
    assert_eq!(nodes(&six), numbered(6, 5), "etcd grows with the cluster");
    assert_eq!(six["nodes"].as_array().unwrap()[..3], first["nodes"].as_array().unwrap()[..]);
    assert_eq!(sandbox.resources("mycluster"), made_with("6"));

    let asked = sandbox.run(&scale("3")[..4]).demand(2);
    asked.says(&[
        "takes 3 of 6 nodes away",
        "  - disk `mycluster-coreos-4-data-0`",
        "  - network interface `mycluster-coreos-5-nic`",
        "etcd is to have 3 members then, 5 now",
        "nobody is here to confirm; `azure-coreos-cluster scale mycluster --num-nodes 3 --yes` does it without asking",
    ]);
    assert_eq!((sandbox.resources("mycluster"), keys(&sandbox).len()), (made_with("6"), 6));
    // Growing is what `create` does too; shrinking is not.
    sandbox.run(&["mycluster", "--num-nodes", "4"]).demand(3).says(&[
        "`--num-nodes`: the cluster has 6 nodes, and creating takes none away (4 asked)",
        "hint: azure-coreos-cluster scale mycluster --num-nodes 4",
    ]);

    // As told.
    let again = sandbox.succeed(&[&SHRINK[..], &["-o", "json"]].concat()).json();
    assert_eq!(again, first);
    assert_eq!(sandbox.resources("mycluster"), three);
    assert_eq!(keys(&sandbox), ["mycluster-coreos-0", "mycluster-coreos-1", "mycluster-coreos-2"]);
    sandbox.succeed(&["plan", "mycluster", "--exit-code"]);
    sandbox.succeed(&["status", "mycluster", "--exit-code"]);
    sandbox.succeed(&SHRINK).says(&["cluster mycluster has 3 nodes", "plan: nothing to do"]);

    // One at a time: etcd keeps an odd number until there are enough for the next.
    for (count, members) in [("4", 3), ("5", 5), ("4", 4), ("3", 3), ("5", 5)] {
        let found = sandbox.succeed(&[&scale(count)[..], &["-o", "json"]].concat()).json();
        assert_eq!(nodes(&found), numbered(count.parse().unwrap(), members), "{count}");
        assert_eq!(sandbox.resources("mycluster"), made_with(count), "{count}");
    }
    let host_key = |inventory: &Value| inventory["nodes"][3]["host_key"].clone();
    let now = sandbox.succeed(&["mycluster", "--no-wait", "-o", "json"]).json();
    assert_ne!(host_key(&now), host_key(&six), "another machine has other keys");
}

#[test]
fn what_is_meant_is_known_before_anything_is_done() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[&CREATE[..], &["--num-nodes", "5"]].concat());
    let before = sandbox.resources("mycluster");
    sandbox.clear_journal();
    for (arguments, status, part) in [
        (&["scale", "mycluster"][..], 2, "--num-nodes <COUNT>"),
        (&["scale", "mycluster", "--num-nodes", "0"], 2, "0 is not in 1..=1000"),
        (&["scale", "mycluster", "--num-nodes", "1001"], 2, "1001 is not in 1..=1000"),
        (&["scale", "mycluster", "--num-nodes", "2"], 3, "hint: add `--allow-small` when that is meant"),
        (
            &["scale", "mycluster", "--num-nodes", "4", "--lose", "mycluster-coreos-1"],
            3,
            "`--lose`: `mycluster-coreos-1` is none of the nodes that go: mycluster-coreos-4",
        ),
        (&["scale", "yourcluster", "--num-nodes", "4"], 3, "`NAME`: no cluster `yourcluster` is known"),
        (&["scale", "mycluster", "--num-nodes", "201", "--yes"], 3, "must be at most 200 (one availability set)"),
    ] {
        sandbox.run(arguments).demand(status).says(&[part]);
    }
    assert_eq!((sandbox.writes(), sandbox.resources("mycluster")), (vec![], before));
    // As told.
    sandbox.succeed(&["scale", "mycluster", "--num-nodes", "1", "--allow-small", "--yes"]);
    let three = sandbox.succeed(&[&SHRINK[..], &["-o", "json"]].concat()).json();
    assert_eq!(nodes(&three), numbered(3, 3));
}

#[test]
fn what_is_others_stays() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[&CREATE[..], &["--num-nodes", "5"]].concat());
    let of = |kind: &str, name: &str| {
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/{kind}/{name}")
    };
    let address = of("Microsoft.Network/publicIPAddresses", "mycluster-coreos-4-backup");
    let body = json!({"location": "westeurope", "tags": {"coreos-cluster": "mycluster"}, "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"}});
    let (status, answer) = sandbox.request("PUT", &format!("{address}?api-version=2024-03-01"), Some(&body));
    assert!(status < 300, "{answer}");
    // A machine that has lost its tag may be anybody's.
    let machine = format!("{}?api-version=2024-07-01", of("Microsoft.Compute/virtualMachines", "mycluster-coreos-4"));
    let (_, document) = sandbox.request("GET", &machine, None);
    let with_tags = |tags: Value| {
        let mut document = document.clone();
        document["tags"] = tags;
        let (status, answer) = sandbox.request("PUT", &machine, Some(&document));
        assert!(status < 300, "{answer}");
    };
    with_tags(json!({}));
    let before = sandbox.resources("mycluster");
    sandbox.clear_journal();
    sandbox.run(&SHRINK).demand(5).says(&["do not carry its tag `coreos-cluster=mycluster`", "nothing was done"]);
    assert_eq!((sandbox.writes(), sandbox.resources("mycluster")), (vec![], before));
    with_tags(document["tags"].clone());
    sandbox.succeed(&SHRINK);
    let left = sandbox.resources("mycluster");
    assert!(left.iter().any(|id| id.ends_with("/mycluster-coreos-4-backup")), "{left:?}");
    assert_eq!(left.len(), made_with("3").len() + 1, "{left:?}");
}

/// A cluster of five nodes, and how it is had again.
fn five() -> (Sandbox, Beginning) {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[&CREATE[..], &["--num-nodes", "5"]].concat());
    let beginning = Beginning::keep(&sandbox, "mycluster");
    (sandbox, beginning)
}

/// What goes with the last of five nodes, by type and name.
const DEPARTING: [(&str, &str); 4] = [
    ("Microsoft.Compute/virtualMachines", "mycluster-coreos-4"),
    ("Microsoft.Network/networkInterfaces", "mycluster-coreos-4-nic"),
    ("Microsoft.Compute/disks", "mycluster-coreos-4-os"),
    ("Microsoft.Compute/disks", "mycluster-coreos-4-data-0"),
];

#[test]
fn every_deletion_may_go_wrong_in_every_way() {
    let (mut sandbox, five) = five();
    let three = made_with("3");
    let failed = json!({"operation_failed": {"code": "InternalServerError", "message": "a rack fell over"}});
    let refused = |code: u16, error: &str| json!({"status": {"code": code, "error": error, "message": "not now"}});
    let mut happened = 0;
    for (kind, name) in DEPARTING {
        for (effect, copes) in [
            (refused(409, "AnotherOperationInProgress"), true),
            (refused(429, "TooManyRequests"), true),
            (refused(503, "ServerBusy"), true),
            (refused(403, "AuthorizationFailed"), false),
            (failed.clone(), false),
            (json!("drop_before"), true),
            (json!("drop_after"), true),
        ] {
            five.put_back(&mut sandbox, &[]);
            sandbox.faults(json!([{"method": "DELETE", "type": kind, "name": name, "effect": effect}]));
            let ended = sandbox.run(&SHRINK);
            let (_, set) = sandbox.request("GET", "/azure-local/faults", None);
            happened += u32::from(set[0]["seen"].as_u64().is_some_and(|seen| seen > 0));
            sandbox.no_faults();
            let ended = match copes || ended.status == Some(0) {
                true => ended.demand(0),
                false => ended.demand(5).says(&[
                    &format!("`{name}`"),
                    "hint: `azure-coreos-cluster scale mycluster --num-nodes 3` removes what is left",
                ]),
            };
            if ended.status != Some(0) {
                // As told.
                sandbox.succeed(&SHRINK);
            }
            assert_eq!(sandbox.resources("mycluster"), three, "{name} {effect}");
            assert_eq!(keys(&sandbox).len(), 3, "{name} {effect}");
            sandbox.succeed(&["plan", "mycluster", "--exit-code"]);
        }
    }
    assert_eq!(happened, 4 * 7, "each fault at each deletion");
}

#[test]
fn killed_after_any_request() {
    let (mut sandbox, five) = five();
    let three = made_with("3");
    let (mut killed, mut begun) = (0, 0);
    for after in 1.. {
        // Operations take long enough to be interrupted.
        five.put_back(&mut sandbox, &["--latency", "azure", "--time-scale", "0.01"]);
        sandbox.clear_journal();
        if !sandbox.killed_after(&SHRINK, after) {
            break;
        }
        killed += 1;
        // Whatever was begun goes on, and nothing else does.
        let other = sandbox.run(&["mycluster", "--no-wait", "--yes"]);
        if other.status == Some(8) {
            begun += 1;
            other.says(&[
                "did not come to its end: those from `mycluster-coreos-3` on may have left etcd",
                "hint: azure-coreos-cluster scale mycluster --num-nodes 3 ends it",
            ]);
        } else {
            other.demand(0);
        }
        sandbox.succeed(&SHRINK);
        assert_eq!(sandbox.resources("mycluster"), three, "killed after {after} requests");
        assert_eq!(keys(&sandbox).len(), 3, "killed after {after} requests");
        sandbox.succeed(&["plan", "mycluster", "--exit-code"]);
    }
    assert!(killed >= 5 && begun >= 3, "only {killed} runs were interrupted, {begun} of them while nodes went");
}
