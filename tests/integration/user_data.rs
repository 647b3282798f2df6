//! User-data on the command line, and what its scripts do.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cloudinit_rules::action::{Action, steps};
use coreos_cluster::config::parameter::{DATA_DISK, DATA_DISK_COUNT};
use coreos_cluster::spec::{Dialect, Overlay, SettledSpec};
use coreos_cluster::userdata::{self, Purpose, UserDataError};

use crate::golden::{asked, assert_golden, material, settled, spec};
use crate::sandbox::{CREATOR, Sandbox, fixture};

#[test]
fn a_file_is_judged_key_by_key() {
    let sandbox = Sandbox::without_emulator();
    for (name, status) in [("lint.yaml", 3), ("lint.ign", 3), ("every-key.yaml", 0), ("overlay.ign", 0)] {
        std::fs::write(sandbox.path(name), fixture(name)).unwrap();
        let ended = sandbox.run(&["user-data", "lint", name]).demand(status);
        assert_golden(&format!("lint-{name}.txt"), &ended.stdout);
        assert_eq!(ended.stderr, "", "{name}");
    }
    let ended = sandbox.run(&["user-data", "lint", "lint.yaml", "-o", "json"]).demand(3);
    assert_golden("lint-lint.yaml.json", &ended.stdout);
}

#[test]
fn a_file_comes_from_stdin() {
    let sandbox = Sandbox::without_emulator();
    for (text, status, says) in [
        (&b"#!/bin/sh\n"[..], 0, "stdin: a script\nline 1: `the file` acts\n"),
        (
            b"\x1f\x8b\x08",
            3,
            "stdin: of no known kind\n`the file` does nothing: the agent on Flatcar takes customData for UTF-8",
        ),
        (b"", 3, "stdin: of no known kind\n"),
    ] {
        let mut command = sandbox.command(CREATOR, &["user-data", "lint", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text).unwrap();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(status), "{stdout}");
        assert!(stdout.starts_with(says), "{stdout}");
    }
}

#[test]
fn what_cannot_be_judged_is_a_mistake() {
    let sandbox = Sandbox::without_emulator();
    std::fs::write(sandbox.path("broken.yaml"), "#cloud-config\na: [\n").unwrap();
    std::fs::write(sandbox.path("broken.ign"), "{\n,}").unwrap();
    for (file, says) in [
        ("missing", "error: `FILE`: reading `missing`: No such file"),
        (".", "error: `FILE`: reading `.`: it is a folder, not a file"),
        ("broken.yaml", "error: `broken.yaml` line "),
        ("broken.ign", "error: `broken.ign` line 2: not JSON"),
    ] {
        sandbox.run(&["user-data", "lint", file]).demand(3).says(&[says]);
    }
}

#[test]
fn either_dialect_is_printed() {
    let sandbox = Sandbox::without_emulator();
    std::fs::write(sandbox.path("overlay.ign"), fixture("overlay.ign")).unwrap();
    let user_data = |arguments: &[&str]| sandbox.run(&[&["user-data", "mycluster"], arguments].concat());
    let ignition = user_data(&[]).demand(0).stdout;
    assert!(ignition.starts_with("{\n  \"ignition\""), "{ignition}");
    assert!(user_data(&["--format", "ignition"]).demand(0).stdout.starts_with("{\n"));
    let cloud_config = user_data(&["--format", "cloud-config", "--node", "2"]).demand(0).stdout;
    assert!(cloud_config.starts_with("#cloud-config\nhostname: mycluster-coreos-2\n"), "{cloud_config}");
    std::fs::write(sandbox.path("rendered.yaml"), cloud_config).unwrap();
    // It is whole, and nothing to be laid over the next one.
    let judged = sandbox.run(&["user-data", "lint", "rendered.yaml"]).demand(3);
    assert!(
        judged.stdout.contains("`hostname` acts only in a file that is sent as it is: cannot be merged; leave it out")
    );
    assert!(!judged.stdout.contains("does nothing"), "{}", judged.stdout);

    user_data(&["--node", "3"]).demand(3).says(&["`--node`: the nodes are 0 to 2, found 3"]);
    user_data(&["--format", "yaml"]).demand(2).says(&["invalid value 'yaml'", "ignition, cloud-config"]);
    user_data(&["--format", "cloud-config", "--custom-data", "overlay.ign"])
        .demand(3)
        .says(&["`--format`: an Ignition file cannot be merged into cloud-config"]);
}

