//! The keys of a cloud-config.

use super::{Finding, IGNITION_ONLY, Verdict};
use crate::spec::cloud_config::CORE_USER;
use crate::userdata::address;
use crate::userdata::keys::{Key, Reading, Section, Shape, value_mistake};
use diagnostics::Problems;
use diagnostics::yaml::{Document, Node, Value};

/// Of an account that exists, coreos-cloudinit reads these alone.
/// <https://github.com/flatcar/coreos-cloudinit/blob/flatcar-master/initialize/config.go>
const READ_OF_CORE: [&str; 6] = [
    "name",
    "passwd",
    "ssh_authorized_keys",
    "coreos_ssh_import_github",
    "coreos_ssh_import_github_users",
    "coreos_ssh_import_url",
];

/// One finding for each key with a value of its own, and for each that does nothing.
pub fn findings(file: &str, text: &str) -> Result<Vec<Finding>, Problems> {
    let document = Document::parse(file, text)?;
    let mut findings = Vec::new();
    let root = document.root();
    match root.value() {
        Value::Null => {}
        Value::Mapping(_) => mapping(&root, Section::Document, &mut findings),
        _ => findings.push(finding(&root, idle("a cloud-config is a mapping (`key: value`)".into()))),
    }
    Ok(findings)
}

fn finding(node: &Node, flatcar: Verdict) -> Finding {
    let path = node.path();
    let key = if path.is_empty() { "the file".into() } else { path };
    Finding { line: node.line(), key, flatcar, fedora_coreos: idle(IGNITION_ONLY.into()) }
}

fn idle(why: String) -> Verdict {
    Verdict::Idle(why)
}

fn mapping(node: &Node, section: Section, findings: &mut Vec<Finding>) {
    let Value::Mapping(entries) = node.value() else {
        findings.push(finding(node, idle("must be a mapping (`key: value`)".into())));
        return;
    };
    let is_core = section == Section::User && entries.get("name").and_then(Value::as_str) == Some(CORE_USER);
    for (name, child) in node.entries().unwrap_or_default() {
        let key = match (section.idle(&name), section.reading(&name)) {
            (None, Reading::Known(key)) => key,
            (Some((why, instead)), _) => {
                findings.push(finding(&child, idle(format!("{why}; {instead}"))));
                continue;
            }
            (None, _) => continue,
        };
        if child.is_null() {
            findings.push(finding(&child, idle("has no value".into())));
        } else if is_core && !READ_OF_CORE.contains(&key.name) {
            let why = "`core` exists: of it only keys and `passwd` are read";
            findings.push(finding(&child, idle(why.into())));
        } else {
            value(&child, section, key, findings);
        }
    }
}

