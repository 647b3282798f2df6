//! For every key of a cloud-config that is accepted: each kind of value that it cannot be, and what its reader refuses. The
//! lint and the merge must both say so, at that key.

use crate::spec::Overlay;
use crate::userdata::Purpose;
use crate::userdata::keys::{Effect, Section, Shape};
use crate::userdata::lint::{Finding, lint};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrnh6AwMZjSrSsF6gJVYgsGCk3JhOLpHoAhlTZQmTmE";

/// A document with the mapping of a section in it, and the key path of that mapping.
fn document(section: Section, entries: &str) -> (String, &'static str) {
    let (before, path) = match section {
        Section::Document => (String::new(), ""),
        Section::CoreOs => ("coreos: ".into(), "coreos."),
        Section::Update => ("coreos: {update: ".into(), "coreos.update."),
        Section::Locksmith => ("coreos: {locksmith: ".into(), "coreos.locksmith."),
        Section::Flannel => ("coreos: {flannel: ".into(), "coreos.flannel."),
        Section::Oem => ("coreos: {oem: ".into(), "coreos.oem."),
        Section::User => ("users: [".into(), "users[0]."),
        Section::File => ("write_files: [".into(), "write_files[0]."),
        Section::Unit => ("coreos: {units: [".into(), "coreos.units[0]."),
        Section::DropIn => ("coreos: {units: [{name: a.service, drop_ins: [".into(), "coreos.units[0].drop_ins[0]."),
    };
    let closed: String = before
        .chars()
        .rev()
        .filter_map(|character| match character {
            '[' => Some(']'),
            '{' => Some('}'),
            _ => None,
        })
        .collect();
    let text = match section {
        Section::Document => format!("#cloud-config\n{{{entries}}}\n"),
        _ => format!("#cloud-config\n{before}{{{entries}}}{closed}\n"),
    };
    (text, path)
}

/// What else the mapping needs, so that the key is the only mistake.
fn beside(section: Section, key: &str) -> String {
    let others: &[(&str, &str)] = match section {
        Section::File => &[("path", "/opt/a")],
        Section::User => &[("name", "ann")],
        Section::Unit => &[("name", "a.service")],
        Section::DropIn => &[("name", "a.conf"), ("content", "a")],
        _ => &[],
    };
    others.iter().filter(|(name, _)| *name != key).map(|(name, value)| format!("{name}: {value}, ")).collect()
}

/// The key paths that are refused by the lint, and those by the merge.
fn refused(text: &str) -> (Vec<String>, Vec<String>) {
    let report = lint("x", text.as_bytes()).unwrap_or_else(|problems| panic!("{text}: {problems}"));
    // Not what is right by itself.
    let is_kept = |finding: &&Finding| finding.flatcar.to_string().ends_with("keeps it from being applied");
    let idle = report.findings.iter().filter(|finding| !finding.flatcar.acts() && !is_kept(finding));
    let merged = match Overlay::parse("x", text, Purpose::default()) {
        Ok(_) => Vec::new(),
        Err(problems) => {
            problems.iter().map(|problem| problem.message.split('`').nth(1).unwrap_or_default().to_owned()).collect()
        }
    };
    (idle.map(|finding| finding.key.clone()).collect(), merged)
}

#[test]
fn no_key_takes_a_value_of_another_kind() {
    for section in Section::ALL {
        for key in section.keys().iter().filter(|key| !matches!(key.effect, Effect::Dead(..))) {
            let wrong: &[&str] = match key.shape {
                Shape::Text => &["[a]", "{a: b}", "null"],
                Shape::Flag => &["1", "'true'", "'yess'", "True1", "[true]", "{a: b}", "null"],
                Shape::Texts => &["a", "true", "{a: b}", "[[a]]", "[{a: b}]", "[null]", "null"],
                Shape::Mapping(_) | Shape::Unused => &["a", "1", "true", "[a]", "null"],
                Shape::List(_) => &["a", "1", "{a: b}", "[a]", "[[a]]", "null"],
            };
            for value in wrong {
                let entries = format!("{}{}: {value}", beside(section, key.name), key.name);
                let (text, path) = document(section, &entries);
                let place = format!("{path}{}", key.name);
                let (lint, merge) = refused(&text);
                let is_here = |key: &String| key.starts_with(&place) || place.starts_with(key.as_str());
                assert!(lint.iter().any(is_here), "{text}: {lint:?}");
                assert!(merge.iter().any(is_here), "{text}: {merge:?}");
            }
        }
    }
}

