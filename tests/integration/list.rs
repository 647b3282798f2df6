//! Several clusters: `list` tells those that are kept here and those that Azure and the emulator have, and one of them is meant.

use serde_json::{Value, json};

use crate::sandbox::{SUBSCRIPTION, Sandbox, wait_for};

const LIST: [&str; 2] = ["list", "--local"];

/// `name state directory?` of each cluster.
fn listed(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let listed = sandbox.succeed(&[arguments, &["-o", "json"]].concat()).json();
    let of = |cluster: &Value| {
        let text = |key: &str| cluster[key].as_str().unwrap_or_default().to_owned();
        let kept = if cluster["directory"].is_null() { "elsewhere" } else { "here" };
        format!("{} {} {kept}", text("name"), text("state"))
    };
    listed.as_array().expect("a list").iter().map(of).collect()
}

fn machine(node: &str, action: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Compute/virtualMachines/{node}{action}\
         ?api-version=2024-07-01"
    )
}

#[test]
fn clusters_are_listed_wherever_they_are_known() {
    let mut sandbox = Sandbox::with_emulator(&[]);
    assert_eq!(sandbox.succeed(&LIST).stdout, "no clusters\n");
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    // Without machines, nobody knows whether they are on; one that is off is known to be.
    assert_eq!(listed(&sandbox, &LIST), ["mycluster unknown here"]);
    for node in 0..3 {
        let node = format!("mycluster-coreos-{node}");
        assert!(sandbox.request("POST", &machine(&node, "/deallocate"), None).0 < 300);
    }
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
    assert_eq!(listed(&sandbox, &LIST), ["mycluster stopped here", "second unknown elsewhere"]);
    sandbox.succeed(&["destroy", "second", "--yes", "--state-dir", "other"]);
    assert_eq!(listed(&sandbox, &LIST), ["mycluster stopped here"]);

    // Nobody is signed in to Azure, and no cluster of this machine is there.
    let ended = sandbox.succeed(&["list"]).says(&["Azure was not asked: "]);
    assert!(ended.stdout.contains("mycluster"), "{}", ended.stdout);
    let nothing = sandbox.run(&["list", "--state-dir", "nothing-here", "--tenant", "a/b"]).demand(3);
    nothing.says(&["--tenant"]);

    // A list that is not Azure's is an error, and says of no cluster that it is gone.
    for body in ["html", "empty", "empty_list", "cut_short"] {
        let effect = json!({"answer_replaced": {"body": body}});
        sandbox.faults(json!([{"method": "GET", "type": "resources", "times": 1000, "effect": effect}]));
        let ended = sandbox.run(&LIST).demand(6).says(&["listing what carries a cluster's tag"]);
        assert!(ended.stdout.contains("unknown: the local emulator was not asked"), "{body}: {}", ended.stdout);
        sandbox.no_faults();
    }

    // A directory that is damaged keeps none from being listed.
    let spec = sandbox.cluster("broken").join("spec.json");
    std::fs::create_dir_all(spec.parent().unwrap()).unwrap();
    std::fs::write(&spec, "{").unwrap();
    let ended = sandbox.succeed(&LIST).says(&["broken: "]);
    assert!(ended.stdout.contains("mycluster"), "{}", ended.stdout);
    std::fs::remove_dir_all(spec.parent().unwrap()).unwrap();

    // An emulator that does not run is not started.
    sandbox.kill_emulator();
    assert_eq!(listed(&sandbox, &LIST), ["mycluster unknown here"]);
    let ended = sandbox.succeed(&LIST);
    assert!(ended.stdout.contains("unknown: the local emulator does not run"), "{}", ended.stdout);
    sandbox.run(&["local", "status"]).demand(8);

    // What is not there any more is told from what nobody was asked about.
    sandbox.start_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster?api-version=2021-04-01");
    assert!(sandbox.request("DELETE", &group, None).0 < 300);
    wait_for("the group to be gone", || sandbox.request("GET", &group, None).0 == 404);
    assert_eq!(listed(&sandbox, &LIST), ["mycluster gone here"]);
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
