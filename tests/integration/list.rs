//! Clusters that are kept here, and those that Azure and the emulator have: `list` tells them, commands mean one of them, and
//! `destroy` removes one that is not kept here.

use serde_json::{Value, json};

use crate::sandbox::{SUBSCRIPTION, Sandbox, wait_for};

const LIST: [&str; 2] = ["list", "--local"];

/// `name state directory?` of each cluster.
fn of_each(listed: &Value) -> Vec<String> {
    let of = |cluster: &Value| {
        let text = |key: &str| cluster[key].as_str().unwrap_or_default().to_owned();
        let kept = if cluster["directory"].is_null() { "elsewhere" } else { "here" };
        format!("{} {} {kept}", text("name"), text("state"))
    };
    listed.as_array().expect("a list").iter().map(of).collect()
}

fn listed(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    of_each(&sandbox.succeed(&[arguments, &["-o", "json"]].concat()).json())
}

fn machine(group: &str, node: &str, action: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{node}{action}\
         ?api-version=2024-07-01"
    )
}

/// Switches nodes of a cluster off.
fn switch_off(sandbox: &Sandbox, cluster: &str, nodes: std::ops::Range<u32>) {
    for node in nodes {
        let url = machine(cluster, &format!("{cluster}-coreos-{node}"), "/deallocate");
        assert!(sandbox.request("POST", &url, None).0 < 300);
    }
}

#[test]
fn clusters_are_listed_wherever_they_are_known() {
    let mut sandbox = Sandbox::with_emulator(&[]);
    assert_eq!(sandbox.succeed(&LIST).stdout, "no clusters\n");
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    assert_eq!(listed(&sandbox, &LIST), ["mycluster running here"]);
    switch_off(&sandbox, "mycluster", 0..1);
    wait_for("a machine to be off", || listed(&sandbox, &LIST) == ["mycluster partly_running here"]);
    switch_off(&sandbox, "mycluster", 1..3);
    wait_for("the machines to be off", || listed(&sandbox, &LIST) == ["mycluster stopped here"]);
    sandbox.clear_journal();
    let text = sandbox.succeed(&LIST).stdout;
    let expected = "NAME       CLOUD  LOCATION    GROUP      NODES  DIRECTORY                               STATE\n\
                    mycluster  local  westeurope  mycluster  3      ~/state/azure-coreos-cluster/mycluster  stopped\n";
    assert_eq!(text, expected);
    assert_eq!(sandbox.writes(), [], "nothing is written by looking");

    // Somebody else's, who has not our directory.
    let elsewhere = [&LIST[..], &["--state-dir", "other"]].concat();
    assert_eq!(listed(&sandbox, &elsewhere), ["mycluster stopped elsewhere"]);
    sandbox.succeed(&["second", "--local", "--no-wait", "--state-dir", "other"]);
    assert_eq!(listed(&sandbox, &LIST), ["mycluster stopped here", "second running elsewhere"]);
    sandbox.succeed(&["destroy", "second", "--yes", "--state-dir", "other"]);
    assert_eq!(listed(&sandbox, &LIST), ["mycluster stopped here"]);

    // A directory that was given another name is that of the same cluster.
    let (own, renamed) = (sandbox.cluster("mycluster"), sandbox.cluster("renamed"));
    std::fs::rename(&own, &renamed).unwrap();
    assert_eq!(listed(&sandbox, &LIST), ["renamed stopped here"]);
    std::fs::rename(&renamed, &own).unwrap();

    // An emulator that does not run is not started.
    sandbox.kill_emulator();
    let ended = sandbox.succeed(&LIST);
    assert!(ended.stdout.contains("unknown: the local emulator does not run"), "{}", ended.stdout);
    sandbox.run(&["local", "status"]).demand(8);

    // What is not there any more is told from what nobody was asked about.
    sandbox.start_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster?api-version=2021-04-01");
    assert!(sandbox.request("DELETE", &group, None).0 < 300);
    wait_for("the group to be gone", || sandbox.request("GET", &group, None).0 == 404);
    let ended = sandbox.succeed(&LIST);
    assert!(ended.stdout.contains("gone: azure-coreos-cluster destroy mycluster forgets it"), "{}", ended.stdout);
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert_eq!(sandbox.succeed(&LIST).stdout, "no clusters\n");
}