#[test]
fn every_mistake_of_a_users_file_is_shown_with_its_remedy() {
    let sandbox = Sandbox::without_emulator();
    std::fs::write(sandbox.path("lint.yaml"), fixture("lint.yaml")).unwrap();
    let ended = sandbox.run(&["mycluster", "--local", "--custom-data", "lint.yaml"]).demand(3);
    assert_golden("mistakes-of-a-users-file.txt", &ended.stderr);
    assert!(!sandbox.path("state").exists());
}

#[test]
fn templates_go_out_and_come_back() {
    let sandbox = Sandbox::without_emulator();
    let files = sandbox.run(&["templates", "dump", "mine"]).demand(0).stdout;
    assert!(files.starts_with("mine/base.yaml\nmine/chrony.sources\n"), "{files}");
    assert_eq!(sandbox.run(&["templates", "check", "mine"]).demand(0).stdout, "mine: nothing is wrong\n");
    std::fs::write(sandbox.path("mine/environment"), "A=1\n{{ endpoint }}\n").unwrap();
    std::fs::write(sandbox.path("mine/base.yml"), "").unwrap();
    std::fs::write(sandbox.path("mine/base.yaml"), "#cloud-config\ncoreos: {unit: []}\nhostname: a\n").unwrap();
    sandbox.run(&["templates", "check", "mine"]).demand(3).says(&[
        "error: `mine/base.yaml` line 2: `coreos.unit`: is unknown and ignored\nhint: did you mean `units`?",
        "error: `mine/base.yaml` line 3: `hostname`: cannot be merged\nhint: leave it out",
        "error: `mine/base.yml`: no template or base file has this name\nhint: did you mean `base.yaml`?",
        "error: `mine/environment` line 2: `endpoint` is not among its values\nhint: did you mean `endpoints`?",
    ]);
    sandbox.run(&["templates", "dump", "mine"]).demand(3).says(&["`mine/base.yaml`: is there already", "`--force`"]);
    sandbox.run(&["templates", "dump", "mine", "--force"]).demand(0);
    assert_eq!(
        std::fs::read_to_string(sandbox.path("mine/environment")).unwrap(),
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/environment")).unwrap()
    );
    sandbox.run(&["templates", "check", "missing"]).demand(3).says(&["`missing`: cannot be read: No such file"]);
}

#[test]
fn a_file_can_be_all_there_is() {
    let mut spec = asked(&[], None);
    let plain = settled(spec.clone());
    let material = material(&plain);
    let node = plain.nodes()[1].clone();
    let text = "#!/bin/sh\necho \"$private_ipv4\"\n";
    spec.custom_data = Some(Overlay::whole("x", text).unwrap());
    spec.custom_data_only = true;
    for dialect in [Dialect::Ignition, Dialect::CloudConfig] {
        let spec = settled(spec.clone());
        assert_eq!(userdata::render(&spec, &node, &material, dialect).unwrap(), text);
    }
    // One without the other says nothing that could be done.
    for (custom_data, custom_data_only) in [(spec.custom_data.clone(), false), (None, true)] {
        spec.custom_data = custom_data;
        spec.custom_data_only = custom_data_only;
        let spec = settled(spec.clone());
        let error = userdata::render(&spec, &node, &material, Dialect::Ignition).unwrap_err();
        assert!(matches!(error, UserDataError::NoWholeFile), "{error}");
    }
}

