//! A cluster from nothing, again, and larger.

use std::os::unix::fs::PermissionsExt as _;

use crate::sandbox::{SUBSCRIPTION, Sandbox};

const CREATE: [&str; 5] = ["mycluster", "--local", "--no-wait", "-o", "json"];

#[test]
fn from_nothing_to_an_inventory() {
    let sandbox = Sandbox::with_emulator(&[]);
    let ended = sandbox.succeed(&[&CREATE[..], &["--deis", "--data-disk", "50"]].concat());
    let inventory = ended.json();
    assert_eq!(inventory["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(inventory["fqdn"], "mycluster.westeurope.cloudapp.azure.com");
    let mut ports: Vec<u64> =
        inventory["nodes"].as_array().unwrap().iter().map(|node| node["ssh"]["port"].as_u64().unwrap()).collect();
    ports.sort_unstable();
    assert_eq!(ports, [22001, 22002, 22003]);
    let names: Vec<&str> =
        inventory["ports"].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["web", "https", "builder"]);

    // Every port stands for the node that Azure says it leads to, not for the node's number.
    for node in inventory["nodes"].as_array().unwrap() {
        let name = node["name"].as_str().unwrap();
        let pool = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/loadBalancers/mycluster-lb\
             /backendAddressPools/nodes?api-version=2024-03-01"
        );
        let (_, pool) = sandbox.request("GET", &pool, None);
        let addresses = pool["properties"]["loadBalancerBackendAddresses"].as_array().unwrap().clone();
        let address = addresses.iter().find(|address| address["name"].as_str().unwrap().contains(name)).unwrap();
        let port = &address["properties"]["inboundNatRulesPortMapping"][0]["frontendPort"];
        assert_eq!(port, &node["ssh"]["port"], "{name}");
    }

    let writes = sandbox.writes();
    assert!(writes.len() <= 2 * 3 + 8, "{writes:#?}");
}

#[test]
fn everything_in_the_directory_is_private_and_nothing_of_it_is_printed() {
    let sandbox = Sandbox::with_emulator(&[]);
    let events = sandbox.path("events.jsonl");
    let ended = sandbox.succeed(&[&CREATE[..], &["--events", events.to_str().unwrap()]].concat());
    let directory = sandbox.cluster("mycluster");
    let mut secrets = Vec::new();
    for folder in [directory.clone(), directory.join("nodes")] {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert!(mode == 0o600 || entry.file_name() == "lock", "{:?} has mode {mode:o}", entry.path());
            let text = std::fs::read_to_string(entry.path()).unwrap();
            secrets.extend(
                text.split("PRIVATE KEY-----")
                    .skip(1)
                    .step_by(2)
                    .map(|key| key.trim_matches(['\\', 'n', '\n']).to_owned()),
            );
        }
    }
    // The operator's, the authority's, and three of each node.
    assert_eq!(secrets.len(), 2 + 3 * 3);
    let printed = ended.stdout + &ended.stderr + &std::fs::read_to_string(events).unwrap();
    let log = std::fs::read_to_string(sandbox.path("emulator.log")).unwrap();
    for secret in secrets {
        let middle = &secret[secret.len() / 2 - 10..secret.len() / 2 + 10];
        assert!(!printed.contains(middle) && !log.contains(middle));
    }
}

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let sandbox = Sandbox::with_emulator(&[]);
    let first = sandbox.succeed(&[&CREATE[..], &["--deis"]].concat());
    sandbox.clear_journal();
    let second = sandbox.succeed(&CREATE).says(&["plan: nothing to do, 12 resources are as they should be"]);
    assert_eq!(sandbox.writes(), []);
    assert_eq!(first.json(), second.json());
}

#[test]
fn a_plan_sends_no_request_that_writes() {
    let sandbox = Sandbox::with_emulator(&[]);
    let ended = sandbox.succeed(&["plan", "mycluster", "--local"]);
    assert!(ended.stdout.ends_with("12 to create, 0 to update, 0 to wait for, 0 to keep\n"), "{}", ended.stdout);
    assert_eq!(sandbox.writes(), []);
    assert!(!sandbox.cluster("mycluster").exists(), "a plan leaves no file");

    sandbox.succeed(&[&CREATE[..], &["--deis"]].concat());
    sandbox.clear_journal();
    let ended = sandbox.succeed(&["plan", "mycluster", "--num-nodes", "4", "-o", "json"]);
    assert_eq!(sandbox.writes(), []);
    let actions = |word: &str| ended.json().as_array().unwrap().iter().filter(|step| step["action"] == word).count();
    assert_eq!((actions("create"), actions("update"), actions("keep")), (2, 1, 11));
}

