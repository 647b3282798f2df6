//! `kill -9` at any moment: the next run goes on and ends with the same resources.

use std::process::Stdio;

use crate::sandbox::{CREATOR, Ended, SUBSCRIPTION, Sandbox, wait_for};

const CREATE: [&str; 3] = ["mycluster", "--local", "--no-wait"];
/// Operations take long enough to be interrupted, and Azure's latencies differ enough to be interrupted everywhere.
const SLOW: [&str; 4] = ["--latency", "azure", "--time-scale", "0.01"];

#[test]
fn killed_after_any_request() {
    let undisturbed = {
        let sandbox = Sandbox::with_emulator(&[]);
        sandbox.succeed(&CREATE);
        sandbox.resources("mycluster")
    };
    let mut killed = 0;
    for after in 1.. {
        let sandbox = Sandbox::with_emulator(&SLOW);
        if !sandbox.killed_after(&CREATE, after) {
            break;
        }
        killed += 1;
        sandbox.succeed(&CREATE);
        assert_eq!(sandbox.resources("mycluster"), undisturbed, "killed after {after} requests");
        sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    }
    assert!(killed >= 5, "only {killed} runs were interrupted");
}

#[test]
fn interrupted_from_the_keyboard() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure"]);
    let mut command = sandbox.command(CREATOR, &[&CREATE[..], &["--events", "events.jsonl"]].concat());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first write", || !sandbox.writes().is_empty());
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap()).demand(130);
    ended.says(&["error: interrupted\nhint: azure-coreos-cluster mycluster goes on from here"]);
    let events = std::fs::read_to_string(sandbox.path("events.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"finished".into(), &130.into()), "{last}");
}

#[test]
fn what_is_being_deleted_is_waited_for() {
    for target in ["", "/providers/Microsoft.Compute/virtualMachines/mycluster-coreos-1"] {
        // Where a command takes its time, the deletion may be over before it looks: the next one takes longer.
        let mut said = String::new();
        let is_waited_for = ["0.05", "0.2", "0.8"].into_iter().any(|scale| {
            said = after_a_deletion(target, scale).stderr;
            said.contains("is being deleted; waiting until it is gone")
        });
        assert!(is_waited_for, "`{target}`: {said}");
    }
}

/// A run that begins while the cluster's resource group, or what is below it, is being deleted; it ends with a whole cluster.
fn after_a_deletion(target: &str, scale: &str) -> Ended {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", scale]);
    sandbox.succeed(&CREATE);
    let before = sandbox.resources("mycluster");
    let version = if target.is_empty() { "2021-04-01" } else { "2024-07-01" };
    let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster{target}?api-version={version}");
    let (status, answer) = sandbox.request("DELETE", &path, None);
    assert_eq!(status, 202, "{answer}");
    let ended = sandbox.succeed(&CREATE);
    assert_eq!(sandbox.resources("mycluster"), before);
    ended
}

#[test]
fn two_first_runs_at_once_end_with_one_set_of_keys() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.02"]);
    let start = || {
        let mut command = sandbox.command(CREATOR, &CREATE);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for mut child in [start(), start(), start()] {
        child.wait().unwrap();
    }
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    let text = |file: &str| std::fs::read_to_string(sandbox.cluster("mycluster").join(file)).unwrap();
    let spec: serde_json::Value = serde_json::from_str(&text("spec.json")).unwrap();
    assert_eq!(spec["spec"]["ssh_public_key"].as_str().unwrap(), text("id_ed25519.pub").trim());
    let known_hosts = text("known_hosts");
    for node in ["mycluster-coreos-0", "mycluster-coreos-1", "mycluster-coreos-2"] {
        let keys: serde_json::Value = serde_json::from_str(&text(&format!("nodes/{node}.json"))).unwrap();
        let public = keys["ssh_host_key"]["public"].as_str().unwrap().split_whitespace().nth(1).unwrap().to_owned();
        assert!(known_hosts.contains(&public), "{node}");
        let path = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Compute/virtualMachines/{node}\
             ?api-version=2024-07-01"
        );
        let (_, machine) = sandbox.request("GET", &path, None);
        let key = machine.pointer("/properties/osProfile/linuxConfiguration/ssh/publicKeys/0/keyData").unwrap();
        assert_eq!(key.as_str().unwrap().trim(), text("id_ed25519.pub").trim());
    }
}

#[test]
fn two_runs_at_once_do_not_mix() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure"]);
    let mut command = sandbox.command(CREATOR, &CREATE);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the first write", || !sandbox.writes().is_empty());
    sandbox.run(&CREATE).demand(2).says(&["error: another run works on this cluster"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
