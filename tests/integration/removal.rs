//! `destroy`: all that is ours, and nothing else.

use serde_json::{Value, json};

use crate::beginning::Beginning;
use crate::sandbox::{SUBSCRIPTION, Sandbox};

const CREATE: [&str; 4] = ["mycluster", "--local", "--no-wait", "--data-disk"];
const DESTROY: [&str; 3] = ["destroy", "mycluster", "--yes"];
const GROUP: &str = "Microsoft.Resources/resourceGroups";

/// Puts something of somebody else's into the cluster's group; its id.
fn precious(sandbox: &Sandbox) -> String {
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/publicIPAddresses/precious"
    );
    // Policies pass the group's tags on to whatever is in it.
    let body = json!({"location": "westeurope", "tags": {"coreos-cluster": "mycluster"}, "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"}});
    let (status, answer) = sandbox.request("PUT", &format!("{id}?api-version=2024-03-01"), Some(&body));
    assert!(status < 300, "{answer}");
    id
}

fn status(code: u16) -> Value {
    json!({"status": {"code": code, "error": "ResourceGroupNotFound", "message": "a late replica"}})
}

/// Sets one fault, runs `destroy`, and makes sure that the fault happened.
fn destroy_with(sandbox: &Sandbox, fault: &Value, exit_code: i32) -> crate::sandbox::Ended {
    sandbox.faults(json!([fault]));
    let ended = sandbox.run(&DESTROY).demand(exit_code);
    let (_, set) = sandbox.request("GET", "/azure-local/faults", None);
    assert!(set[0]["seen"].as_u64().is_some_and(|seen| seen > 0), "{set}");
    sandbox.no_faults();
    ended
}

/// The `api-version` for a resource of this path.
fn api_version(path: &str) -> &'static str {
    match path {
        path if path.contains("/disks/") => "2024-03-02",
        path if path.contains("Microsoft.Compute") => "2024-07-01",
        path if path.contains("Microsoft.Network") => "2024-03-01",
        _ => "2021-04-01",
    }
}

/// Writes a resource again with other tags.
fn tag(sandbox: &Sandbox, path: &str, tags: &Value) {
    let url = format!("{path}?api-version={}", api_version(path));
    let (_, mut document) = sandbox.request("GET", &url, None);
    document["tags"] = tags.clone();
    let (status, answer) = sandbox.request("PUT", &url, Some(&document));
    assert!(status < 300, "{path}: {answer}");
}

#[test]
fn what_lost_its_tags_keeps_the_keys_that_open_it() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster");
    let before = sandbox.resources("mycluster");
    // A policy or a person took them away.
    // The emulator writes disks with their machines only, so theirs stay.
    for path in before.iter().filter(|path| !path.contains("/disks/")).chain([&group]) {
        tag(&sandbox, path, &json!({}));
    }
    sandbox.clear_journal();
    let ended = sandbox.run(&DESTROY).demand(5).says(&[
        "error: looking into resource group `mycluster`",
        "without the cluster's tag, so that nothing tells whose they are, there are: virtual machine `mycluster-coreos-0`",
        "nothing was removed; when they are the cluster's, give them its tag, then `azure-coreos-cluster destroy mycluster`",
        "do az tag update --resource-id \"$id\" --operation Merge --tags coreos-cluster=mycluster; done",
    ]);
    assert_eq!((sandbox.writes(), sandbox.resources("mycluster")), (vec![], before.clone()));
    assert!(sandbox.cluster("mycluster").join("id_ed25519").exists());

    // As told.
    let named: Vec<&str> = ended.stderr.split('\'').filter(|part| part.starts_with("/subscriptions/")).collect();
    assert_eq!(named.iter().filter(|id| id.contains("/virtualMachines/")).count(), 3, "{named:?}");
    for id in named {
        tag(&sandbox, id, &json!({"coreos-cluster": "mycluster"}));
    }
    sandbox.succeed(&DESTROY).says(&["virtual machine `mycluster-coreos-2`", "the resource group stays"]);
    assert!(
        !sandbox.resources("mycluster").iter().any(|id| id.contains("/virtualMachines/") || id.contains("/disks/"))
    );
    assert!(!sandbox.cluster("mycluster").exists());
}

