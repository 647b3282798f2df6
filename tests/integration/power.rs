//! `stop`, `start` and `restart`: what Azure is asked to do, what is told, and what goes on after a bad end.

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::sandbox::{CREATOR, Ended, SUBSCRIPTION, Sandbox, wait_for};

const CREATE: [&str; 3] = ["mycluster", "--local", "--no-wait"];
const STOP: [&str; 3] = ["stop", "mycluster", "--yes"];
const START: [&str; 2] = ["start", "mycluster"];
const RESTART: [&str; 2] = ["restart", "mycluster"];
const NODES: [&str; 3] = ["mycluster-coreos-0", "mycluster-coreos-1", "mycluster-coreos-2"];
const MACHINES: &str = "Microsoft.Compute/virtualMachines";

fn machine(node: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/{MACHINES}/{node}")
}

fn url(node: &str, view: &str) -> String {
    format!("{}{view}?api-version=2024-07-01", machine(node))
}

/// What the emulator says of each machine's power; without machines, `unknown` is one that shall run.
fn powers(sandbox: &Sandbox) -> Vec<String> {
    let power = |node: &&str| {
        let (_, view) = sandbox.request("GET", &url(node, "/instanceView"), None);
        let statuses = view["statuses"].as_array().cloned().unwrap_or_default();
        let code = statuses.iter().find_map(|status| status["code"].as_str()?.strip_prefix("PowerState/"));
        code.unwrap_or("none").to_owned()
    };
    NODES.iter().map(power).collect()
}

/// `node action` of every request that wrote and was taken, since the journal was last cleared.
fn acts(sandbox: &Sandbox) -> Vec<String> {
    let taken = sandbox.writes().into_iter().filter(|(_, _, status)| *status < 300);
    let act = |(_, path, _): (String, String, u64)| {
        let path = path.split('?').next().unwrap_or_default().to_owned();
        path.rsplit('/').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" ")
    };
    let mut acts: Vec<String> = taken.map(act).collect();
    acts.sort();
    acts
}

fn all(action: &str) -> Vec<String> {
    NODES.iter().map(|node| format!("{node} {action}")).collect()
}

/// Runs a command with the journal cleared first.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    sandbox.clear_journal();
    sandbox.run(arguments)
}

fn fault(node: &str, effect: &Value) -> Value {
    json!([{"method": "POST", "type": MACHINES, "name": node, "effect": effect}])
}

/// Makes sure that the fault happened, and takes it away.
fn has_happened(sandbox: &Sandbox) {
    let (_, set) = sandbox.request("GET", "/azure-local/faults", None);
    assert!(set[0]["seen"].as_u64().is_some_and(|seen| seen > 0), "{set}");
    sandbox.no_faults();
}