#[test]
fn what_a_reader_refuses_is_refused_by_lint_and_merge() {
    let key = format!("'{KEY} a@b'");
    // Each key that has a rule: values that act, and values that do not.
    let cases: &[(Section, &str, &[&str], &[&str])] = &[
        (
            Section::Document,
            "ssh_authorized_keys",
            &["[]", &format!("[{key}]")],
            &["[k]", "[7]", &format!("[{key}, x y]")],
        ),
        (Section::Update, "reboot_strategy", &["off", "'off'", "reboot"], &["false", "never", "''"]),
        (Section::User, "name", &["a-b", "_a"], &["true b", "-a", "5", "a:b", "''"]),
        (Section::User, "passwd", &["'$6$a$b'", "31415"], &["'a:b'", "\"a\\nb\""]),
        (Section::User, "ssh_authorized_keys", &[&format!("[{key}]")], &["[k]"]),
        (Section::User, "groups", &["[docker, 500]"], &["['a b']", "['a,b']", "['']"]),
        (Section::User, "gecos", &["'Ann'", "true"], &["'a:b'"]),
        (Section::User, "homedir", &["/home/a"], &["home", "true", "'/a:b'"]),
        (Section::User, "primary_group", &["docker", "5"], &["'a b'"]),
        (Section::User, "shell", &["/bin/sh"], &["true", "sh"]),
        (Section::User, "system", &["true", "True", "yes", "on", "no"], &["'false'", "yess", "0"]),
        (Section::File, "path", &["/opt/b", "/opt//b/../c/", "5", "b"], &["/", "/usr/b", "/lib64/b", "/proc/b", "''"]),
        (Section::File, "owner", &["root", "'232:232'", "500"], &["'a b'", "'a:b:c'", "'::'"]),
        (
            Section::File,
            "permissions",
            &["0644", "'644'", "644", "00600"],
            &["384", "0o600", "0x1A4", "0888", "04755", "'1777'", "rw-r--r--", "true", "''"],
        ),
        (
            Section::File,
            "encoding",
            &["base64, content: YQ==", "gz+b64, content: H4sIAAAAAAAAA0sEAEO+t+gBAAAA"],
            &["64", "true", "gzip", "rot13"],
        ),
        (Section::File, "content", &["12", "true", "'[x]'"], &["'$public_ipv4'"]),
        (Section::Unit, "name", &["a@b.service"], &["5", "true", "hello", "../a.service", "'a b.service'"]),
        (Section::Unit, "mask", &["true", "off"], &["'true'", "maybe"]),
        (Section::Unit, "enable", &["true", "off"], &["'true'", "2"]),
        (Section::Unit, "command", &["start"], &["true", "kill", "''"]),
        (Section::DropIn, "name", &["10-a.conf"], &["a", "5", "b/a.conf"]),
        (Section::DropIn, "content", &["a", "5"], &["'$public_ipv6'"]),
    ];
    for (section, key, right, wrong) in cases {
        for (values, is_right) in [(right, true), (wrong, false)] {
            for value in *values {
                let (text, path) = document(*section, &format!("{}{key}: {value}", beside(*section, key)));
                let (lint, merge) = refused(&text);
                assert_eq!((lint.is_empty(), merge.is_empty()), (is_right, is_right), "{text}: {lint:?} {merge:?}");
                let place = format!("{path}{key}");
                assert!(lint.iter().chain(&merge).all(|found| found.starts_with(&place)), "{text}: {lint:?} {merge:?}");
            }
        }
    }
    for (text, place) in [
        ("write_files: [{content: a}]", "write_files[0]"),
        ("users: [{gecos: a}]", "users[0]"),
        ("coreos: {units: [{command: start}]}", "coreos.units[0]"),
        ("coreos: {units: [{name: a.service, drop_ins: [{content: a}]}]}", "coreos.units[0].drop_ins[0]"),
        ("coreos: {units: [{name: a.service, drop_ins: [{name: a.conf}]}]}", "coreos.units[0].drop_ins[0]"),
        ("write_files: [{path: /a, encoding: b64, content: 'a b'}]", "write_files[0].content"),
        ("write_files: [{path: /a, encoding: gz+b64, content: YQ==}]", "write_files[0].content"),
        ("write_files: [{path: /a}, {path: /b}, {path: /a/c/d}]", "write_files[2].path"),
        (
            "coreos: {units: [{name: a.service, drop_ins: [{name: a.conf, content: a}, {name: a.conf, content: b}]}]}",
            "coreos.units[0].drop_ins[1]",
        ),
        // What only a file that is sent as it is can have.
        ("hostname: a", "hostname"),
        ("manage_etc_hosts: localhost", "manage_etc_hosts"),
        ("coreos: {update: {group: beta}}", "coreos.update.group"),
        ("coreos: {update: {server: a}}", "coreos.update.server"),
        ("coreos: {flannel: {}}", "coreos.flannel"),
        ("coreos: {locksmith: {}}", "coreos.locksmith"),
        ("coreos: {oem: {}}", "coreos.oem"),
        ("coreos: {units: [{name: a.service, runtime: true}]}", "coreos.units[0].runtime"),
        ("coreos: {units: [{name: a.service, command: stop}]}", "coreos.units[0].command"),
        ("coreos: {units: [{name: a.network, content: '[Match]'}]}", "coreos.units[0].name"),
        ("coreos: {units: [{name: a.service, command: start, content: '[Service]'}]}", "coreos.units[0]"),
        ("users: [{name: ann, coreos_ssh_import_github: a}]", "users[0].coreos_ssh_import_github"),
        ("users: [{name: ann, coreos_ssh_import_github_users: [a]}]", "users[0].coreos_ssh_import_github_users"),
        ("users: [{name: ann, coreos_ssh_import_url: a}]", "users[0].coreos_ssh_import_url"),
        ("write_files: [{path: /etc/hostname}]", "write_files[0].path"),
        (
            "{write_files: [{path: /etc/flatcar/update.conf}], coreos: {update: {reboot_strategy: off}}}",
            "coreos.update",
        ),
    ] {
        let expected = vec![place.to_owned()];
        assert_eq!(refused(&format!("#cloud-config\n{text}\n")), (expected.clone(), expected), "{text}");
    }
}

