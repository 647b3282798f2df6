//! A cluster's directory: files that are lost or damaged, copied, or not to be read. What the messages tell to do works.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sandbox::{CREATOR, Ended, Sandbox, platformctl};

const CREATE: [&str; 5] = ["mycluster", "--local", "--no-wait", "--yes", "--deis"];
const DESTROY: [&str; 3] = ["destroy", "mycluster", "--yes"];

/// Everything secret that a cluster's directory holds.
pub(crate) fn keys(directory: &Path) -> Vec<(String, String)> {
    let mut files = vec!["authority.json".to_owned(), "id_ed25519".to_owned()];
    for entry in std::fs::read_dir(directory.join("nodes")).unwrap() {
        files.push(format!("nodes/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    files.sort();
    files.into_iter().map(|file| (file.clone(), std::fs::read_to_string(directory.join(file)).unwrap())).collect()
}

/// A copy with all modes, as `cp -a` makes it.
pub(crate) fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success());
}

/// Runs the command that a hint begins with, in a shell as a user would.
fn do_as_told(ended: &Ended) {
    let hint = ended.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).expect("a hint");
    let command = hint.split(", then").next().unwrap();
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
}

#[test]
fn a_spec_that_is_lost_or_damaged_costs_nothing() {
    let sandbox = Sandbox::with_emulator(&[]);
    let directory = sandbox.cluster("mycluster");
    let files = [directory.join("spec.json"), directory.join("spec.copy.json")];
    let damage = |file: &Path| std::fs::write(file, "{").unwrap();
    sandbox.succeed(&CREATE);
    let (before, resources) = (keys(&directory), sandbox.resources("mycluster"));

    damage(&files[0]);
    let short = ["mycluster", "--no-wait", "--yes"];
    sandbox.succeed(&["status", "mycluster"]).says(&["spec.json`: is damaged", "its copy is used"]);
    sandbox.succeed(&short).says(&["its copy is used", "plan: nothing to do"]);
    let whole = |file: &Path| serde_json::from_str::<Value>(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(whole(&files[0]), whole(&files[1]), "it is whole again");

    for file in &files {
        damage(file);
    }
    let ended = sandbox.run(&short).demand(3);
    do_as_told(&ended.says(&["spec.json`: is damaged", "with all options of the first time: what exists is taken up"]));
    assert!(!files[0].exists() && !files[1].exists());
    // An option that was forgotten does not become the cluster's for good.
    let forgotten = [&CREATE[..4], &["--data-disk", "10"]].concat();
    sandbox.clear_journal();
    sandbox.run(&[&CREATE[..3]].concat()).demand(3).says(&[
        "spec.json`: is missing, and what exists was made with other options than these: ",
        "give all options of the first time",
    ]);
    sandbox.succeed(&["plan", "mycluster", "--local"]).says(&["was made with other options than these"]);
    sandbox.run(&[&forgotten[..3], &forgotten[4..], &["--deis"]].concat()).demand(3).says(&["dataDisks"]);
    assert_eq!((sandbox.writes(), files[0].exists()), (vec![], false));
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    assert_eq!((keys(&directory), sandbox.resources("mycluster")), (before.clone(), resources.clone()));

    // Neither a spec nor an inventory: what the cluster is made of is not known, but told how it can be.
    for file in [&files[0], &files[1], &directory.join("inventory.json")] {
        std::fs::remove_file(file).unwrap();
    }
    sandbox
        .run(&DESTROY)
        .demand(3)
        .says(&["spec.json`: is missing, and so is the inventory", "with all options of the first time"]);
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
    assert_eq!((keys(&directory), sandbox.resources("mycluster")), (before, resources));

    // What is listed can be destroyed.
    for file in &files {
        damage(file);
    }
    sandbox.run(&["destroy", "other"]).demand(3).says(&["these are: mycluster"]);
    sandbox.succeed(&[&DESTROY[..], &["--local"]].concat()).says(&["is damaged", "is found by the names in `"]);
    assert_eq!((sandbox.resources("mycluster").len(), directory.exists()), (0, false));
}

#[test]
fn other_files_that_are_damaged_come_back_as_told() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let directory = sandbox.cluster("mycluster");
    let inventory = directory.join("inventory.json");
    let whole = std::fs::read_to_string(&inventory).unwrap();
    std::fs::write(&inventory, "{").unwrap();
    sandbox.succeed(&["status", "mycluster"]).says(&["inventory.json`: is damaged", "`ssh_config` stays as it was"]);
    let ended = sandbox.platformctl(&["machines"]).demand(3);
    do_as_told(&ended.says(&["inventory.json`: is damaged", "writes it anew"]));
    sandbox.succeed(&["mycluster", "--no-wait"]);
    assert_eq!(std::fs::read_to_string(&inventory).unwrap(), whole);

    let kept = sandbox.path("kept");
    for file in ["authority.json", "nodes/mycluster-coreos-1.json", "id_ed25519"] {
        let file = directory.join(file);
        copy(&file, &kept);
        let text = std::fs::read_to_string(&file).unwrap();
        // Cut short, and whole JSON that holds something else.
        for damaged in [text[..text.len() / 2].to_owned(), text.replace("KEY-----", "KAY-----")] {
            std::fs::write(&file, damaged).unwrap();
            sandbox.clear_journal();
            let parts = [&format!("`{}`: is damaged", file.display()), "put back a copy of it"];
            sandbox.run(&["mycluster", "--no-wait"]).demand(3).says(&parts);
            assert_eq!(sandbox.writes(), []);
        }
        copy(&kept, &file);
        sandbox.succeed(&["mycluster", "--no-wait"]).says(&["plan: nothing to do"]);
    }
}