#[test]
fn an_emulator_that_knows_nothing_of_the_cluster_erases_nothing() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let before = sandbox.resources("mycluster");
    let own = sandbox.path("azure-local").display().to_string();
    let other = sandbox.path("other").display().to_string();
    let elsewhere = [("AZURE_LOCAL_DIR", other.as_str())];
    let remedy = format!("`AZURE_LOCAL_DIR='{own}' azure-coreos-cluster destroy mycluster` asks that one");
    sandbox
        .run_with(&DESTROY, &elsewhere)
        .demand(2)
        .says(&[&format!("made on the local emulator in `{own}`"), &remedy]);
    // Nor is it made a second time there.
    let ended = sandbox.run_with(&CREATE, &elsewhere).demand(2);
    ended.says(&[&format!("`AZURE_LOCAL_DIR='{own}' azure-coreos-cluster mycluster` asks that one")]);
    assert!(sandbox.cluster("mycluster").join("id_ed25519").exists() && !sandbox.path("other").exists());
    assert_eq!(sandbox.resources("mycluster"), before);

    // Nobody says yes to the end of keys, even when nothing is there that they open.
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster?api-version=2021-04-01");
    sandbox.request("DELETE", &group, None);
    crate::sandbox::wait_for("the end of the group", || sandbox.request("GET", &group, None).0 == 404);
    let asked = format!("this cluster had machines, and the local emulator in `{own}` (http://127.0.0.1:");
    sandbox.run(&DESTROY[..2]).demand(2).says(&[&asked, ") shows none of them", "--yes` removes without asking"]);
    assert!(sandbox.cluster("mycluster").join("id_ed25519").exists());
    // As told.
    sandbox.run_with(&DESTROY, &[("AZURE_LOCAL_DIR", own.as_str())]).demand(0).says(&[&asked]);
    assert!(!sandbox.cluster("mycluster").exists());
}

#[test]
fn what_existed_moments_ago_is_not_taken_for_gone() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let before = sandbox.resources("mycluster");
    let faults = |more: Vec<Value>| {
        let absent = |what: &str| json!({"method": "GET", "type": what, "times": 1000, "effect": status(404)});
        sandbox.faults(Value::Array([vec![absent(GROUP), absent("resources")], more].concat()));
    };
    faults(vec![]);
    sandbox.clear_journal();
    sandbox.run(&DESTROY).demand(6).says(&["does not exist, but", "do"]);
    // In the fifth look, all is said to be gone.
    let mut kinds = std::collections::BTreeMap::new();
    for (_, path, _) in sandbox.requests() {
        if let Some((_, kind)) = path.split_once("/providers/") {
            let kind: Vec<&str> = kind.split(['/', '?']).take(2).collect();
            *kinds.entry(kind.join("/")).or_insert(0u64) += 1;
        }
    }
    assert!(kinds.len() >= 7 && kinds.values().all(|count| count % 5 == 0), "five looks: {kinds:?}");
    let fifth = kinds.iter().map(|(kind, count)| {
        json!({"method": "GET", "type": kind, "nth": count / 5 * 4 + 1, "times": 1000, "effect": status(404)})
    });
    faults(fifth.collect());
    sandbox.run(&DESTROY).demand(6).says(&["existed moments ago, and now nothing does"]);
    let (_, set) = sandbox.request("GET", "/azure-local/faults", None);
    let reached = |fault: &Value| fault["seen"].as_u64() >= fault["nth"].as_u64();
    assert!(set.as_array().unwrap().iter().all(reached), "{set}");
    sandbox.no_faults();
    assert_eq!(sandbox.resources("mycluster"), before);
    assert!(sandbox.cluster("mycluster").join("id_ed25519").exists());
}

#[test]
fn nobody_to_confirm_means_no() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let before = sandbox.resources("mycluster");
    sandbox
        .run(&["destroy", "mycluster"])
        .demand(2)
        .says(&["removes resource group `mycluster` with its", "--yes` removes without asking"]);
    assert_eq!(sandbox.resources("mycluster"), before);
}