#[test]
fn a_spec_that_was_stored_earlier_renders_as_it_did() {
    let spec = spec(&[(&DATA_DISK, "4")], None);
    let mut stored = serde_json::to_value(&spec).unwrap();
    for later in ["data_disk_count", "custom_data_only", "user_data_format", "templates", "discovery_url"] {
        assert!(stored.as_object_mut().unwrap().remove(later).is_some(), "{later}");
    }
    assert_eq!(serde_json::from_value::<SettledSpec>(stored).unwrap(), spec);
}

#[test]
fn both_dialects_have_the_same_limit() {
    let mut spec = asked(&[], None);
    let plain = settled(spec.clone());
    let material = material(&plain);
    let node = plain.nodes()[0].clone();
    let text =
        format!("#cloud-config\nwrite_files:\n- path: /large\n  content: {}\n- path: /small\n", "x".repeat(65_000));
    spec.custom_data = Some(Overlay::parse("x", &text, Purpose::default()).unwrap());
    let spec = settled(spec);
    for dialect in [Dialect::Ignition, Dialect::CloudConfig] {
        let error = userdata::render(&spec, &node, &material, dialect).unwrap_err().to_string();
        assert!(error.contains("65535 is the most Azure takes; largest parts: `/large` 65"), "{error}");
    }
}

/// The script of the unit that formats a new data disk, for a disk at another path.
fn format_script(disk: &Path) -> String {
    let spec = spec(&[(&DATA_DISK, "4"), (&DATA_DISK_COUNT, "2")], None);
    let node = &spec.nodes()[0];
    let text = userdata::render(&spec, node, &material(&spec), Dialect::CloudConfig).unwrap();
    let mut script = text.lines().filter_map(|line| line.trim_start().strip_prefix("ExecStart=/bin/sh -c '"));
    let script = script.next_back().unwrap().strip_suffix('\'').unwrap();
    // systemd's own spelling of a dollar sign.
    script.replace("$$", "$").replace("/dev/disk/azure/scsi1/lun1", &disk.display().to_string())
}

#[test]
fn a_disk_is_formatted_once_and_never_when_something_is_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |script: &str| Command::new("/bin/sh").args(["-c", script]).output().unwrap().status.success();
    let probe = |disk: &Path| {
        let output = Command::new("blkid").args(["--probe", "--output", "export"]).arg(disk).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let empty = folder.path().join("empty");
    std::fs::File::create(&empty).unwrap().set_len(16 << 20).unwrap();
    assert!(run(&format_script(&empty)));
    let made = probe(&empty);
    assert!(made.contains("LABEL=data1\n") && made.contains("TYPE=ext4\n"), "{made}");
    assert!(run(&format_script(&empty)));
    assert_eq!(probe(&empty), made, "the second run leaves the filesystem alone");

    // A partition table: one entry and the signature.
    let partitioned = folder.path().join("partitioned");
    let mut sector = vec![0_u8; 16 << 20];
    sector[446..462].copy_from_slice(&[0, 0, 2, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 0, 8, 0, 0]);
    sector[510..512].copy_from_slice(&[0x55, 0xaa]);
    std::fs::write(&partitioned, &sector).unwrap();
    assert!(run(&format_script(&partitioned)));
    assert!(std::fs::read(&partitioned).unwrap() == sector, "a disk with partitions stays as it is");

    assert!(!run(&format_script(&folder.path().join("missing"))), "a disk that is not there is a failure");
}