#[test]
fn a_directory_works_wherever_it_is_copied() {
    let sandbox = Sandbox::with_emulator(&[]);
    std::fs::create_dir(sandbox.path(".ssh")).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(sandbox.path(".ssh/id_ed25519"))
        .status();
    assert!(made.unwrap().success());
    sandbox.succeed(&CREATE);
    sandbox.succeed(&["other", "--local", "--no-wait", "--ssh-key", ".ssh/id_ed25519.pub"]);
    std::fs::rename(sandbox.path("state"), sandbox.path("moved")).unwrap();
    let old = sandbox.path("state").display().to_string();
    let (moved, home) = (sandbox.path("moved/azure-coreos-cluster"), sandbox.path(".").display().to_string());
    let home = home.trim_end_matches("/.");
    for (name, identity) in
        [("mycluster", moved.join("mycluster/id_ed25519")), ("other", sandbox.path(".ssh/id_ed25519"))]
    {
        for file in ["spec.json", "spec.copy.json", "inventory.json", "known_hosts"] {
            let text = std::fs::read_to_string(moved.join(name).join(file)).unwrap();
            assert!(!text.contains(home), "{name}/{file} holds an absolute path: {text}");
        }
        let variables = [("AZURE_COREOS_CLUSTER_STATE_DIR", moved.to_str().unwrap())];
        sandbox.run_with(&["status", name], &variables).demand(0);
        let config = std::fs::read_to_string(moved.join(name).join("ssh_config")).unwrap();
        assert!(
            !config.contains(&old) && config.contains(&format!("{}/known_hosts", moved.join(name).display())),
            "{config}"
        );
        assert!(config.contains(&format!("IdentityFile \"{}\"", identity.display())), "{config}");
        let again = sandbox.run_with(&[name, "--no-wait", "-o", "json"], &variables).demand(0).json();
        let ssh = &again["ssh"];
        let expected = [moved.join(name).join("ssh_config"), moved.join(name).join("known_hosts"), identity];
        for (found, expected) in [&ssh["config"], &ssh["known_hosts"], &ssh["identity"]].into_iter().zip(expected) {
            assert_eq!(found.as_str(), expected.to_str());
        }
        sandbox.run_with(&["destroy", name, "--yes"], &variables).demand(0);
    }
    assert!(!sandbox.path("state").exists());
}

#[test]
fn a_user_without_a_home_is_told_what_to_set() {
    let sandbox = Sandbox::with_emulator(&[]);
    let run = |arguments: &[&str], more: &[(&str, &Path)]| {
        let mut command = sandbox.command(CREATOR, arguments);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME").envs(more.iter().copied()).stdin(Stdio::null());
        Ended::from(command.output().unwrap())
    };
    let emulator = sandbox.path("azure-local");
    for arguments in [
        &["mycluster", "--local", "--no-wait"][..],
        &["destroy", "mycluster"],
        &["status", "mycluster"],
        &["local", "status"],
    ] {
        let mut command = sandbox.command(CREATOR, arguments);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME").env_remove("AZURE_LOCAL_DIR").stdin(Stdio::null());
        Ended::from(command.output().unwrap())
            .demand(2)
            .says(&["neither `XDG_STATE_HOME` nor `HOME` is set", "hint: export HOME=DIR"]);
    }
    // Each of the three ways that the hint names.
    let home = sandbox.path("home");
    run(&["mycluster", "--local", "--no-wait", "--state-dir", "clusters"], &[("AZURE_LOCAL_DIR", &emulator)]).demand(0);
    assert!(sandbox.path("clusters/mycluster/spec.json").exists());
    run(&["first", "--local", "--no-wait"], &[("HOME", &home)]).demand(0);
    assert!(home.join(".local/state/azure-coreos-cluster/first/spec.json").exists());
    run(&["second", "--local", "--no-wait"], &[("XDG_STATE_HOME", &home)]).demand(0);
    assert!(home.join("azure-coreos-cluster/second/spec.json").exists());
}

#[test]
fn what_may_not_be_read_is_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    /// `nobody`, on every Linux.
    const NOBODY: u32 = 65534;
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let (directory, home) = (sandbox.cluster("mycluster"), sandbox.path("state/azure-coreos-cluster"));
    let root = rustix::process::geteuid().is_root();
    // Root may read everything, so somebody else runs a program that everybody may run.
    let programs = sandbox.path("programs");
    std::fs::create_dir(&programs).unwrap();
    for (name, program) in [("azure-coreos-cluster", Path::new(CREATOR)), ("platformctl", platformctl())] {
        let to = programs.join(name);
        std::fs::hard_link(program, &to).or_else(|_| std::fs::copy(program, &to).map(drop)).unwrap();
    }
    for open in [sandbox.path("."), sandbox.path("state")] {
        mode(&open, 0o755);
    }
    let run = |program: &str, arguments: &[&str]| {
        let mut command = sandbox.command(programs.join(program).to_str().unwrap(), arguments);
        command.stdin(Stdio::null());
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        Ended::from(command.output().unwrap())
    };
    for (folder, closed) in [(&directory, 0o000), (&home, 0o000)] {
        mode(&home, 0o755);
        mode(folder, closed);
        for arguments in [&DESTROY[..], &["status", "mycluster"], &["mycluster", "--no-wait"]] {
            let ended = run("azure-coreos-cluster", arguments).demand(2);
            ended.says(&[
                &format!("`{}", home.display()),
                ": permission denied",
                "hint: run as the user who created the cluster",
            ]);
        }
    }
    let ended = run("platformctl", &["machines"]).demand(2);
    ended.says(&[&format!("listing `{}`: permission denied", home.display())]);
    mode(&home, 0o700);
    mode(&directory, 0o700);
    sandbox.succeed(&["status", "mycluster"]);
}
