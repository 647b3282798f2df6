//! `local …`: how the emulator's daemon is started and found again, and what it is trusted with.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::sandbox::{Ended, Sandbox, wait_for};

/// A daemon that outlives the command that started it must not outlive the test.
pub(crate) struct Daemon<'a>(&'a Sandbox);

impl<'a> Daemon<'a> {
    pub(crate) fn start(sandbox: &'a Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let daemon = Self(sandbox);
        sandbox.run_with(&[&["local", "up"], arguments].concat(), variables).demand(0);
        daemon
    }

    fn id(&self) -> i32 {
        std::fs::read_to_string(self.0.path("azure-local/daemon.pid")).unwrap().trim().parse().unwrap()
    }

    pub(crate) fn down(&self) {
        self.0.succeed(&["local", "down"]);
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let ended = self.0.run(&["local", "down"]);
        if !std::thread::panicking() {
            ended.demand(0);
        }
    }
}

fn up(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    sandbox.run(&[&["local", "up"], arguments].concat())
}

#[test]
fn what_is_not_named_is_as_it_was_the_last_time() {
    let sandbox = Sandbox::without_emulator();
    let daemon = Daemon::start(&sandbox, &["--vms", "none", "--time-scale", "0.5"], &[]);
    let arguments = || std::fs::read_to_string(sandbox.path("azure-local/arguments")).unwrap().replace('\n', " ");
    let first = "--vms none --latency none --time-scale 0.5 --vm-memory 1024 --boot-timeout 40";
    assert_eq!(arguments(), first);

    // While it runs, the same again is no mistake, and something else is.
    assert!(up(&sandbox, &[]).demand(0).stdout.starts_with("the local emulator runs already: "));
    up(&sandbox, &["--time-scale", "0.5"]).demand(0);
    let other = up(&sandbox, &["--latency", "azure"]).demand(2);
    other.says(&["runs already, with other options; `azure-coreos-cluster local down` first"]);

    daemon.down();
    let plain = up(&sandbox, &[]).demand(0);
    assert!(plain.stdout.contains("without machines (--vms none): nothing runs or answers"), "{}", plain.stdout);
    assert_eq!(arguments(), first);

    daemon.down();
    up(&sandbox, &["--latency", "azure"]).demand(0);
    assert_eq!(arguments(), first.replace("--latency none", "--latency azure"));

    daemon.down();
    std::fs::write(sandbox.path("azure-local/arguments"), "--vms\nhamsters").unwrap();
    up(&sandbox, &[]).demand(2).says(&["azure-local/arguments` holds options", "--vms hamsters", "rm '"]);
    let theirs = sandbox.path("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("notes.txt"), "dear").unwrap();
    let reset = sandbox.run_with(&["local", "reset", "--yes"], &[("AZURE_LOCAL_DIR", theirs.to_str().unwrap())]);
    reset.demand(2).says(&["`token`, `resources.jsonl` or `daemon.log` in it, so nothing was removed"]);
    let up = sandbox.run_with(&["local", "up", "--vms", "none"], &[("AZURE_LOCAL_DIR", theirs.to_str().unwrap())]);
    up.demand(2).says(&["holds other things, and an emulator wants a folder of its own", "AZURE_LOCAL_DIR"]);
    assert!(theirs.join("notes.txt").exists());
    std::fs::write(sandbox.path("azure-local/notes.txt"), "dear").unwrap();
    let reset = sandbox.succeed(&["local", "reset", "--yes"]);
    assert!(
        reset.stdout.contains("azure-local` stays, with what is not the emulator's: `notes.txt`"),
        "{}",
        reset.stdout
    );
    let left: Vec<_> =
        std::fs::read_dir(sandbox.path("azure-local")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    std::fs::remove_file(sandbox.path("azure-local/notes.txt")).unwrap();
    sandbox.succeed(&["local", "reset", "--yes"]);
    assert!(!sandbox.path("azure-local").exists());
}

/// Those that an earlier version kept as well; what helps against them loses no resources.
#[test]
fn options_that_make_no_sense_are_refused() {
    let sandbox = Sandbox::without_emulator();
    let (memory, minutes, scale) =
        ("is not in 256..=1048576", "is not in 1..=1440", "it is a number from 0.001 to 1000");
    for (flag, value, says) in [
        ("--vm-memory", "0", memory),
        ("--vm-memory", "255", memory),
        ("--vm-memory", "4294967295", memory),
        ("--boot-timeout", "0", minutes),
        ("--boot-timeout", "18446744073709551615", minutes),
        ("--time-scale", "0", scale),
        ("--time-scale", "1e20", scale),
        ("--time-scale", "1e300", scale),
        ("--time-scale", "NaN", scale),
        ("--time-scale", "inf", scale),
    ] {
        for command in ["up", "serve"] {
            let ended = sandbox.run(&["local", command, "--vms", "none", flag, value]).demand(2);
            ended.says(&[&format!("invalid value '{value}' for '{flag} <"), says]);
        }
    }
    assert!(!sandbox.path("azure-local").exists(), "a refused option left something behind");

    // Bounds themselves are taken.
    let daemon = Daemon::start(
        &sandbox,
        &[
            "--vms",
            "none",
            "--latency",
            "azure",
            "--time-scale",
            "0.001",
            "--vm-memory",
            "256",
            "--boot-timeout",
            "1440",
        ],
        &[],
    );
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let before = sandbox.resources("mycluster");
    daemon.down();
    let kept = sandbox.path("azure-local/arguments");
    std::fs::write(&kept, "--vms\nnone\n--latency\nazure\n--time-scale\n1e20").unwrap();
    let mut hint = String::new();
    for command in [&["local", "up"][..], &["status", "mycluster"], &["mycluster", "--local", "--no-wait"]] {
        let ended = sandbox.run(command).demand(2).says(&[
            "azure-local/arguments` holds options that this version does not take",
            "--time-scale 1e20",
            scale,
        ]);
        let (_, told) = ended.stderr.split_once("hint: ").unwrap();
        told.split_once(" forgets the options").unwrap().0.clone_into(&mut hint);
    }
    assert!(std::process::Command::new("sh").args(["-c", &hint]).status().unwrap().success(), "{hint}");
    assert!(!kept.exists(), "{hint}");
    up(&sandbox, &["--vms", "none"]).demand(0);
    assert_eq!(sandbox.resources("mycluster"), before);
}

#[test]
fn an_emulator_with_resources_is_not_forgotten_unasked() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let before = sandbox.resources("mycluster");
    let reset = sandbox.run(&["local", "reset"]).demand(2);
    reset
        .says(&["nobody is here to confirm: this removes every resource", "local reset --yes` does it without asking"]);
    assert_eq!(sandbox.resources("mycluster"), before);
    assert!(sandbox.succeed(&["local", "reset", "--yes"]).stdout.contains("everything removed"));
}

/// A proxy is on another host, where 127.0.0.1 is somebody else.
#[test]
fn the_emulator_is_asked_directly_whatever_proxy_there_is() {
    let sandbox = Sandbox::with_emulator(&[]);
    let closed = "http://127.0.0.1:1";
    let proxies =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, closed));
    sandbox.run_with(&["local", "status"], &proxies).demand(0);
    sandbox.run_with(&["plan", "mycluster", "--local"], &proxies).demand(0);
    let create = sandbox.run_with(&["mycluster", "--local", "--no-wait"], &proxies).demand(0);
    assert!(!create.stderr.contains("trying again"), "{}", create.stderr);
    sandbox.run_with(&["destroy", "mycluster", "--yes"], &proxies).demand(0);
}

