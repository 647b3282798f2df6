//! Somebody sits at a terminal: what is asked there, and what an answer does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::azure::{Azure, CLIENT, TENANT};
use crate::sandbox::{CREATOR, Ended, Sandbox};

/// Runs the program on a terminal of its own on which `typed` is typed. What the terminal shows is in `stdout`.
fn type_at(sandbox: &Sandbox, arguments: &[&str], variables: &[(String, String)], typed: &str) -> Ended {
    let words: Vec<String> = [CREATOR].iter().chain(arguments).map(|word| format!("'{word}'")).collect();
    // `script` of util-linux makes the terminal and ends as the program does.
    let mut command: Command =
        sandbox.command("script", &["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("script starts");
    child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("it is read");
    Ended::from(child.wait_with_output().expect("it ends"))
}

#[track_caller]
fn shows(ended: Ended, status: i32, parts: &[&str]) {
    assert_eq!(ended.status, Some(status), "{}", ended.stdout);
    for part in parts {
        assert!(ended.stdout.contains(part), "`{part}` is not in {}", ended.stdout);
    }
}

#[test]
fn a_port_is_closed_after_a_yes() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = ["mycluster", "--local", "--no-wait", "--open", "8080,9000"];
    // A new cluster on this machine costs nothing, so nothing is asked.
    shows(type_at(&sandbox, &create, &[], ""), 0, &[]);
    let close = ["mycluster", "--no-wait", "--open", "9000"];
    sandbox.clear_journal();
    for answer in ["n\n", "\n", "yess\n"] {
        let question = "this closes 8080/tcp (tcp-8080); go on? [y/N]";
        shows(type_at(&sandbox, &close, &[], answer), 2, &[question, "error: nothing was changed"]);
    }
    assert!(sandbox.writes().is_empty(), "{:?}", sandbox.writes());
    shows(type_at(&sandbox, &close, &[], "Y\n"), 0, &["go on? [y/N]"]);
    assert!(!sandbox.writes().is_empty());
}

#[test]
fn on_azure_a_new_cluster_is_shown_with_its_price_and_asked_for_once() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    sandbox.succeed(&["mgmt-cert", "keys"]);
    let variables = azure.variables();
    let sign_in = ["--tenant", TENANT, "--client-id", CLIENT, "--azure-cert", "keys/azure-cert.pem"];
    let create = [&["mycluster", "--no-wait"], &sign_in[..]].concat();
    let destroy = [&["destroy", "mycluster"], &sign_in[..]].concat();
    let answer = |arguments: &[&str], typed| type_at(&sandbox, arguments, &variables, typed);

    let shown =
        ["+ create virtual machine `mycluster-coreos-2`", "create cluster mycluster in westeurope, at ", "? [y/N]"];
    shows(answer(&create, "n\n"), 2, &[&shown[..], &["error: nothing was made"]].concat());
    assert!(sandbox.writes().is_empty() && sandbox.resources("mycluster").is_empty());
    shows(answer(&create, "y\n"), 0, &["[y/N]"]);
    let again = answer(&create, "");
    assert!(again.status == Some(0) && !again.stdout.contains("[y/N]"), "{}", again.stdout);

    let resources = sandbox.resources("mycluster");
    shows(answer(&destroy, "n\n"), 2, &["remove cluster mycluster for good? [y/N]", "nothing was removed"]);
    assert_eq!(sandbox.resources("mycluster"), resources);
    shows(answer(&destroy, "yes\n"), 0, &["cluster mycluster is gone"]);
    assert!(sandbox.resources("mycluster").is_empty() && !sandbox.cluster("mycluster").exists());
}

#[test]
fn nobody_answers_at_a_terminal_that_closes() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let resources = sandbox.resources("mycluster");
    // The end of the input, as Ctrl-D makes it, is no yes.
    shows(type_at(&sandbox, &["destroy", "mycluster"], &[], ""), 2, &["for good? [y/N]", "nothing was removed"]);
    assert_eq!(sandbox.resources("mycluster"), resources);
}