/// Nobody is told that a cluster is gone, or runs, who was not told so by Azure.
#[test]
fn what_cannot_be_told_is_an_error_and_no_state() {
    let sandbox = Sandbox::with_emulator(&[]);
    for name in ["first", "second"] {
        sandbox.succeed(&[name, "--local", "--no-wait"]);
    }
    // A list that is not Azure's, or lacks what is there, says nothing of clusters that are known.
    for (body, exit_code) in [("html", 6), ("empty", 6), ("empty_list", 6), ("cut_short", 6)] {
        let effect = json!({"answer_replaced": {"body": body}});
        sandbox.faults(json!([{"method": "GET", "type": "resources", "times": 1000, "effect": effect}]));
        let ended = sandbox.run(&[&LIST[..], &["-o", "json"]].concat()).demand(exit_code);
        assert_eq!(of_each(&ended.json()), ["first running here", "second running here"], "{body}");
        ended.says(&["error: listing what carries a cluster's tag"]);
        sandbox.no_faults();
    }
    // One machine that nobody may look at is one cluster's matter.
    let refused = json!({"status": {"code": 403, "error": "AuthorizationFailed", "message": "not you"}});
    let name = "second-coreos-1";
    let kind = "Microsoft.Compute/virtualMachines";
    sandbox.faults(json!([{"method": "GET", "type": kind, "name": name, "times": 1000, "effect": refused}]));
    for (arguments, expected) in [
        (vec![], ["first running here", "second unknown here"]),
        (vec!["--state-dir", "other"], ["first running elsewhere", "second unknown elsewhere"]),
    ] {
        let ended = sandbox.run(&[&LIST[..], &["-o", "json"], &arguments].concat()).demand(5);
        assert_eq!(of_each(&ended.json()), expected);
        ended.says(&["AuthorizationFailed", name]);
    }
    sandbox.no_faults();

    // Machines that lost their tag are there all the same, and a stranger's that has it is none.
    for node in 0..3 {
        let url = machine("first", &format!("first-coreos-{node}"), "");
        let (_, mut document) = sandbox.request("GET", &url, None);
        document["tags"] = json!({});
        assert!(sandbox.request("PUT", &url, Some(&document)).0 < 300);
    }
    let ended = sandbox.succeed(&LIST);
    let told = "unknown: 3 of its machines have lost their tag: azure-coreos-cluster status first";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    let url = machine("second", "second-coreos-0", "");
    let (_, mut document) = sandbox.request("GET", &url, None);
    document["tags"]["coreos-cluster"] = json!("ghost\u{1b}[31m\nx");
    assert!(sandbox.request("PUT", &url, Some(&document)).0 < 300);
    let ended = sandbox.succeed(&[&LIST[..], &["--state-dir", "other"]].concat());
    assert_eq!((ended.stdout.lines().count(), ended.stdout.contains("ghost")), (3, false), "{}", ended.stdout);
    document["tags"]["coreos-cluster"] = json!("second");
    assert!(sandbox.request("PUT", &url, Some(&document)).0 < 300);

    // A directory that is damaged keeps none from being listed, and is found again by its name.
    let files = ["spec.json", "spec.copy.json"].map(|file| sandbox.cluster("second").join(file));
    let kept = files.each_ref().map(|file| std::fs::read(file).unwrap());
    for file in &files {
        std::fs::write(file, "{").unwrap();
    }
    let ended = sandbox.run(&[&LIST[..], &["-o", "json"]].concat());
    assert_eq!(of_each(&ended.json()), ["first unknown here", "second running here"]);
    assert!(ended.status != Some(0) && ended.stderr.contains("is damaged"), "{}", ended.stderr);
    for file in &files {
        std::fs::remove_file(file).unwrap();
    }
    let ended = sandbox.succeed(&LIST);
    assert!(ended.stdout.contains("is lost; `azure-coreos-cluster second` with all options"), "{}", ended.stdout);
    for (file, content) in files.iter().zip(kept) {
        std::fs::write(file, content).unwrap();
    }
    // As told: the same command makes nothing anew.
    sandbox.succeed(&["second", "--local", "--no-wait"]).says(&["plan: nothing to do"]);
}

