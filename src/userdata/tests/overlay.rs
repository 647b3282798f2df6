//! The user's own file: what is refused, and how.

use crate::spec::Overlay;
use crate::userdata::{CUSTOM_DATA_BYTES, Purpose};
use diagnostics::{Origin, Problem};

fn mistakes(text: &str) -> Vec<(Option<usize>, String)> {
    let problems = Overlay::parse("user.yaml", text, Purpose::default()).expect_err(text);
    let mistake = |problem: &Problem| {
        let Origin::File { path, line } = &problem.origin else { panic!("{problem:?}") };
        assert_eq!(path, "user.yaml", "{text}");
        (*line, format!("{}; {}", problem.message, problem.hint.as_deref().unwrap_or_default()))
    };
    problems.iter().map(mistake).collect()
}

#[test]
fn each_mistake_has_its_key_its_line_and_its_remedy() {
    for (text, line, mistake) in [
        ("hello", None, "neither starts with `#cloud-config`"),
        (&"#".repeat(262_141), None, "has 262141 bytes; 262140 are the most that are read of a file to merge"),
        ("#!/bin/sh\r\necho hi\r\n", None, "its lines end with CR LF"),
        ("\n{\"ignition\":\n\u{feff}{}}", Some(3), "byte order mark"),
        ("variant: flatcar\nversion: 1.0.0\n", Some(1), "is a Butane file (`variant: flatcar`)"),
        (
            "#cloud-config\nversion: 1.5.0\nvariant: fcos\n",
            Some(3),
            "make an Ignition document of it: `butane --strict",
        ),
        ("#cloud-config extra\n", Some(1), "the first line must be `#cloud-config` and nothing else"),
        (
            "\u{feff}#cloud-config\n",
            Some(1),
            "byte order mark (U+FEFF), which nobody sees and which hides what it is; save it without one",
        ),
        ("#cloud-config\n\tx", Some(2), "not YAML"),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: etcd2.service\n    enable: true\n",
            Some(4),
            "`coreos.units[0].name`: `etcd2.service` is a unit that the image no longer has; leave it out: members of etcd",
        ),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: fleet.socket\n    drop_ins: [{name: a.conf, content: a}]\n",
            Some(4),
            "`fleet.socket` is a unit that the image no longer has; leave it out: Docker Swarm places what runs",
        ),
        ("#cloud-config\n- x\n", None, "must be a mapping"),
        (
            "#cloud-config\nssh-authorized-keys: []\n",
            Some(2),
            "`ssh-authorized-keys`: is ignored: Flatcar reads keys with underscores only; write `ssh_authorized_keys`",
        ),
        ("#cloud-config\nssh_authorized_keys: k\n", Some(2), "`ssh_authorized_keys`: must be a list, found `k`"),
        (
            "#cloud-config\ncoreos:\n  update:\n    reboot-strategy: off\n",
            Some(4),
            "`coreos.update.reboot-strategy`: is ignored: Flatcar reads keys with underscores only; write `reboot_strategy`",
        ),
        (
            "#cloud-config\ncoreos:\n  update:\n    reboot_strategy: never\n",
            Some(4),
            "`never` is none of `off`, `reboot`, `etcd-lock`",
        ),
        (
            "#cloud-config\ncoreos:\n  update:\n    group: beta\n",
            Some(4),
            "`coreos.update.group`: cannot be merged; write `/etc/flatcar/update.conf`",
        ),
        (
            "#cloud-config\ncoreos:\n  etcd2:\n    name: x\n",
            Some(3),
            "`coreos.etcd2`: sets up a unit that the image no longer has; leave it out",
        ),
        (
            "#cloud-config\ncoreos:\n  fleet: {}\n",
            Some(3),
            "`coreos.fleet`: sets up a unit that the image no longer has",
        ),
        (
            "#cloud-config\ncoreos:\n  flannel: {}\n",
            Some(3),
            "`coreos.flannel`: cannot be merged; write a drop-in of `flanneld.service`",
        ),
        (
            "#cloud-config\ncoreos:\n  locksmith: {}\n",
            Some(3),
            "`coreos.locksmith`: cannot be merged; write a drop-in of `locksmithd.service`",
        ),
        ("#cloud-config\ncoreos:\n  oem: {}\n", Some(3), "`coreos.oem`: cannot be merged; leave it out"),
        (
            "#cloud-config\nmanage_etc_hosts: localhost\n",
            Some(2),
            "`manage_etc_hosts`: cannot be merged; write `/etc/hosts` by `write_files`",
        ),
        ("#cloud-config\nhostname: x\n", Some(2), "`hostname`: cannot be merged; leave it out: each node's name"),
        (
            "#cloud-config\nruncmd: [x]\n",
            Some(2),
            "`runcmd`: only cloud-init reads it, which the image does not have; write a unit",
        ),
        (
            "#cloud-config\nwrite_file: []\n",
            Some(2),
            "`write_file`: is unknown and ignored; did you mean `write_files`?",
        ),
        (
            "#cloud-config\nusers:\n- name: a\n  coreos_ssh_import_github: a\n",
            Some(4),
            "`users[0].coreos_ssh_import_github`: cannot be merged; put the keys into `ssh_authorized_keys`",
        ),
        ("#cloud-config\nusers:\n- name: a\n  sudo: x\n", Some(4), "`users[0].sudo`: only cloud-init reads it"),
        ("#cloud-config\nusers:\n- passwd: x\n", Some(3), "`users[0]`: `name` is missing"),
        (
            "#cloud-config\nusers:\n- name: a\n  passwd: [31415]\n",
            Some(4),
            "`users[0].passwd`: must be a text; put it in quotes; ",
        ),
        ("#cloud-config\nwrite_files:\n- path: ''\n", Some(3), "`write_files[0].path`: is empty; write a file's path"),
        (
            "#cloud-config\nwrite_files:\n- path: /etc/hostname\n",
            Some(3),
            "`/etc/hostname` cannot be written; leave it out",
        ),
        ("#cloud-config\nwrite_files:\n- path: /x\n  permissions: rw\n", Some(4), "`rw` is not octal, such as `0644`"),
        (
            "#cloud-config\nwrite_files:\n- path: /x\n  permissions: 0o644\n",
            Some(4),
            "`write_files[0].permissions`: `0o644` is not octal, such as `0644`",
        ),
        (
            "#cloud-config\nwrite_files:\n- path: /x\n  encoding: gzip\n  content: y\n",
            Some(4),
            "`write_files[0].encoding`: compressed content is no text; write `gzip+base64`",
        ),
        ("#cloud-config\nwrite_files:\n- path: /x\n  encoding: rot13\n", Some(4), "`rot13` is none of `b64`"),
        ("#cloud-config\nwrite_files:\n- path: /x\n  encoding: b64\n  content: '%'\n", Some(5), "is not base64"),
        (
            "#cloud-config\nwrite_files:\n- path: /x\n  encoding: gz+b64\n  content: aGVsbG8=\n",
            Some(5),
            "is not compressed with gzip",
        ),
        (
            "#cloud-config\nwrite_files:\n- path: /x\n  content: a $public_ipv4\n",
            Some(4),
            "`$public_ipv4` is empty on Azure; of addresses only `$private_ipv4` is known",
        ),
        ("#cloud-config\ncoreos:\n  units:\n  - name: hello\n", Some(4), "`hello` has no suffix such as `.service`"),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: a.network\n",
            Some(4),
            "`a.network` is not a unit but a file of systemd-networkd; write `/etc/systemd/network/a.network`",
        ),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    command: stop\n",
            Some(5),
            "cannot be merged: Ignition knows only `start`, found `stop`; write `mask: true`",
        ),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    enable: true\n    content: '[Service]'\n",
            Some(4),
            "`coreos.units[0]`: `a.service` would not run: its content has no `[Install]` section; end it with",
        ),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    runtime: true\n",
            Some(5),
            "`coreos.units[0].runtime`: cannot be merged",
        ),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    drop-ins: []\n",
            Some(5),
            "`coreos.units[0].drop-ins`: is ignored: Flatcar reads keys with underscores only; write `drop_ins`",
        ),
        (
            "#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    drop_ins:\n    - name: x\n      content: a\n",
            Some(6),
            "`x` does not end with `.conf`",
        ),
        (
            "#cloud-config\nwrite_files:\n- path: /etc/flatcar/update.conf\ncoreos:\n  update:\n    reboot_strategy: off\n",
            Some(5),
            "`coreos.update`: `/etc/flatcar/update.conf` is written by `write_files` too; say it in one place",
        ),
        ("#!/bin/sh\n", None, "nor is an Ignition document (JSON); `--custom-data-only` sends any file as it is"),
        ("#include\n", None, "nor is an Ignition document (JSON); write `#cloud-config` as its first line"),
        ("#Cloud-Config\n", None, "nor is an Ignition document (JSON); write `#cloud-config` as its first line"),
        ("[]", None, "write `#cloud-config` as its first line"),
        ("null", None, "write `#cloud-config` as its first line"),
        ("", None, "write `#cloud-config` as its first line"),
        ("{\"a\"}", Some(1), "not JSON"),
        ("{}", None, "`ignition.version` is missing"),
        (
            "{\n\"ignition\": {\n\"version\": \"3.6.0\"}}",
            Some(3),
            "`ignition.version`: Ignition version `3.6.0` cannot be merged; write a version of 3.0.0 to 3.3.0",
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"},\n\"storage\": []}",
            Some(2),
            "`storage`: must be a mapping; see https://coreos.github.io/ignition/",
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"},\n\"storage\": null}",
            Some(2),
            "`storage`: is null, which would take ours away",
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"},\n\"storage\": {\n\"file\": []}}",
            Some(3),
            "`storage.file`: is unknown and ignored; did you mean `files`?",
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"},\n\"storage\": {\"luks\": [{\"name\": \"a\", \"device\": \"/dev/a\",\n\"discard\": true}]}}",
            Some(3),
            "`storage.luks[0].discard`: is newer than version 3.3.0",
        ),
        (
            "{\"ignition\": {\"version\": \"3.3.0\"},\n\"storage\": {\"files\": [{\n\"path\": \"/etc/hostname\"}]}}",
            Some(3),
            "`/etc/hostname` cannot be written",
        ),
    ] {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].1.contains(mistake), "{text}: {found:?}");
        assert_eq!(found[0].0, line, "{text}: {found:?}");
    }
}