#[test]
fn what_is_merged_leaves_room_for_ours() {
    for (path, is_free) in [
        ("/etc/environment", true),
        ("/etc/ssl/etcd/mine", true),
        ("/etc/ssl/etcd", false),
        ("/etc/ssl/etcd/ca.crt/x", false),
        ("/etc//environment/x", false),
        ("/run/x", false),
        ("/tmp/x", false),
    ] {
        let text = format!("#cloud-config\nwrite_files: [{{path: {path}}}]\n");
        assert_eq!(Overlay::parse("x", &text, Purpose::default()).is_ok(), is_free, "{text}");
        let acts_alone = is_free || path.starts_with("/run") || path.starts_with("/tmp");
        assert_eq!(lint("x", text.as_bytes()).unwrap().acts_on_flatcar(), acts_alone, "{text}");
        let kind = "\"storage\": {\"files\": [{\"path\": ";
        let text = format!("{{\"ignition\": {{\"version\": \"3.3.0\"}}, {kind}\"{path}\"}}]}}}}");
        assert_eq!(Overlay::parse("x", &text, Purpose::default()).is_ok(), is_free, "{text}");
    }
    let replace =
        "{\"ignition\": {\"version\": \"3.3.0\", \"config\":\n{\"replace\": {\"source\": \"https://a.test/\"}}}}";
    let problems = Overlay::parse("x", replace, Purpose::default()).unwrap_err().to_string();
    assert!(problems.contains("line 2: `ignition.config.replace`: would throw away all"), "{problems}");
    let alone = lint("x", replace.as_bytes()).unwrap().to_string();
    let says =
        "line 2: `ignition.config.replace` acts only in a file that is sent as it is: cannot be merged: would throw";
    assert!(alone.contains(says), "{alone}");
}