#[test]
fn azure_is_asked_when_anything_says_that_somebody_means_it() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let ended = sandbox.succeed(&["list"]).says(&["▴ Azure was not asked: nobody here has signed in"]);
    assert!(ended.stdout.contains("mycluster"), "{}", ended.stdout);
    let quiet = sandbox.succeed(&LIST);
    assert_eq!(quiet.stderr, "");
    sandbox.run(&["list", "--tenant", "a/b"]).demand(3).says(&["--tenant"]);
    sandbox.run(&["list", "--local", "--tenant", "a/b"]).demand(3).says(&["--tenant"]);
    for variables in [[("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION)], [("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")]] {
        let ended = sandbox.run_with(&["list", "-o", "json"], &variables).demand(4);
        assert_eq!(of_each(&ended.json()), ["mycluster running here"], "{variables:?}");
    }
    let help = sandbox.succeed(&["list", "-h"]).stdout;
    assert!(help.contains("Ask the local emulator only") && !help.contains("it is started"), "{help}");
}

/// With several, one is named: by the flag, else for a whole shell.
#[test]
fn the_cluster_of_a_shell_is_named_once() {
    let sandbox = Sandbox::with_emulator(&[]);
    for name in ["first", "second"] {
        sandbox.succeed(&[name, "--local", "--no-wait"]);
    }
    let several = sandbox.platformctl(&["machines"]).demand(3);
    several.says(&[
        "there are several clusters, name one: first, second",
        "hint: --cluster NAME, or PLATFORMCTL_CLUSTER=NAME",
    ]);
    let named = [("PLATFORMCTL_CLUSTER", "second")];
    sandbox.platformctl_with(&["machines"], &named).demand(8).says(&["cluster `second` has no machines"]);
    let flag = ["machines", "--cluster", "first"];
    sandbox.platformctl_with(&flag, &named).demand(8).says(&["cluster `first` has no machines"]);
    let unknown = [("PLATFORMCTL_CLUSTER", "third")];
    let ended = sandbox.platformctl_with(&["machines"], &unknown).demand(3);
    ended.says(&["`PLATFORMCTL_CLUSTER`: no cluster `third` is known", "these are: first, second"]);
}

/// The directory is lost, or on another machine.
#[test]
fn a_cluster_that_is_not_kept_here_is_found_by_its_tag_and_removed() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait", "--deis", "--data-disk"]);
    sandbox.succeed(&[
        "mycluster",
        "--local",
        "--no-wait",
        "--state-dir",
        "other",
        "--resource-group",
        "theirs",
        "--location",
        "northeurope",
    ]);
    let theirs = sandbox.resources("theirs");
    // Somebody else's, to which a policy passed the group's tag on; its name is nearly that of a machine.
    let path = |name: &str| {
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/publicIPAddresses/{name}"
        )
    };
    for name in ["precious", "mycluster-jumpbox-1-ip"] {
        let body = json!({"location": "westeurope", "tags": {"coreos-cluster": "mycluster"}, "sku": {"name": "Standard"},
            "properties": {"publicIPAllocationMethod": "Static"}});
        assert!(sandbox.request("PUT", &format!("{}?api-version=2024-03-01", path(name)), Some(&body)).0 < 300);
    }

    let destroy = ["destroy", "mycluster", "--local", "--state-dir", "new", "--resource-group"];
    let of = |group: &'static str, more: &[&'static str]| [&destroy[..], &[group], more].concat();
    sandbox.run(&of("mycluster", &[])).demand(2).says(&[
        "removes 17 resources of the cluster:",
        "the resource group stays, because these are not the cluster's:",
        "precious",
        "with the keys of its machines, is not here",
        "nobody is here to confirm; `azure-coreos-cluster destroy mycluster --resource-group mycluster --local --yes`",
    ]);
    sandbox
        .run(&of("elsewhere", &["--yes"]))
        .demand(3)
        .says(&["nothing in resource group `elsewhere` carries the tag", "hint: azure-coreos-cluster list --local"]);
    sandbox.run(&of("a/b", &["--yes"])).demand(3).says(&["`--resource-group`"]);
    let here = ["destroy", "mycluster", "--resource-group", "mycluster", "--yes"];
    sandbox.run(&here).demand(3).says(&["has a directory here", "leave the option out"]);

    sandbox.succeed(&of("MyCluster", &["--yes"])).says(&["removes 17 resources of the cluster:"]);
    assert_eq!(sandbox.resources("mycluster"), [path("mycluster-jumpbox-1-ip"), path("precious")]);
    assert_eq!(sandbox.resources("theirs"), theirs);
    assert_eq!(sandbox.succeed(&of("mycluster", &["--yes"])).stdout, "cluster mycluster: nothing was left on local\n");
    // The group with what is a stranger's stays.
    assert_eq!(listed(&sandbox, &LIST), ["mycluster no_machines here", "mycluster running elsewhere"]);
}