#[test]
fn a_cluster_is_stopped_and_started_again() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[&CREATE[..], &["--data-disk"]].concat());
    let resources = sandbox.resources("mycluster");
    let ended = run(&sandbox, &STOP[..2]).demand(2);
    ended.says(&["nobody is here to confirm; `azure-coreos-cluster stop mycluster --yes` stops it without asking"]);
    assert_eq!(acts(&sandbox), Vec::<String>::new());

    // As told.
    let flags = ["-o", "json", "--events", "events.jsonl"];
    let stopped = run(&sandbox, &[&STOP[..], &flags].concat()).demand(0).json();
    assert_eq!((acts(&sandbox), powers(&sandbox)), (all("deallocate"), vec!["deallocated".to_owned(); 3]));
    assert_eq!((&stopped["deallocated"], &stopped["deallocated_before"]), (&json!(NODES), &json!([])), "{stopped}");
    assert_eq!(
        stopped["still_paid_for"],
        json!(["3 OS disks", "3 data disks", "1 public address", "the load balancer"]),
        "{stopped}"
    );
    assert!(stopped["saved"]["per_month"].as_f64().is_some_and(|saved| saved > 0.0), "{stopped}");
    let events = std::fs::read_to_string(sandbox.path("events.jsonl")).unwrap();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ends = events.iter().filter(|event| event["event"] == "step_finished" && event["action"] == "deallocate");
    assert_eq!(ends.count(), 3, "{events:?}");
    assert_eq!(
        (&events.last().unwrap()["event"], &events.last().unwrap()["exit_code"]),
        (&"finished".into(), &0.into())
    );

    let again =
        run(&sandbox, &STOP[..2]).demand(0).says(&["deallocated already: virtual machine `mycluster-coreos-0`"]);
    assert!(
        again.stdout.starts_with("cluster mycluster was stopped before: 3 machines are deallocated\n"),
        "{again:?}"
    );
    assert!(again.stdout.contains(" a month for 3 machines at list price\n"), "{again:?}");
    assert_eq!(acts(&sandbox), Vec::<String>::new());

    let start = "`azure-coreos-cluster start mycluster` starts";
    let status = sandbox.succeed(&["status", "mycluster"]);
    assert!(
        status.stdout.contains("deallocated\n")
            && status.stdout.contains(&format!("3 of 3 machines are off: {start} them\n")),
        "{status:?}"
    );
    // Nobody waits ten minutes for machines that are off.
    let off = "virtual machine `mycluster-coreos-0` is deallocated";
    sandbox.run(&CREATE[..2]).demand(8).says(&[&format!("error: {off}"), start]);
    sandbox.succeed(&CREATE).says(&["plan: nothing to do", off, start]);
    run(&sandbox, &RESTART).demand(8).says(&[&format!("error: {off}, and only what runs is restarted"), start]);
    assert_eq!(acts(&sandbox), Vec::<String>::new());

    // As told, though one runs already.
    let (accepted, _) = sandbox.request("POST", &url(NODES[1], "/start"), None);
    assert_eq!(accepted, 202);
    wait_for("the start", || powers(&sandbox)[1] == "unknown");
    let started = run(&sandbox, &START).demand(0).says(&["running already: virtual machine `mycluster-coreos-1`"]);
    assert!(started.stdout.starts_with("cluster mycluster in westeurope (local)\n"), "{started:?}");
    assert_eq!(acts(&sandbox), ["mycluster-coreos-0 start", "mycluster-coreos-2 start"]);
    assert_eq!((powers(&sandbox), sandbox.resources("mycluster")), (vec!["unknown".to_owned(); 3], resources));
    assert!(!sandbox.succeed(&["status", "mycluster"]).stdout.contains("are off"));

    // An address that has changed.
    let file = sandbox.cluster("mycluster").join("inventory.json");
    let inventory = std::fs::read_to_string(&file).unwrap();
    let mut old: Value = serde_json::from_str(&inventory).unwrap();
    old["nodes"][1]["ssh"]["port"] = json!(9);
    std::fs::write(&file, old.to_string()).unwrap();
    let started = run(&sandbox, &[&START[..], &["-o", "json"]].concat()).demand(0);
    assert_eq!(acts(&sandbox), Vec::<String>::new());
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(parse(&std::fs::read_to_string(&file).unwrap()), parse(&inventory));
    assert_eq!(started.json()["nodes"][1]["ssh"], parse(&inventory)["nodes"][1]["ssh"]);
    started.says(&["the machines are reached at other addresses than before"]);
}

#[test]
fn nodes_are_restarted_one_after_the_other() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.01"]);
    sandbox.succeed(&CREATE);
    for (node, part) in [
        ("mycluster-coreos-9", "hint: did you mean `mycluster-coreos-"),
        (
            "3",
            "error: `--node`: `3` is no node of cluster mycluster; these are: mycluster-coreos-0, mycluster-coreos-1",
        ),
    ] {
        run(&sandbox, &[&RESTART[..], &["--node", node]].concat()).demand(3).says(&[part]);
        assert_eq!(acts(&sandbox), Vec::<String>::new());
    }
    let ended = run(&sandbox, &[&RESTART[..], &["--node", NODES[2], "--node", "0", "-o", "json"]].concat()).demand(0);
    assert_eq!(ended.json(), json!({"name": "mycluster", "restarted": [NODES[0], NODES[2]]}));
    assert_eq!(acts(&sandbox), ["mycluster-coreos-0 restart", "mycluster-coreos-2 restart"]);

    sandbox.clear_journal();
    sandbox.faults(fault(
        NODES[1],
        &json!({"status": {"code": 409, "error": "OperationNotAllowed", "message": "not on a Sunday"}}),
    ));
    let rest = "azure-coreos-cluster restart mycluster --node mycluster-coreos-1 --node mycluster-coreos-2";
    sandbox.run(&RESTART).demand(5).says(&[
        "error: restarting virtual machine `mycluster-coreos-1`\ncause: OperationNotAllowed: not on a Sunday\nrequest id: ",
        &format!(
            "hint: restarted: mycluster-coreos-0; not restarted: mycluster-coreos-1, mycluster-coreos-2; `{rest}` goes on with them"
        ),
    ]);
    has_happened(&sandbox);
    // As told.
    let told: Vec<&str> = rest.split(' ').skip(1).collect();
    sandbox.succeed(&told);
    assert_eq!(acts(&sandbox), all("restart"));
    let (_, journal) = sandbox.request("GET", "/azure-local/journal", None);
    let mut times: Vec<(u64, u64)> = journal["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| {
            let time = |name: &str| operation[name].as_u64().unwrap_or_else(|| panic!("{name} in {operation}"));
            (time("started_milliseconds"), time("finished_milliseconds"))
        })
        .collect();
    times.sort_unstable();
    assert_eq!(times.len(), 3, "{journal}");
    assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "never two at a time: {times:?}");
}