#[test]
fn a_cluster_grows_and_its_nodes_stay() {
    let sandbox = Sandbox::with_emulator(&[]);
    let before = sandbox.succeed(&CREATE).json();
    let after = sandbox.succeed(&[&CREATE[..], &["--num-nodes", "6"]].concat()).json();
    let members = |inventory: &serde_json::Value| {
        inventory["nodes"].as_array().unwrap().iter().filter(|node| node["etcd_member"] == true).count()
    };
    assert_eq!((members(&before), members(&after)), (3, 5));
    assert_eq!(before["nodes"].as_array().unwrap()[..], after["nodes"].as_array().unwrap()[..3]);
    assert_eq!(after["nodes"].as_array().unwrap().len(), 6);
}

#[test]
fn the_emulator_forgets_nothing_when_it_is_killed() {
    let mut sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let before = sandbox.resources("mycluster");
    sandbox.kill_emulator();
    sandbox.start_emulator(&[]);
    assert_eq!(sandbox.resources("mycluster"), before);
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
}

#[test]
fn two_clusters_do_not_meet() {
    let sandbox = Sandbox::with_emulator(&[]);
    let one = sandbox.succeed(&CREATE).json();
    let two = sandbox.succeed(&["other", "--local", "--no-wait", "-o", "json"]).json();
    assert_ne!(one["public_address"], two["public_address"]);
    assert_ne!(one["nodes"][0]["host_key"], two["nodes"][0]["host_key"]);
    sandbox.succeed(&["destroy", "other", "--yes"]);
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
}

#[test]
fn ports_that_are_closed_again_are_closed() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[&CREATE[..], &["--deis"]].concat());
    let inventory = sandbox.succeed(&[&CREATE[..], &["--deis=false", "--yes"]].concat()).json();
    assert_eq!(inventory["ports"], serde_json::json!([]));
    let (_, listeners) = sandbox.request("GET", "/azure-local/listeners", None);
    let rules: Vec<&str> = listeners
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["rule"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(rules, ["ssh"; 3]);
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
}

#[test]
fn rules_that_a_user_added_stay() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let group = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/networkSecurityGroups\
         /mycluster-nsg?api-version=2024-03-01"
    );
    let (_, mut document) = sandbox.request("GET", &group, None);
    let mut rule = document["properties"]["securityRules"][0].clone();
    rule["name"] = "office".into();
    rule["properties"]["priority"] = 500.into();
    document["properties"]["securityRules"].as_array_mut().unwrap().push(rule);
    let (status, answer) = sandbox.request("PUT", &group, Some(&document));
    assert!(status < 300, "{answer}");
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    sandbox.succeed(&[&CREATE[..], &["--deis"]].concat());
    let (_, document) = sandbox.request("GET", &group, None);
    let names: Vec<&str> = document["properties"]["securityRules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"office") && names.contains(&"web"), "{names:?}");
}

#[test]
fn a_cluster_whose_keys_are_elsewhere_is_not_touched() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    sandbox.clear_journal();
    let elsewhere = sandbox.path("elsewhere");
    let again = [&CREATE[..], &["--state-dir", elsewhere.to_str().unwrap()]].concat();
    sandbox.run(&again).demand(3).says(&["3 machines of this cluster exist, but their keys are not in", "--state-dir"]);
    assert_eq!(sandbox.writes(), []);
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.02"]);
    let mut command = sandbox.command(crate::sandbox::CREATOR, &CREATE);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.resources("mycluster").len(), 14);
}

#[test]
fn a_small_cluster_has_a_single_member() {
    let sandbox = Sandbox::with_emulator(&[]);
    let inventory = sandbox.succeed(&[&CREATE[..], &["--num-nodes", "1", "--allow-small"]].concat()).json();
    assert_eq!(inventory["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(inventory["nodes"][0]["etcd_member"], true);
}
