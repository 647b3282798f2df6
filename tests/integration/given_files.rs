//! What a stranger may name as a file: devices, pipes, folders, files without end or sense. Each is told, soon, and nothing
//! of it stays in memory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{CREATOR, Ended, Sandbox, platformctl, wait_for};

const TENANT: &str = "11111111-1111-4111-8111-111111111111";

/// Runs a command that may hang, to its end or its end by us.
fn run(sandbox: &Sandbox, program: &str, arguments: &[&str]) -> Ended {
    let mut command = sandbox.command(program, arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match ended.recv_timeout(Duration::from_secs(120)) {
        Ok(output) => Ended::from(output.unwrap()),
        Err(_) => {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            panic!("{arguments:?} does not end");
        }
    }
}

#[test]
fn only_files_are_read_wherever_one_is_named() {
    let sandbox = Sandbox::without_emulator();
    let platformctl = platformctl().display().to_string();
    let path = |name: &str| sandbox.path(name).display().to_string();
    let pipe = path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for folder in ["templates", "bundle", "images"] {
        std::fs::create_dir(sandbox.path(folder)).unwrap();
    }
    std::os::unix::fs::symlink(&pipe, sandbox.path("templates/base.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", sandbox.path("bundle/platform.yaml")).unwrap();
    std::os::unix::fs::symlink(&pipe, sandbox.path("images/a.tar")).unwrap();
    let (templates, bundle, images, zero, of_pipe) =
        (path("templates"), path("bundle"), path("images"), "/dev/zero", "it is a named pipe, not a file");
    let of_zero = "it is a character device, not a file";
    let setting = format!("domain=@{pipe}");
    let platformctl = platformctl.as_str();
    let cases: [(&str, &[&str], i32, &str); 16] = [
        (CREATOR, &["config", "show", "-f", zero], 3, of_zero),
        (CREATOR, &["config", "show", "-f", &pipe], 3, of_pipe),
        (CREATOR, &["config", "show", "-f", &templates], 3, "it is a folder, not a file"),
        (CREATOR, &["user-data", "mycluster", "--local", "--custom-data", &pipe], 3, of_pipe),
        (CREATOR, &["user-data", "mycluster", "--local", "--ssh-cert", zero], 3, of_zero),
        (CREATOR, &["user-data", "mycluster", "--local", "--templates", &templates], 3, of_pipe),
        (CREATOR, &["user-data", "lint", zero], 3, of_zero),
        (CREATOR, &["templates", "check", &templates], 3, of_pipe),
        (CREATOR, &["whoami", "--azure-cert", &pipe, "--tenant", TENANT, "--client-id", TENANT], 3, of_pipe),
        (CREATOR, &["discovery", "serve", "--address", "127.0.0.1:0", "--state", &pipe], 2, of_pipe),
        (platformctl, &["bundle", "lint", &bundle], 3, of_zero),
        (platformctl, &["install", "platform", "--images", &images], 3, of_pipe),
        (platformctl, &["config", "platform", "set", &setting], 3, of_pipe),
        (platformctl, &["apps", "deploy", "hello", "--compose", &pipe], 2, of_pipe),
        (platformctl, &["--tunnel", "127.0.0.1:1", "--identity", &pipe, "machines"], 2, of_pipe),
        (platformctl, &["--tunnel", "127.0.0.1:1", "--known-hosts", &pipe, "machines"], 2, of_pipe),
    ];
    for (program, arguments, code, expected) in cases {
        run(&sandbox, program, arguments).demand(code).says(&[expected]);
    }
}

#[test]
fn files_without_end_or_sense_are_told_soon() {
    let sandbox = Sandbox::without_emulator();
    let long: String = (0..10_000).map(|index| format!("unknown_{index}: 1\n")).collect();
    let cases = [
        ("large.yaml", "a: 1\n".repeat(20 << 20 >> 1), "it is larger than the 4 MiB that are read of such a file"),
        ("deep.yaml", format!("name: {}", "[".repeat(100_000)), "it is deeper than the 64 levels that are read"),
        ("flat.yaml", "- ".repeat(100_000), "it is deeper than the 64 levels that are read"),
        ("keys.yaml", long, "9980 more keys are unknown"),
        (
            "many.yaml",
            format!("name: x\nzones: [{}]\n", "1,".repeat(150_000)),
            "has 150000 elements; 1000 are the most",
        ),
    ];
    for (name, text, expected) in cases {
        std::fs::write(sandbox.path(name), text).unwrap();
        run(&sandbox, CREATOR, &["config", "show", "-f", name]).demand(3).says(&[expected]);
        let lint = run(&sandbox, CREATOR, &["user-data", "lint", name]);
        assert_eq!(lint.status, Some(3), "{name}: {}", lint.stderr);
    }
}

#[test]
fn what_the_shell_hands_over_is_a_file() {
    let sandbox = Sandbox::without_emulator();
    let platformctl = platformctl().display().to_string();
    std::fs::write(sandbox.path("marked.yaml"), "\u{feff}name: abc\r\nnum_nodes: 3\r\n").unwrap();
    let script = |script: &str| {
        let mut command = sandbox.command("bash", &["-c", script]);
        Ended::from(command.stdin(Stdio::null()).output().unwrap())
    };
    for arguments in [
        "-f marked.yaml",
        "-f <(cat marked.yaml)",
        "-f /dev/stdin <marked.yaml",
        "-f /dev/null abc",
        "abc --custom-data <(echo '#cloud-config')",
    ] {
        let ended = script(&format!("{CREATOR} config show -o json {arguments}")).demand(0);
        assert_eq!(ended.json()[0]["value"], "abc", "{arguments}");
    }
    script(&format!("{CREATOR} config show -f /dev/stdin </dev/zero")).demand(3).says(&["larger than the 4 MiB"]);
    script(&format!("{CREATOR} user-data lint - </dev/zero")).demand(3).says(&["larger than the 4 MiB"]);
    script(&format!("{platformctl} config platform set domain --stdin </dev/zero"))
        .demand(2)
        .says(&["larger than the 4 MiB"]);
}

#[test]
fn a_signal_ends_what_waits_for_a_file() {
    let sandbox = Sandbox::without_emulator();
    let mut child = sandbox.command(CREATOR, &["user-data", "lint", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    wait_for("the end by a signal", || {
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        child.try_wait().unwrap().is_some()
    });
    assert!(started.elapsed() < Duration::from_secs(100));
}

#[test]
fn a_variable_that_is_no_text_is_named() {
    let sandbox = Sandbox::without_emulator();
    let platformctl = platformctl().display().to_string();
    let platformctl = platformctl.as_str();
    let latin = OsStr::from_bytes(&[b'w', b'e', 0xe9]);
    for (program, arguments, variable) in [
        (CREATOR, &["plan", "mycluster", "--local", "--os-disk-size", "1"][..], "AZURE_COREOS_CLUSTER_LOCATION"),
        (CREATOR, &["plan", "mycluster", "--os-disk-size", "1"][..], "AZURE_CLIENT_ID"),
        (CREATOR, &["mycluster", "--local"][..], "AZURE_COREOS_CLUSTER_LOCAL"),
        (CREATOR, &["status", "mycluster", "--local"][..], "AZURE_COREOS_CLUSTER_LOG"),
        (CREATOR, &["whoami"][..], "AZURE_SUBSCRIPTION_ID"),
        (CREATOR, &["whoami"][..], "HTTPS_PROXY"),
        (CREATOR, &["plan", "mycluster", "--os-disk-size", "1"][..], "no_proxy"),
        (platformctl, &["machines"][..], "DEISCTL_TUNNEL"),
        (platformctl, &["bundles"][..], "PLATFORMCTL_UNITS"),
    ] {
        let ended = Ended::from(sandbox.command(program, arguments).env(variable, latin).output().unwrap()).demand(3);
        if arguments.contains(&"--os-disk-size") {
            assert!(ended.stderr.contains("`--os-disk-size`: must be 30"), "{}", ended.stderr);
        }
        ended.says(&[&format!("error: `{variable}`: its value is not UTF-8 text")]);
    }
    let ended = sandbox.run_with(&["status", "mycluster"], &[("AZURE_COREOS_CLUSTER_LOG", "x=nonsense")]);
    ended.demand(3).says(&["`AZURE_COREOS_CLUSTER_LOG`: "]);
    let ended = sandbox.run_with(&["whoami"], &[("AZURE_TOKEN_CREDENTIALS", "foo")]);
    ended
        .demand(3)
        .says(&["error: `AZURE_TOKEN_CREDENTIALS`: `foo` is none of `dev`, `prod`, `EnvironmentCredential`, "]);
}
