//! What reaches terminals and other programs: no control characters of others, and no event that is lost without a word.

use std::process::Stdio;

use serde_json::json;

use crate::sandbox::{CREATOR, Ended, Sandbox, wait_for};

const CREATE: [&str; 3] = ["mycluster", "--local", "--no-wait"];

#[test]
fn nothing_of_others_acts_on_a_terminal() {
    let sandbox = Sandbox::with_emulator(&[]);
    let acts = "\u{1b}[2J\u{9b}1m\u{7}\r";
    let status = json!({"code": 409, "error": "QuotaExceeded", "message": format!("no {acts} more")});
    sandbox.faults(json!([{"method": "PUT", "type": "Microsoft.Network/loadBalancers", "effect": {"status": status}}]));
    let quota = sandbox.run(&CREATE).demand(5);
    sandbox.no_faults();
    std::fs::write(sandbox.path("c.yaml"), "name: abc\nvm_size: \"x\\e[31m\"\nlocation: \"\\x9b\"\n").unwrap();
    let mistakes = sandbox.run(&["config", "show", "-f", "c.yaml"]).demand(3);
    let usage = sandbox.run(&["plan", "mycluster", "--\u{1b}[31mx"]).demand(2);
    let tag = format!("--tag=note=a{acts}b");
    let shown = sandbox.run(&["config", "show", "abc", &tag]);
    let as_json = sandbox.run(&["config", "show", "abc", "-o", "json", &tag]);
    for ended in [&quota, &mistakes, &usage, &shown, &as_json] {
        for text in [&ended.stdout, &ended.stderr] {
            let found: Vec<char> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
            assert!(found.is_empty(), "{found:?} in {text}");
        }
    }
    quota.says(&["QuotaExceeded: no \\u{1b}[2J\\u{9b}1m\\u{7}\\r more"]);
}

#[test]
fn events_that_are_lost_are_told_at_the_end() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox
        .run(&[&CREATE[..], &["--events", "/no/such/folder"]].concat())
        .demand(2)
        .says(&["opening `/no/such/folder`"]);
    assert!(sandbox.writes().is_empty());
    for command in [&CREATE[..], &["status", "mycluster"]] {
        let both = [command, &["--events", "-", "--output", "json"]].concat();
        sandbox.run(&both).demand(2).says(&["`--events -` and `--output` both want stdout"]);
    }
    let full = sandbox.run(&[&CREATE[..], &["--events", "/dev/full"]].concat()).demand(1);
    assert!(full.stdout.contains("cluster mycluster in"), "the run goes to its end: {}", full.stdout);
    full.says(&["error: writing events to `/dev/full`: No space left on device"]);
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    // A reader that goes away.
    let mut command = sandbox.command(CREATOR, &[&CREATE[..], &["--events", "-"]].concat());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = Ended::from(child.wait_with_output().unwrap()).demand(1);
    ended.says(&["error: writing events to `-`: Broken pipe"]);
    // The worse end counts.
    sandbox.run(&["destroy", "mycluster", "--events", "/dev/full"]).demand(2).says(&["error: writing events to"]);
}

#[test]
fn every_signal_that_asks_for_an_end_is_heard() {
    use rustix::process::{Pid, Signal, kill_process};
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.2"]);
    let run = |name: &str, signal: Signal, ignoring: &str| {
        sandbox.clear_journal();
        let script = format!("trap '' {ignoring}; exec {CREATOR} {name} --local --no-wait");
        let script = if ignoring.is_empty() { script.replace("trap '' ;", "") } else { script };
        let mut command = sandbox.command("sh", &["-c", &script]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("the first write", || !sandbox.writes().is_empty());
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        Ended::from(child.wait_with_output().unwrap())
    };
    for (name, signal) in [("term", Signal::TERM), ("hangup", Signal::HUP)] {
        let hint = format!("error: interrupted\nhint: azure-coreos-cluster {name} goes on from here");
        run(name, signal, "").demand(130).says(&[&hint]);
    }
    // As `nohup` starts it.
    run("nohup", Signal::HUP, "HUP").demand(0);
}