/// A log may be larger than memory.
#[test]
fn of_a_long_log_the_end_is_shown() {
    let sandbox = Sandbox::without_emulator();
    std::fs::create_dir(sandbox.path("azure-local")).unwrap();
    let log = std::fs::File::create(sandbox.path("azure-local/daemon.log")).unwrap();
    log.set_len(8 << 30).unwrap();
    let mut end = std::fs::OpenOptions::new().append(true).open(sandbox.path("azure-local/daemon.log")).unwrap();
    let lines: String =
        (0..30_000).map(|number| format!("line {number} ends with ü, and goes over pieces\n")).collect();
    std::io::Write::write_all(&mut end, lines.as_bytes()).unwrap();
    let shown = sandbox.run(&["local", "logs"]).demand(0);
    let shown = shown.says(&["▴ the last 1024 KiB of 838", "all of it: "]);
    assert!(lines.ends_with(&shown.stdout), "{}", &shown.stdout[..200]);
    assert!(shown.stdout.len() > (1 << 20) - 100 && shown.stdout.starts_with("line "), "{}", shown.stdout.len());
}

#[test]
fn the_daemon_inherits_no_secrets() {
    let sandbox = Sandbox::without_emulator();
    let secrets = [
        ("AZURE_CLIENT_SECRET", "hunter2"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("GITHUB_TOKEN", "hunter2"),
        ("SSH_AUTH_SOCK", "/tmp/hunter2"),
    ];
    let daemon = Daemon::start(&sandbox, &["--vms", "none"], &[&secrets[..], &[("LC_ALL", "C.UTF-8")]].concat());
    let environment = std::fs::read(format!("/proc/{}/environ", daemon.id())).unwrap();
    let environment = String::from_utf8_lossy(&environment).replace('\0', "\n");
    assert!(!environment.contains("hunter2"), "{environment}");
    for needed in ["PATH=", "HOME=", "AZURE_LOCAL_DIR=", "LC_ALL=C.UTF-8"] {
        assert!(environment.lines().any(|line| line.starts_with(needed)), "{needed} is not in\n{environment}");
    }
}

#[test]
fn a_stranger_on_the_port_of_a_dead_daemon_gets_no_token() {
    let sandbox = Sandbox::without_emulator();
    let daemon = Daemon::start(&sandbox, &["--vms", "none"], &[]);
    let read = |file: &str| std::fs::read_to_string(sandbox.path("azure-local").join(file)).unwrap();
    let (token, address) = (read("token"), read("endpoint").trim().trim_start_matches("http://").to_owned());
    let process = rustix::process::Pid::from_raw(daemon.id()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    // Its port is free once it is gone.
    let mut taken = None;
    wait_for("the port", || {
        taken = TcpListener::bind(&address).ok();
        taken.is_some()
    });
    let heard = Arc::new(Mutex::new(String::new()));
    let ears = heard.clone();
    let listener = taken.unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or_default();
            ears.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            let body = r#"{"proof":"0000000000000000000000000000000000000000000000000000000000000000","value":[]}"#;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    // Another daemon is started, on another port.
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    assert_ne!(read("endpoint").trim().trim_start_matches("http://"), address);
    assert_eq!(read("token"), token);
    let heard = heard.lock().unwrap().clone();
    assert!(heard.contains("GET /azure-local/proof?nonce="), "{heard}");
    assert!(!heard.contains(token.trim()) && !heard.to_ascii_lowercase().contains("authorization"), "{heard}");
}

/// Folders and files that are named wrong are a matter of how the program was called, and each says what to name instead.
#[test]
fn places_where_nothing_can_be_are_told() {
    let sandbox = Sandbox::without_emulator();
    std::fs::write(sandbox.path("file"), "x").unwrap();
    std::fs::write(sandbox.path("damaged.json"), "{").unwrap();
    let file = sandbox.path("file");
    let file = file.to_str().unwrap();
    for command in ["up", "status", "logs", "down"] {
        let ended = sandbox.run_with(&["local", command], &[("AZURE_LOCAL_DIR", "/dev/null")]).demand(2);
        ended.says(&["`/dev/null` is no folder", "by AZURE_LOCAL_DIR"]);
    }
    let ended = sandbox.run_with(&["local", "up", "--vms", "none"], &[("AZURE_LOCAL_DIR", "/proc/x")]).demand(2);
    ended.says(&["`/proc/x` cannot be made", "by AZURE_LOCAL_DIR"]);
    sandbox.run(&["local", "logs"]).demand(2).says(&["there is no log: no local emulator ran in `", "local up"]);
    // As if it were not set: the folder below the state folder.
    let unset = sandbox.run_with(&["local", "logs"], &[("AZURE_LOCAL_DIR", "")]).demand(2);
    unset.says(&[sandbox.path("state/azure-local").to_str().unwrap()]);
    for command in [&["status", "mycluster"][..], &["user-data", "mycluster"], &["mycluster", "--local"]] {
        let ended = sandbox.run(&[command, &["--state-dir", file]].concat()).demand(2);
        ended.says(&["a part of this path is a file, not a folder", "--state-dir DIR"]);
    }
    for (state, status, says) in [
        ("file", 3, "`: is damaged: "),
        ("damaged.json", 3, "name another file, or `rm '"),
        ("missing/state.json", 2, "name a file in a folder that is there"),
        (".", 2, "it is a folder, not a file"),
        ("/dev/zero", 2, "name a file in a folder that is there"),
    ] {
        let serve = ["discovery", "serve", "--address", "127.0.0.1:0", "--state", state];
        let ended = sandbox.run(&serve).demand(status).says(&[says]);
        assert_eq!(ended.stdout, "", "no URL of a service that cannot be");
    }
}
