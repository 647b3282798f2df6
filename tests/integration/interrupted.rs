//! `kill -9` at any moment: the next run goes on and ends with the same resources.

use std::process::Stdio;

use crate::sandbox::{CREATOR, Ended, Sandbox, wait_for};

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
    for after in (1..).step_by(3) {
        let sandbox = Sandbox::with_emulator(&SLOW);
        let mut command = sandbox.command(CREATOR, &CREATE);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut ended = false;
        wait_for("a number of requests, or the end", || {
            ended = child.try_wait().unwrap().is_some();
            ended || sandbox.requests().len() >= after
        });
        if ended {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        sandbox.succeed(&CREATE);
        assert_eq!(sandbox.resources("mycluster"), undisturbed, "killed after {after} requests");
        sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    }
    assert!(killed >= 5, "only {killed} runs were interrupted");
}

#[test]
fn interrupted_from_the_keyboard() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.2"]);
    let mut command = sandbox.command(CREATOR, &CREATE);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first write", || !sandbox.writes().is_empty());
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap()).demand(130);
    ended.says(&["error: interrupted\nhint: azure-coreos-cluster mycluster goes on from here"]);
}

#[test]
fn two_runs_at_once_do_not_mix() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.2"]);
    let mut command = sandbox.command(CREATOR, &CREATE);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the first write", || !sandbox.writes().is_empty());
    sandbox.run(&CREATE).demand(1).says(&["error: another run works on this cluster"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