#[test]
fn a_group_of_someone_else_stays_with_what_is_theirs() {
    let sandbox = Sandbox::with_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared");
    let (status, _) = sandbox.request(
        "PUT",
        &format!("{group}?api-version=2021-04-01"),
        Some(&json!({"location": "westeurope", "tags": {"team": "a"}})),
    );
    assert!(status < 300);
    let theirs = format!("{group}/providers/Microsoft.Network/networkSecurityGroups/theirs");
    let (status, answer) =
        sandbox.request("PUT", &format!("{theirs}?api-version=2024-03-01"), Some(&json!({"location": "westeurope"})));
    assert!(status < 300, "{answer}");

    let create = ["mycluster", "--local", "--no-wait", "--resource-group", "shared"];
    sandbox.succeed(&create).says(&["exists already and is not ours: it is used, not changed"]);
    let (_, document) = sandbox.request("GET", &format!("{group}?api-version=2021-04-01"), None);
    assert_eq!(document["tags"], json!({"team": "a"}));

    sandbox.succeed(&["destroy", "mycluster", "--yes"]).says(&["the resource group stays", "`theirs`"]);
    assert_eq!(sandbox.resources("shared"), [theirs]);
}

#[test]
fn a_stranger_in_our_group_survives() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait", "--data-disk"]);
    let theirs = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/networkSecurityGroups/theirs"
    );
    let body = json!({"location": "westeurope"});
    let (status, answer) = sandbox.request("PUT", &format!("{theirs}?api-version=2024-03-01"), Some(&body));
    assert!(status < 300, "{answer}");
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert_eq!(sandbox.resources("mycluster"), [theirs]);
}

#[test]
fn someone_elses_resource_with_our_name_is_neither_used_nor_removed() {
    let sandbox = Sandbox::with_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared");
    sandbox.request("PUT", &format!("{group}?api-version=2021-04-01"), Some(&json!({"location": "westeurope"})));
    let theirs = format!("{group}/providers/Microsoft.Network/networkSecurityGroups/mycluster-nsg");
    let body = json!({"location": "westeurope", "tags": {"team": "other"}});
    let (status, answer) = sandbox.request("PUT", &format!("{theirs}?api-version=2024-03-01"), Some(&body));
    assert!(status < 300, "{answer}");
    let create = ["mycluster", "--local", "--no-wait", "--resource-group", "shared"];
    sandbox.clear_journal();
    let parts = ["network security group `mycluster-nsg` exists and is not this cluster's", "choose another NAME"];
    sandbox.run(&create).demand(3).says(&parts);
    assert_eq!(sandbox.writes(), []);
}

#[test]
fn secrets_of_machines_that_are_gone_are_forgotten() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let journal = || std::fs::read_to_string(sandbox.path("azure-local/resources.jsonl")).unwrap();
    let longest = |text: &str| text.lines().map(str::len).max().unwrap_or_default();
    assert!(longest(&journal()) > 8_000, "user-data is kept for machines that may have to start again");
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert!(longest(&journal()) < 8_000);
}

#[test]
fn a_destroy_that_was_refused_goes_on_later() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let effect = json!({"status": {"code": 409, "error": "ScopeLocked", "message": "a lock is held"}});
    sandbox.faults(json!([{"method": "DELETE", "effect": effect}]));
    let ended = sandbox.run(&["destroy", "mycluster", "--yes"]).demand(5);
    ended
        .says(&["cause: ScopeLocked: a lock is held", "`azure-coreos-cluster destroy mycluster` removes what is left"]);
    assert!(sandbox.cluster("mycluster").exists(), "keys stay as long as machines do");
    sandbox.no_faults();
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert!(!sandbox.cluster("mycluster").exists());
}

#[test]
fn answers_that_cannot_be_believed_stop_the_run() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let theirs = precious(&sandbox);
    let before = sandbox.resources("mycluster");
    let key = || std::fs::read_to_string(sandbox.cluster("mycluster").join("id_ed25519")).unwrap();
    let kept = key();
    for (what, code, part) in [
        ("resources", 404, "resource group `mycluster` exists, and cannot be listed because it does not"),
        ("resources", 403, "cause: ResourceGroupNotFound: a late replica"),
        (GROUP, 404, "resource group `mycluster` does not exist, and can be listed"),
    ] {
        let fault = json!({"method": "GET", "type": what, "times": 1000, "effect": status(code)});
        let exit_code = if code == 403 { 5 } else { 6 };
        sandbox.clear_journal();
        destroy_with(&sandbox, &fault, exit_code).says(&[part, "`azure-coreos-cluster destroy mycluster`"]);
        assert_eq!(sandbox.writes(), [], "{what} {code}");
        assert_eq!((sandbox.resources("mycluster"), key()), (before.clone(), kept.clone()), "{what} {code}");
    }
    // One answer that is wrong is asked again.
    destroy_with(&sandbox, &json!({"method": "GET", "type": "resources", "effect": status(404)}), 0).says(&[
        "▴ Azure's answers contradict each other",
        "the resource group stays",
        "`precious`",
    ]);
    assert_eq!(sandbox.resources("mycluster"), [theirs]);
}