#[test]
fn only_the_clusters_own_machines_are_touched() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.run(&["stop", "mycluster", "--yes"]).demand(3).says(&["no cluster `mycluster` is known"]);
    assert!(!sandbox.cluster("mycluster").exists());
    sandbox.succeed(&CREATE);
    let verbs = [&STOP[..], &START[..], &RESTART[..]];

    // The machine of another cluster that has this one's name, and not its tag.
    let (_, own) = sandbox.request("GET", &url(NODES[1], ""), None);
    let with_tags = |tags: Value| {
        let mut document = own.clone();
        document["tags"] = tags;
        let (status, answer) = sandbox.request("PUT", &url(NODES[1], ""), Some(&document));
        assert!(status < 300, "{answer}");
    };
    with_tags(json!({"coreos-cluster": "theirs"}));
    for verb in verbs {
        run(&sandbox, verb).demand(5).says(&[
            &format!("error: looking for the machines to {}", verb[0]),
            "not this cluster's, because they do not carry its tag `coreos-cluster=mycluster`: virtual machine `mycluster-coreos-1`",
            "hint: nothing was done; when they are the cluster's, give them its tag, then",
        ]);
        assert_eq!(acts(&sandbox), Vec::<String>::new());
    }
    // One of this name that was made from another directory.
    let mut tags = own["tags"].clone();
    let keys = tags["coreos-cluster-keys"].as_str().unwrap();
    let authority = keys.split_once("authority=").unwrap().1.split(' ').next().unwrap();
    tags["coreos-cluster-keys"] = json!(keys.replace(authority, &authority.chars().rev().collect::<String>()));
    with_tags(tags);
    for verb in verbs {
        let authority = sandbox.cluster("mycluster").join("authority.json");
        run(&sandbox, verb).demand(3).says(&[
            &format!(
                "error: `{}`: is not the authority that virtual machine `mycluster-coreos-1` trust",
                authority.display()
            ),
            "hint: nothing was done; ",
        ]);
        assert_eq!(acts(&sandbox), Vec::<String>::new());
    }
    with_tags(own["tags"].clone());

    // One that is gone: the others are stopped and started, and what makes it anew is said.
    sandbox.request("DELETE", &url(NODES[1], ""), None);
    wait_for("the end of the machine", || sandbox.request("GET", &url(NODES[1], ""), None).0 == 404);
    let anew = "`azure-coreos-cluster mycluster` makes";
    run(&sandbox, &STOP).demand(0).says(&["do not exist: virtual machine `mycluster-coreos-1`", anew]);
    assert_eq!(acts(&sandbox), ["mycluster-coreos-0 deallocate", "mycluster-coreos-2 deallocate"]);
    run(&sandbox, &START).demand(5).says(&["cause: do not exist: virtual machine `mycluster-coreos-1`", anew]);
    assert_eq!(acts(&sandbox), ["mycluster-coreos-0 start", "mycluster-coreos-2 start"]);
    run(&sandbox, &RESTART).demand(5).says(&["cause: it does not exist", "nothing was restarted; ", anew]);
    assert_eq!(acts(&sandbox), Vec::<String>::new());
    // As told.
    sandbox.succeed(&CREATE);
    run(&sandbox, &STOP).demand(0);
    assert_eq!(acts(&sandbox), all("deallocate"));
}