/// What is sent as it is was judged by nobody else.
#[test]
fn a_whole_file_at_which_ignition_would_stop_is_refused_before_the_first_write() {
    let sandbox = Sandbox::with_emulator(&[]);
    let document = |source: &str| {
        let file = format!("{{\"path\": \"/etc/a\", \"contents\": {{\"source\": \"{source}\"}}}}");
        format!("{{\"ignition\": {{\"version\": \"3.3.0\"}}, \"storage\": {{\"files\": [{file}]}}}}")
    };
    std::fs::write(sandbox.path("right.ign"), document("data:,a")).unwrap();
    std::fs::write(sandbox.path("wrong.ign"), document("data:,[a]")).unwrap();
    std::fs::write(sandbox.path("words.txt"), "words\n").unwrap();
    let flags =
        |file| ["one", "--local", "--num-nodes", "1", "--allow-small", "--custom-data", file, "--custom-data-only"];
    let stops = "the image's Ignition would stop at it, and no machine would come up: ";
    for (file, why) in [("wrong.ign", "`storage.files[0].contents.source`"), ("words.txt", "it is neither Ignition")] {
        for (verb, skip) in [(&["preflight"][..], &[][..]), (&[], &[]), (&[], &["--skip-preflight"])] {
            let ended = sandbox.run(&[verb, &flags(file), skip].concat()).demand(5);
            ended.says(&[&format!("{stops}{why}"), "hint: azure-coreos-cluster user-data lint FILE"]);
        }
        assert_eq!(sandbox.writes(), [], "{file}");
        sandbox.run(&["user-data", "lint", file]).demand(3);
    }
    sandbox.run(&[&["preflight"], &flags("right.ign")[..]].concat()).demand(0);
}

/// What people really have, and how each must end.
#[test]
fn files_that_people_have() {
    let sandbox = Sandbox::without_emulator();
    for (name, text, lint, merge) in [
        (
            "brackets.yaml",
            "#cloud-config\nwrite_files:\n- path: /etc/systemd/network/10-static.network\n  content: |\n    [Match]\n    Name=eth1\n",
            0,
            0,
        ),
        ("slashes.yaml", "#cloud-config\nwrite_files:\n- path: /etc//slashes/\n- path: /etc/../etc/dots\n", 0, 0),
        ("below.yaml", "#cloud-config\nwrite_files:\n- path: /etc/a\n- path: /etc/a/b\n", 3, 3),
        ("ours.yaml", "#cloud-config\nwrite_files:\n- path: /etc/ssl/etcd\n", 3, 3),
        ("usr.yaml", "#cloud-config\nwrite_files:\n- path: /usr/local/bin/tool\n", 3, 3),
        ("run.yaml", "#cloud-config\nwrite_files:\n- path: /run/tool\n", 0, 3),
        ("setuid.yaml", "#cloud-config\nwrite_files:\n- path: /opt/bin/su\n  permissions: \"04755\"\n", 3, 3),
        ("decimal.yaml", "#cloud-config\nwrite_files:\n- path: /opt/a\n  permissions: 384\n", 3, 3),
        ("octal.yaml", "#cloud-config\nwrite_files:\n- path: /opt/a\n  permissions: 0o600\n", 3, 3),
        (
            "old.yaml",
            "#cloud-config\ncoreos:\n  units:\n  - name: etcd2.service\n    command: start\n  - name: fleet.service\n    command: start\n",
            3,
            3,
        ),
        ("absent.yaml", "#cloud-config\ncoreos: {units: [{name: nonsense.service, command: start}]}\n", 0, 0),
        ("windows.sh", "#!/bin/bash\r\necho hi\r\n", 3, 3),
        ("bom.yaml", "\u{feff}#cloud-config\nusers: []\n", 3, 3),
        ("butane.yaml", "variant: flatcar\nversion: 1.0.0\n", 3, 3),
        (
            "hash.ign",
            "{\"ignition\": {\"version\": \"3.3.0\"}, \"storage\": {\"files\": [{\"path\": \"/etc/a\", \"contents\": {\"source\": \"data:,x\", \"verification\": {\"hash\": \"md5-abc\"}}}]}}",
            3,
            3,
        ),
        (
            "folder.ign",
            "{\"ignition\": {\"version\": \"3.3.0\"}, \"storage\": {\"directories\": [{\"path\": \"/etc/environment\"}]}}",
            3,
            3,
        ),
        (
            "replace.ign",
            "{\"ignition\": {\"version\": \"3.3.0\", \"config\": {\"replace\": {\"source\": \"https://example.test/c.ign\"}}}}",
            3,
            3,
        ),
        (
            "emoji.ign",
            "{\n\t\"ignition\": {\"version\": \"3.3.0\"},\n\t\"systemd\": {\"units\": [{\"name\": \"a.service\", \"contents\": \"[Unit]\\nDescription=\\ud83d\\ude00\\n\"}]}\n}",
            0,
            0,
        ),
    ] {
        std::fs::write(sandbox.path(name), text).unwrap();
        sandbox.run(&["user-data", "lint", name]).demand(lint);
        let merged = sandbox.run(&["user-data", "mycluster", "--local", "--custom-data", name]).demand(merge);
        assert_eq!(
            merged.stderr.contains("hint: "),
            merge == 3 && !name.contains("al.yaml"),
            "{name}: {}",
            merged.stderr
        );
    }
    // Fedora CoreOS keeps it in `/var`.
    let fedora = ["--coreos-image", "fcos:/CommunityGalleries/ours/Images/fcos", "--custom-data", "usr.yaml"];
    sandbox.run(&[&["user-data", "mycluster", "--local"], &fedora[..]].concat()).demand(0);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    sandbox.run(&["templates", "check", folder]).demand(0);
    std::fs::create_dir(sandbox.path("mine")).unwrap();
    std::fs::write(sandbox.path("mine/ssh_config"), "Host *\n").unwrap();
    sandbox.run(&["templates", "check", "mine"]).demand(3).says(&["`mine/ssh_config`: is written on your side"]);
    std::fs::write(sandbox.path("bom-cluster.yaml"), "\u{feff}name: abc\nnum_nodes: 3\n").unwrap();
    let shown = sandbox.run(&["config", "show", "-f", "bom-cluster.yaml"]).demand(0);
    assert!(shown.stdout.contains("bom-cluster.yaml line 2"), "the mark is no document of its own: {}", shown.stdout);
}