fn value(node: &Node, section: Section, key: &Key, findings: &mut Vec<Finding>) {
    match (key.shape, node.value()) {
        (Shape::Mapping(section), _) => mapping(node, section, findings),
        (Shape::List(section), Value::Sequence(_)) => {
            for item in node.items().unwrap_or_default() {
                mapping(&item, section, findings);
            }
        }
        (Shape::Texts, Value::Sequence(items)) if items.iter().all(Value::is_string) => {
            findings.push(finding(node, Verdict::Acts));
        }
        (Shape::List(_) | Shape::Texts, _) => findings.push(finding(node, idle("must be a list".into()))),
        (Shape::Flag, Value::Bool(_)) => findings.push(finding(node, Verdict::Acts)),
        (Shape::Flag, _) => findings.push(finding(node, idle("must be `true` or `false`".into()))),
        (Shape::Text, Value::Sequence(_) | Value::Mapping(_)) => {
            findings.push(finding(node, idle("must be a text".into())));
        }
        (Shape::Text, value) => {
            let absent = value.as_str().filter(|_| key.name == "content").and_then(address::absent);
            let verdict = match (value_mistake(section, key.name, value), absent) {
                (Some(mistake), _) => idle(mistake),
                (None, Some(name)) => idle(format!("`{name}` in it is empty on Azure; `$private_ipv4` is known")),
                (None, None) => Verdict::Acts,
            };
            findings.push(finding(node, verdict));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_verdict() {
        for (text, key, line, why) in [
            ("hostname: a", "hostname", 2, None),
            ("ssh_authorized_keys: [a]", "ssh_authorized_keys", 2, None),
            ("ssh_authorized_keys: a", "ssh_authorized_keys", 2, Some("must be a list")),
            ("ssh-authorized-keys: [a]", "ssh-authorized-keys", 2, Some("write `ssh_authorized_keys`")),
            ("manage_etc_hosts: localhost", "manage_etc_hosts", 2, None),
            ("manage_etc_hosts: template", "manage_etc_hosts", 2, Some("none of `localhost`")),
            ("coreos:\n  update:\n    reboot_strategy: off", "coreos.update.reboot_strategy", 4, None),
            (
                "coreos:\n  update:\n    reboot_strategy: best-effort",
                "coreos.update.reboot_strategy",
                4,
                Some("none of"),
            ),
            ("coreos:\n  update:\n    group: beta", "coreos.update.group", 4, None),
            ("coreos:\n  etcd2:\n    a: b", "coreos.etcd2", 3, Some("no longer has")),
            ("coreos:\n  fleet:\n    a: b", "coreos.fleet", 3, Some("no longer has")),
            ("coreos:\n  flannel:\n    interface: eth0", "coreos.flannel.interface", 4, None),
            (
                "coreos:\n  locksmith:\n    window-start: x",
                "coreos.locksmith.window-start",
                4,
                Some("write `window_start`"),
            ),
            ("coreos:\n  units:\n  - mask: yes", "coreos.units[0].mask", 4, Some("must be `true` or `false`")),
            ("coreos:\n  units:\n  - command: stop", "coreos.units[0].command", 4, None),
            ("coreos:\n  units:\n  - command: kill", "coreos.units[0].command", 4, Some("none of `start`")),
            ("coreos:\n  units:\n  - name: a.network", "coreos.units[0].name", 4, None),
            ("coreos:\n  units: {}", "coreos.units", 3, Some("must be a list")),
            ("users:\n- coreos_ssh_import_github: a", "users[0].coreos_ssh_import_github", 3, None),
            ("users:\n- gecos: a", "users[0].gecos", 3, None),
            ("users:\n- uid: 4", "users[0].uid", 3, Some("only cloud-init")),
            ("users:\n- a", "users[0]", 3, Some("must be a mapping")),
            ("write_files:\n- permissions: 0644", "write_files[0].permissions", 3, None),
            ("write_files:\n- encoding: gz", "write_files[0].encoding", 3, None),
            ("write_files:\n- content: $public_ipv4", "write_files[0].content", 3, Some("empty on Azure")),
            ("write_files:\n- content: [a]", "write_files[0].content", 3, Some("must be a text")),
            ("write_files:\n- content:", "write_files[0].content", 3, Some("has no value")),
            ("packages: [a]", "packages", 2, Some("no package manager")),
            ("bootcmd: [a]", "bootcmd", 2, Some("Type=oneshot")),
            ("apt: {a: b}", "apt", 2, Some("no package manager")),
            ("nonsense: 1", "nonsense", 2, Some("known are hostname")),
        ] {
            let found = findings("x", &format!("#cloud-config\n{text}\n")).unwrap();
            let [finding] = found.as_slice() else { panic!("{text}: {found:?}") };
            assert_eq!((&*finding.key, finding.line), (key, Some(line)), "{text}");
            match (why, &finding.flatcar) {
                (None, Verdict::Acts) => {}
                (Some(part), Verdict::Idle(text)) if text.contains(part) => {}
                _ => panic!("{text}: {finding:?}"),
            }
            assert!(!finding.fedora_coreos.acts(), "{text}");
        }
    }

    #[test]
    fn of_core_only_keys_and_password_are_read() {
        let text =
            "#cloud-config\nusers:\n- name: core\n  groups: [docker]\n  passwd: x\n- name: other\n  groups: [docker]\n";
        let idle: Vec<Finding> =
            findings("x", text).unwrap().into_iter().filter(|finding| !finding.flatcar.acts()).collect();
        assert_eq!(idle.iter().map(|finding| &*finding.key).collect::<Vec<_>>(), ["users[0].groups"]);
    }

    #[test]
    fn what_is_no_mapping_or_no_yaml() {
        assert!(!findings("x", "#cloud-config\n- a\n").unwrap()[0].flatcar.acts());
        assert_eq!(findings("x", "#cloud-config\n").unwrap(), []);
        let problems = findings("x", "#cloud-config\na: [\n").unwrap_err();
        assert!(problems.to_string().contains("not YAML"), "{problems}");
    }
}