#[test]
fn answers_that_are_not_azures_destroy_nothing() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let theirs = precious(&sandbox);
    let before = sandbox.resources("mycluster");
    let replaced = |replacement: Value| json!({"answer_replaced": replacement});
    let effects = [
        (replaced(json!({"body": "html"})), "cause: the answer is not Azure Resource Manager's"),
        (replaced(json!({"body": "empty"})), "cause: "),
        (replaced(json!({"body": "empty_list"})), "cause: "),
        (replaced(json!({"body": "cut_short"})), "cause: "),
        (replaced(json!({"body": "html", "status": 404})), "cause: "),
        (replaced(json!({"body": "empty", "status": 204})), "cause: "),
        (replaced(json!({"body": "html", "status": 302, "location": "http://127.0.0.1:1/sign-in"})), "cause: "),
        (replaced(json!({"body": "other_resource"})), "cause: "),
    ];
    let demand = |method: &str, what: &str, effect: &Value, part: &str| {
        let fault = json!({"method": method, "type": what, "times": 1000, "effect": effect});
        let ended = destroy_with(&sandbox, &fault, 6).says(&[part, "`azure-coreos-cluster destroy mycluster`"]);
        assert!(!ended.stdout.contains("gone"), "{}", ended.stdout);
        assert_eq!(sandbox.resources("mycluster"), before, "{method} {what} {effect}");
        assert!(sandbox.cluster("mycluster").join("id_ed25519").exists(), "{method} {what} {effect}");
    };
    for (effect, part) in &effects {
        for what in ["resources", GROUP, "Microsoft.Compute/virtualMachines"] {
            // In a list, another resource is one that is not ours.
            let part = if what == "resources" && effect["answer_replaced"]["body"] == "other_resource" {
                "lacks"
            } else {
                part
            };
            demand("GET", what, effect, part);
        }
    }
    demand("GET", "resources", &json!("next_link_to_itself"), "the list's next page is one that was read already");
    // The group is not ours alone, so machines go first; what a DELETE is answered does not decide.
    for (effect, part) in effects.iter().filter(|(effect, _)| effect["answer_replaced"]["body"] == "html") {
        demand("DELETE", "Microsoft.Compute/virtualMachines", effect, part);
    }
    let lost = replaced(json!({"body": "html", "after_effect": true}));
    destroy_with(&sandbox, &json!({"method": "DELETE", "times": 1000, "effect": lost}), 6);
    sandbox.succeed(&DESTROY);
    assert_eq!(sandbox.resources("mycluster"), [theirs]);
}

#[test]
fn one_404_is_no_reason_to_erase_keys() {
    let sandbox = Sandbox::with_emulator(&[]);
    for fault in [
        json!({"method": "GET", "type": GROUP, "effect": status(404)}),
        json!({"method": "GET", "type": "Microsoft.Compute/virtualMachines", "name": "mycluster-coreos-1", "effect": status(404)}),
    ] {
        sandbox.succeed(&CREATE);
        destroy_with(&sandbox, &fault, 0).says(&["▴ Azure's answers contradict each other"]);
        assert_eq!((sandbox.resources("mycluster").len(), sandbox.cluster("mycluster").exists()), (0, false));
    }
}

