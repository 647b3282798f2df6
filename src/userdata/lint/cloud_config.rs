//! The keys of a cloud-config.

use super::order::kept_by;
use super::{Finding, IGNITION_ONLY, Verdict};
use crate::userdata::keys::judge;
use crate::userdata::mistake::{Judged, Mistake};
use crate::userdata::purpose::Purpose;
use diagnostics::Problems;
use diagnostics::yaml::{Document, Written};

/// One finding for each key with a value of its own, and for each that does nothing.
pub(super) fn findings(file: &str, text: &str) -> Result<Vec<Finding>, Problems> {
    let document = Document::parse(file, text)?;
    let root = document.root();
    let written = Written::read(text, root.value());
    let judgement = judge(&root, &written, Purpose::CloudConfigAlone);
    let kept_by = kept_by(&judgement);
    let keeper = |by: Option<usize>| by.map(|index| &judgement.judged[index]);
    Ok(judgement.judged.iter().zip(kept_by).map(|(judged, by)| finding(judged, keeper(by))).collect())
}

fn key(judged: &Judged) -> String {
    let path = judged.node.path();
    if path.is_empty() { "the file".into() } else { path }
}

/// `by` is what keeps it from acting, when nothing is wrong with itself.
fn finding(judged: &Judged, by: Option<&Judged>) -> Finding {
    let key = key(judged);
    let acts_alone = judged.mistake.as_ref().is_none_or(Mistake::is_of_merge);
    let flatcar = match (&judged.mistake, by) {
        (_, Some(by)) if acts_alone => {
            let line = by.node.line().map(|line| format!(" on line {line}")).unwrap_or_default();
            Verdict::Idle(format!("`{}`{line} keeps it from being applied", self::key(by)))
        }
        (Some(mistake), _) => Verdict::Idle(mistake.text()),
        (None, _) if !judged.misread.is_empty() => Verdict::Misread(judged.misread.clone()),
        (None, _) => Verdict::Acts,
    };
    Finding { line: judged.node.line(), key, flatcar, fedora_coreos: Verdict::Idle(IGNITION_ONLY.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_verdict() {
        for (text, key, line, why) in [
            ("hostname: a", "hostname", 2, Some("cannot be merged; leave it out")),
            ("ssh_authorized_keys: a", "ssh_authorized_keys", 2, Some("must be a list")),
            ("ssh_authorized_keys: [a]", "ssh_authorized_keys[0]", 2, Some("no SSH public key")),
            ("ssh-authorized-keys: [a]", "ssh-authorized-keys", 2, Some("write `ssh_authorized_keys`")),
            ("manage_etc_hosts: localhost", "manage_etc_hosts", 2, Some("cannot be merged")),
            ("manage_etc_hosts: template", "manage_etc_hosts", 2, Some("none of `localhost`")),
            ("coreos:\n  update:\n    reboot_strategy: off", "coreos.update.reboot_strategy", 4, None),
            (
                "coreos:\n  update:\n    reboot_strategy: best-effort",
                "coreos.update.reboot_strategy",
                4,
                Some("none of"),
            ),
            ("coreos:\n  update:\n    group: beta", "coreos.update.group", 4, Some("cannot be merged")),
            ("coreos:\n  etcd2:\n    a: b", "coreos.etcd2", 3, Some("no longer has")),
            ("coreos:\n  fleet:\n    a: b", "coreos.fleet", 3, Some("no longer has")),
            ("coreos:\n  flannel:\n    interface: eth0", "coreos.flannel.interface", 4, Some("cannot be merged")),
            (
                "coreos:\n  locksmith:\n    window-start: x",
                "coreos.locksmith.window-start",
                4,
                Some("write `window_start`"),
            ),
            ("coreos:\n  units:\n  - command: stop", "coreos.units[0]", 4, Some("`name` is missing")),
            ("coreos:\n  units:\n  - name: a.service\n    mask: yes", "coreos.units[0].mask", 5, None),
            (
                "coreos:\n  units:\n  - name: a.service\n    mask: 'true'",
                "coreos.units[0].mask",
                5,
                Some("found the text `true`; nothing of the document is applied; write it without quotes"),
            ),
            (
                "coreos:\n  units:\n  - name: a.service\n    command: stop",
                "coreos.units[0].command",
                5,
                Some("found `stop`"),
            ),
            (
                "coreos:\n  units:\n  - name: a.service\n    command: kill",
                "coreos.units[0].command",
                5,
                Some("none of"),
            ),
            ("coreos:\n  units:\n  - name: a.network", "coreos.units[0].name", 4, Some("cannot be merged")),
            (
                "coreos:\n  units:\n  - name: etcd.service\n    command: start",
                "coreos.units[0].name",
                4,
                Some(
                    "`etcd.service` is a unit that the image no longer has; what comes after it (users, then files, then units) is not applied; leave it out: members of etcd are set up",
                ),
            ),
            ("coreos:\n  units:\n  - name: etcd.service\n    mask: true", "coreos.units[0].name", 4, None),
            (
                "coreos:\n  units:\n  - name: etcd.service\n    content: a\n  - name: etcd.service\n    command: start",
                "coreos.units[1].name",
                6,
                None,
            ),
            (
                "coreos:\n  units:\n  - name: nonsense.service\n    command: start",
                "coreos.units[0].name",
                4,
                Some("only if the image has this unit: where it has not"),
            ),
            (
                "coreos:\n  units:\n  - name: a.service\n    drop_ins: [{name: a.conf, content: a}]",
                "coreos.units[0].name",
                4,
                Some("only if the image has this unit"),
            ),
            (
                "coreos:\n  units:\n  - name: a@b.service\n    command: start\n  - name: a@.service\n    content: x",
                "coreos.units[0].name",
                4,
                None,
            ),
            ("coreos:\n  units:\n  - name: docker.service\n    enable: true", "coreos.units[0].name", 4, None),
            ("coreos:\n  units:\n  - name: var-lib-data2.mount\n    enable: true", "coreos.units[0].name", 4, None),
            ("coreos:\n  units: {}", "coreos.units", 3, Some("must be a list")),
            (
                "users:\n- name: b\n  coreos_ssh_import_github: a",
                "users[0].coreos_ssh_import_github",
                4,
                Some("merged"),
            ),
            ("users:\n- name: b\n  gecos: a", "users[0].gecos", 4, Some("gets it in quotation marks")),
            ("users:\n- name: -b", "users[0].name", 3, Some("is not applied")),
            ("users: a", "users", 2, Some("nothing of the document is applied")),
            ("manage_etc_hosts: all", "manage_etc_hosts", 2, Some("no file and no unit")),
            ("write_files:\n- path: /a\n  encoding: xz", "write_files[0].encoding", 4, Some("nothing of the document")),
            ("users:\n- name: b\n  uid: 4", "users[0].uid", 4, Some("only cloud-init")),
            ("users:\n- a", "users[0]", 3, Some("must be a mapping")),
            ("write_files:\n- path: a/../b", "write_files[0].path", 3, Some("it is written to `/b`")),
            ("write_files:\n- path: /a\n  permissions: 0644", "write_files[0].permissions", 4, None),
            ("write_files:\n- path: /a\n  permissions: 384", "write_files[0].permissions", 4, Some("not octal")),
            ("write_files:\n- path: /a\n  content: $public_ipv4", "write_files[0].content", 4, Some("empty on Azure")),
            ("write_files:\n- path: /a\n  content: [a]", "write_files[0].content", 4, Some("must be a text")),
            ("write_files:\n- path: /a\n  content:", "write_files[0].content", 4, Some("has no value")),
            ("packages: [a]", "packages", 2, Some("no package manager")),
            ("bootcmd: [a]", "bootcmd", 2, Some("Type=oneshot")),
            ("apt: {a: b}", "apt", 2, Some("no package manager")),
            ("nonsense: 1", "nonsense", 2, Some("known are hostname")),
        ] {
            let found = findings("x", &format!("#cloud-config\n{text}\n")).unwrap();
            let of_key: Vec<&Finding> = found.iter().filter(|finding| finding.key == key).collect();
            let [finding] = of_key.as_slice() else { panic!("{text}: {found:?}") };
            assert_eq!(finding.line, Some(line), "{text}");
            match (why, &finding.flatcar) {
                (None, Verdict::Acts) => {}
                (Some(part), Verdict::Idle(text) | Verdict::Misread(text)) if text.contains(part) => {}
                _ => panic!("{text}: {finding:?}"),
            }
            assert!(!finding.fedora_coreos.acts(), "{text}");
            assert!(found.iter().all(|other| other.key == key || other.flatcar.acts()) || why.is_some(), "{found:?}");
        }
    }

    /// Each finding by the line of what keeps it from acting; 0 is right, and what is wrong by itself has its own line.
    #[test]
    fn what_is_told_is_one_account() {
        for (text, expected) in [
            // The second file is not written, nor is anything after it; what came before is.
            (
                "coreos:\n  units:\n  - name: a.service\n    content: a\nwrite_files:\n- path: /a\n- path: /b\n  permissions: '0999'\n  content: b\n- path: /c\nusers:\n- name: ann\n",
                &[9, 9, 0, 9, 9, 9, 9, 0][..],
            ),
            ("write_files:\n- content: a\n  owner: root\n- path: /b\n", &[3, 3, 3, 3]),
            ("write_files:\n- path:\n  content: a\n- path: /b\n", &[3, 3, 3]),
            ("write_files:\n- path: relative\n- path: /b\n", &[0, 0]),
            ("write_files:\n- path: /a\n  permissions: '04755'\n- path: /b\n", &[0, 4, 0]),
            ("hostname: a b\nssh_authorized_keys: []\nusers:\n- name: core\n  passwd: x\n", &[2, 0, 2, 2]),
            ("users:\n- name: -a\n  shell: /bin/sh\n- name: b\nwrite_files:\n- path: /a\n", &[3, 3, 3, 3]),
            ("users:\n- name: b\n- shell: /bin/sh\nwrite_files:\n- path: /a\n", &[0, 4, 4, 0]),
            ("manage_etc_hosts: all\nusers:\n- name: b\nwrite_files:\n- path: /a\n", &[2, 0, 2]),
            ("users:\n- name: b\n  system: 'true'\nmanage_etc_hosts: localhost\n", &[4, 4, 4]),
            // Commands come after all units.
            (
                "coreos:\n  units:\n  - name: a.service\n    content: a\n    command: kill\n  - name: b.service\n    content: \"[Install]\\nWantedBy=a.target\"\n    command: start\n  - name: docker.service\n    command: start\n",
                &[0, 0, 6, 0, 0, 6, 6, 6],
            ),
            (
                "coreos:\n  units:\n  - name: etcd2.service\n    command: start\n  - name: b.service\n    content: \"[Install]\\nWantedBy=a.target\"\n    command: start\n",
                &[4, 4, 0, 0, 4],
            ),
            (
                "coreos:\n  units:\n  - name: docker.service\n    command: start\n  - name: etcd2.service\n    enable: true\n    drop_ins: [{name: a.conf, content: a}]\n  - name: b.service\n    content: b\n",
                &[6, 6, 6, 6, 6, 6, 6, 6],
            ),
            (
                "coreos:\n  units:\n  - name: docker.service\n    drop_ins:\n    - name: a\n      content: b\n",
                &[0, 6, 6],
            ),
        ] {
            let found = findings("x", &format!("#cloud-config\n{text}")).unwrap();
            let keeper = |finding: &Finding| match &finding.flatcar {
                Verdict::Acts | Verdict::Misread(_) => 0,
                Verdict::Idle(why) => match why.split_once("` on line ").filter(|_| why.ends_with("being applied")) {
                    Some((_, rest)) => rest.split(' ').next().unwrap().parse().unwrap(),
                    None => finding.line.unwrap(),
                },
            };
            assert_eq!(found.iter().map(keeper).collect::<Vec<_>>(), expected, "{text}: {found:?}");
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