#[test]
fn all_mistakes_come_at_once_and_in_order() {
    let text = "#cloud-config\nhostname: x\nwrite-files: []\nusers:\n- nam: a\n- name: b\n  shell: 1\ncoreos:\n  \
                update: {reboot_strategy: x, group: y}\n  units:\n  - name: a\n    command: kill\n";
    let lines: Vec<Option<usize>> = mistakes(text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 3, 5, 5, 7, 9, 9, 11, 12].map(Some));
}

#[test]
fn a_secret_is_in_no_message() {
    let secret = "hunter2";
    for text in [
        format!("#cloud-config\nusers:\n- name: a\n  passwd: [{secret}]\n"),
        format!("#cloud-config\nwrite_files:\n- path: /x\n  content: {{a: {secret}}}\n"),
        format!("#cloud-config\nwrite_files:\n- path: /x\n  encoding: b64\n  content: '{secret} %'\n"),
        format!("#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    content: [{secret}]\n"),
    ] {
        let found = mistakes(&text);
        assert!(!format!("{found:?}").contains(secret), "{found:?}");
    }
    let whole = Overlay::whole("x", secret).unwrap();
    assert!(!format!("{whole:?}").contains(secret));
}

#[test]
fn both_dialects_are_read() {
    let read = |text| Overlay::parse("x", text, Purpose::default());
    assert!(matches!(read("#cloud-config\nusers: []\n"), Ok(Overlay::CloudConfig { .. })));
    assert!(matches!(read("#cloud-config\n"), Ok(Overlay::CloudConfig { .. })));
    assert!(matches!(read("{\"ignition\": {\"version\": \"3.3.0\"}}"), Ok(Overlay::Ignition { .. })));
}

#[test]
fn any_text_can_be_the_whole() {
    for text in ["#!/bin/sh\n", "Content-Type: multipart/mixed; boundary=x\n\n", &"x".repeat(CUSTOM_DATA_BYTES)] {
        let overlay = Overlay::whole("x", text).unwrap();
        assert!(overlay == Overlay::Whole { text: text.to_owned() });
    }
    for (text, mistake) in [(" \n", "`x`: is empty"), (&*"x".repeat(65_536), "`x`: has 65536 bytes, 65535 is the most")]
    {
        let problems = Overlay::whole("x", text).unwrap_err().to_string();
        assert!(problems.starts_with(mistake), "{problems}");
    }
}