/// What the first node is given when a user's cloud-config is merged with ours.
fn rendered_with(text: &str, dialect: Dialect) -> Result<String, UserDataError> {
    let mut spec = asked(&[], None);
    let plain = settled(spec.clone());
    let purpose = Purpose::Merged { dialect: Dialect::CloudConfig, fedora_coreos: false };
    spec.custom_data = Some(Overlay::parse("x", text, purpose).unwrap());
    userdata::render(&settled(spec), &plain.nodes()[0], &material(&plain), dialect)
}

/// coreos-cloudinit stops at the first unit that the image does not have.
#[test]
fn a_unit_of_a_users_that_is_not_there_keeps_none_of_ours_from_starting() {
    let rendered = rendered_with(
        "#cloud-config\ncoreos: {units: [{name: nonsense.service, enable: true, command: start}]}\n",
        Dialect::CloudConfig,
    )
    .unwrap();
    let mut commands = Vec::new();
    for action in steps(&rendered, "10.0.0.4").parts.into_iter().flatten() {
        match action {
            Action::Enable { unit, .. } => assert_ne!(unit, "nonsense.service", "it would stop before all commands"),
            Action::Command { unit, .. } => commands.push(unit),
            _ => {}
        }
    }
    assert!(commands.ends_with(&["etcd-member.service".into(), "nonsense.service".into()]), "{commands:?}");
    assert!(commands.contains(&"docker.service".into()), "{commands:?}");
}

/// A user's file may put what is right beside what is ours into something that is not.
#[test]
fn what_comes_of_both_is_judged_once_more() {
    let text = "#cloud-config\nwrite_files: [{path: /run/x}]\n";
    assert!(rendered_with(text, Dialect::CloudConfig).is_ok());
    let error = rendered_with(text, Dialect::Ignition).unwrap_err().to_string();
    assert!(error.contains("`/run/x` is hidden once the machine runs"), "{error}");
}