/// A list full of the cluster's machines against a 404 for each of them.
#[test]
fn what_is_listed_is_not_gone_because_no_id_is_found() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    for is_alone in [true, false] {
        if !is_alone {
            precious(&sandbox);
        }
        let before = sandbox.resources("mycluster");
        let kinds: std::collections::BTreeSet<String> = before
            .iter()
            .map(|id| id.split("/providers/").nth(1).unwrap().split('/').take(2).collect::<Vec<_>>().join("/"))
            .collect();
        let absent = |kind: &String| json!({"method": "GET", "type": kind, "times": 1000, "effect": status(404)});
        sandbox.faults(Value::Array(kinds.iter().map(absent).collect()));
        sandbox.clear_journal();
        sandbox
            .run(&DESTROY)
            .demand(6)
            .says(&["Azure's answers contradict each other: the list of", "which do not exist"]);
        let (_, set) = sandbox.request("GET", "/azure-local/faults", None);
        assert!(set.as_array().unwrap().iter().all(|fault| fault["seen"].as_u64() > Some(0)), "{set}");
        assert_eq!(sandbox.writes(), []);
        sandbox.no_faults();
        assert_eq!(sandbox.resources("mycluster"), before);
        assert!(sandbox.cluster("mycluster").join("id_ed25519").exists());
    }
}

#[test]
fn a_deletion_is_over_when_nothing_is_there_any_more() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let fault = |times: u32| json!({"method": "DELETE", "type": GROUP, "times": times, "effect": status(404)});
    destroy_with(&sandbox, &fault(1000), 5).says(&["error: deleting resource group `mycluster`", "and still shows it"]);
    assert!(!sandbox.resources("mycluster").is_empty() && sandbox.cluster("mycluster").join("id_ed25519").exists());
    destroy_with(&sandbox, &fault(1), 0);
    assert_eq!((sandbox.resources("mycluster").len(), sandbox.cluster("mycluster").exists()), (0, false));
}

#[test]
fn a_cluster_that_is_gone_is_told_from_one_that_never_was() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    sandbox.succeed(&DESTROY);
    // What a run leaves that is killed while it removes the directory.
    let left = sandbox.cluster(".removing-mycluster-x");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("id_ed25519"), "secret").unwrap();
    let again = sandbox.succeed(&DESTROY);
    assert!(
        again.stdout.starts_with("cluster mycluster is gone: `destroy` removed it from here at 2"),
        "{}",
        again.stdout
    );
    assert!(!left.exists());
    let json = sandbox.succeed(&[&DESTROY[..], &["-o", "json"]].concat()).json();
    assert_eq!((&json["removed"], json["removed_before"].is_string()), (&json!(false), true));
    sandbox.run(&["destroy", "mycluste", "--yes"]).demand(3).says(&["no cluster `mycluste` is known in `", "none is"]);
    sandbox.run(&["status", "mycluster"]).demand(3).says(&["cluster `mycluster` was removed at 2"]);
    sandbox.succeed(&CREATE);
    sandbox.succeed(&["status", "mycluster"]);
    assert_eq!(sandbox.succeed(&DESTROY).stdout, "cluster mycluster is gone\n");
}

#[test]
fn a_run_that_works_on_the_cluster_is_waited_for() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let lock = std::fs::File::open(sandbox.cluster("mycluster").join("lock")).unwrap();
    lock.lock().unwrap();
    for command in [&DESTROY[..], &CREATE] {
        sandbox
            .run(command)
            .demand(2)
            .says(&["error: another run works on this cluster (it holds `", "hint: wait for it, then run again"]);
    }
    lock.unlock().unwrap();
    sandbox.succeed(&DESTROY);
}

#[test]
fn whenever_it_is_killed_keys_stay_as_long_as_machines_do() {
    const SLOW: [&str; 4] = ["--latency", "azure", "--time-scale", "0.01"];
    // What is destroyed is made once, and put back before each run.
    let mut sandbox = Sandbox::with_emulator(&SLOW);
    sandbox.succeed(&CREATE);
    precious(&sandbox);
    let beginning = Beginning::keep(&sandbox, "mycluster");
    let mut killed = 0;
    for after in 1.. {
        beginning.put_back(&mut sandbox, &SLOW);
        if !sandbox.killed_after(&DESTROY, after) {
            break;
        }
        killed += 1;
        let left = sandbox.resources("mycluster").len();
        assert!(left == 1 || sandbox.cluster("mycluster").join("id_ed25519").exists(), "killed after {after}");
        sandbox.succeed(&DESTROY);
        assert_eq!(sandbox.resources("mycluster").len(), 1, "killed after {after} requests");
        assert!(!sandbox.cluster("mycluster").exists());
    }
    assert!(killed >= 30, "only {killed} runs were killed");
}