#[test]
fn what_goes_wrong_on_the_way_is_waited_for_or_told() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let status = |code: u16, error: &str| json!({"status": {"code": code, "error": error, "message": "later", "retry_after_seconds": 1}});
    // Each verb with what passes by itself.
    for (effect, verb) in [
        (status(429, "TooManyRequests"), &STOP[..]),
        (status(409, "AnotherOperationInProgress"), &START[..]),
        (status(500, "InternalServerError"), &STOP[..]),
        (json!("drop_before"), &START[..]),
        (json!("drop_after"), &STOP[..]),
        (json!("silent_after"), &START[..]),
    ] {
        sandbox.faults(fault(NODES[1], &effect));
        sandbox.run_with(verb, &[("AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT", "2")]).demand(0);
        has_happened(&sandbox);
        let expected = if verb[0] == "stop" { "deallocated" } else { "unknown" };
        assert_eq!(powers(&sandbox), [expected; 3], "{effect}");
    }
    // What does not: the others are stopped all the same, and the next run stops the one that is left.
    let failed = json!({"operation_failed": {"code": "InternalExecutionError", "message": "a rack fell over"}});
    let lied = json!({"answer_replaced": {"body": "empty", "status": 200}});
    for (effect, cause) in [
        (status(409, "OperationNotAllowed"), "cause: OperationNotAllowed: later\nrequest id: "),
        (status(404, "ResourceNotFound"), "cause: ResourceNotFound: later\nrequest id: "),
        (failed, "cause: InternalExecutionError: a rack fell over"),
        (lied, "cause: Azure says that it is done, and the machine is in a power state that Azure does not tell"),
    ] {
        sandbox.faults(fault(NODES[1], &effect));
        let hint = match cause.contains("NotFound") {
            true => "hint: the machine is gone: `azure-coreos-cluster mycluster` makes it anew",
            false => "hint: `azure-coreos-cluster stop mycluster` goes on from here; what is done stays",
        };
        let error = "error: deallocating virtual machine `mycluster-coreos-1`\n";
        sandbox.run(&STOP).demand(5).says(&[&format!("{error}{cause}"), hint]);
        has_happened(&sandbox);
        assert_eq!(powers(&sandbox), ["deallocated", "unknown", "deallocated"], "{effect}");
        run(&sandbox, &STOP).demand(0);
        assert_eq!(acts(&sandbox), ["mycluster-coreos-1 deallocate"], "{effect}");
        sandbox.succeed(&START);
    }
}

/// Starts a command, and waits until it has asked for that many changes.
fn begun(sandbox: &Sandbox, arguments: &[&str], acts_begun: usize) -> Child {
    sandbox.clear_journal();
    let mut command = sandbox.command(CREATOR, arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first change", || acts(sandbox).len() >= acts_begun);
    child
}

#[test]
fn a_run_that_is_cut_off_is_gone_on_with() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.1"]);
    sandbox.succeed(&CREATE);
    for (verb, begun_acts, power) in [(&STOP[..], 2, "deallocated"), (&START[..], 1, "unknown")] {
        let mut child = begun(&sandbox, verb, begun_acts);
        // One run at a time.
        sandbox.run(&STOP).demand(2).says(&["error: another run works on this cluster"]);
        child.kill().unwrap();
        child.wait().unwrap();
        sandbox.succeed(verb);
        assert_eq!(powers(&sandbox), [power; 3], "{verb:?}");
    }
    for (verb, hint) in [
        (
            &RESTART[..],
            format!("restarted: none; not restarted: {}; `azure-coreos-cluster restart mycluster", NODES.join(", ")),
        ),
        (&STOP[..], "`azure-coreos-cluster stop mycluster` goes on; what Azure has begun goes on by itself".to_owned()),
    ] {
        let child = begun(&sandbox, verb, 1);
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let ended = Ended::from(child.wait_with_output().unwrap()).demand(130);
        ended.says(&[&format!("error: interrupted\nhint: {hint}")]);
    }
    sandbox.succeed(&STOP);
    assert_eq!(powers(&sandbox), ["deallocated"; 3]);
}
