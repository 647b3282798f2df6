//! One question to a node: the command that asks it and the judgement of what it answers. Pure.

use nodes::inventory::{Inventory, InventoryNode};
use nodes::ssh::Output;
use nodes::system_state::SystemState;

/// Prints what the kernel calls this boot: <https://docs.kernel.org/admin-guide/sysctl/kernel.html#random>
pub(super) const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

/// Which boot a machine is in: a UUID, another one each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootId(String);

impl BootId {
    /// Reads what [`BOOT_ID`] prints; an error says what was there instead.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        match is_id {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("{} is no id of a boot", diagnostics::quoted(text))),
        }
    }
}

/// What a node that passes a check is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Well(String),
    /// It works, and something on it does not.
    Degraded(String),
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// It runs since another boot than this one.
    AnotherBoot { before: BootId },
    /// systemd has finished booting.
    System,
    /// The data disk is mounted where Docker keeps everything.
    DataDisk,
    /// Docker answers.
    Docker,
    /// This member answers over TLS, has a quorum, and knows exactly these members.
    Etcd { address: String, members: Vec<String> },
}

impl Check {
    /// What is asked of a node, in order, but for [`AnotherBoot`](Self::AnotherBoot).
    pub(crate) fn for_node(inventory: &Inventory, node: &InventoryNode) -> Vec<Self> {
        let mut checks = vec![Self::System];
        if node.data_disk {
            checks.push(Self::DataDisk);
        }
        checks.push(Self::Docker);
        if node.etcd_member {
            let members =
                inventory.nodes.iter().filter(|node| node.etcd_member).map(|node| node.name.clone()).collect();
            checks.push(Self::Etcd { address: node.private_address.to_string(), members });
        }
        checks
    }

    /// One word.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::AnotherBoot { .. } => "restart",
            Self::System => "system",
            Self::DataDisk => "data disk",
            Self::Docker => "docker",
            Self::Etcd { .. } => "etcd",
        }
    }

    /// The shell command.
    pub(crate) fn command(&self) -> String {
        match self {
            Self::AnotherBoot { .. } => BOOT_ID.into(),
            // `--wait` returns when the boot is over, without asking again and again.
            Self::System => {
                "timeout 300 systemctl is-system-running --wait; systemctl --failed --plain --no-legend".into()
            }
            Self::DataDisk => "findmnt --noheadings --output SOURCE,FSTYPE /var/lib/docker".into(),
            Self::Docker => "sudo docker info --format '{{.ServerVersion}} {{.Driver}}'".into(),
            Self::Etcd { address, .. } => format!(
                "set -a; . /etc/environment; ETCDCTL_ENDPOINTS=https://{address}:2379; \
                 etcdctl endpoint health >&2 && etcdctl member list || {{ status=$?; \
                 echo \"etcd-member.service is $(systemctl is-active etcd-member.service)\" >&2; \
                 sudo journalctl --unit etcd-member.service --lines 2 --output cat >&2; exit $status; }}"
            ),
        }
    }

    /// What the answer means: a detail for people, or why the node is not ready.
    pub(crate) fn judge(&self, output: &Output) -> Result<Passed, String> {
        match self {
            Self::AnotherBoot { before } => match BootId::read(&output.clone().success()?)? {
                now if now == *before => Err("it runs since before the restart".into()),
                _ => Ok("another boot than before".into()),
            },
            Self::System => return judge_system(&output.stdout),
            Self::DataDisk => {
                output.clone().success().map_err(|_| "`/var/lib/docker` is not a mount of its own".into())
            }
            Self::Docker => output.clone().success(),
            Self::Etcd { members, .. } => judge_etcd(&output.clone().success()?, members),
        }
        .map(Passed::Well)
    }
}

fn judge_system(stdout: &str) -> Result<Passed, String> {
    let (state, failed) = stdout.split_once('\n').unwrap_or((stdout, ""));
    match SystemState::read(state, failed) {
        SystemState::Running => Ok(Passed::Well("running".into())),
        SystemState::Degraded { failed } => {
            Ok(Passed::Degraded(format!("degraded; failed units: {}", failed.join(", "))))
        }
        SystemState::Silent => Err("systemd gave no state".into()),
        SystemState::Starting(word) | SystemState::Other(word) => Err(format!("systemd is `{word}`")),
    }
}

/// `member list` prints `id, status, name, peer addresses, client addresses, learner` a line.
fn judge_etcd(list: &str, members: &[String]) -> Result<String, String> {
    let mut started: Vec<&str> = list
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            (fields.get(1) == Some(&"started")).then(|| fields.get(2).copied()).flatten()
        })
        .collect();
    started.sort_unstable();
    let mut expected: Vec<&str> = members.iter().map(String::as_str).collect();
    expected.sort_unstable();
    if started == expected {
        Ok(format!("healthy, {} members", started.len()))
    } else {
        Err(format!("knows the members {}, expected {}", started.join(", "), expected.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(status: u32, stdout: &str, stderr: &str) -> Output {
        Output { status, stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn a_restart_is_another_boot() {
        let id = "3d6c1f4e-8a0b-4a7e-9a53-0f1c2d3e4f50";
        let check = Check::AnotherBoot { before: BootId::read(&format!("{id}\n")).unwrap() };
        let judged = |stdout: &str| check.judge(&Output { status: 0, stdout: stdout.into(), stderr: String::new() });
        assert_eq!(judged(id), Err("it runs since before the restart".into()));
        assert!(judged(&id.replace('3', "4")).is_ok());
        assert_eq!(judged("<html>"), Err("`<html>` is no id of a boot".into()));
    }

    #[test]
    fn judgements() {
        let etcd = Check::Etcd { address: "10.32.0.4".into(), members: vec!["b".into(), "a".into()] };
        let good = "1, started, a, https://x:2380, https://x:2379, false\n2, started, b, https://y:2380, https://y:2379, false\n";
        for (check, output, expected) in [
            (&Check::System, output(0, "running\n", ""), Ok("running")),
            (
                &Check::System,
                output(1, "degraded\nfoo.service loaded failed failed Foo\n", ""),
                Ok("degraded; failed units: foo.service"),
            ),
            (&Check::System, output(1, "starting\n", ""), Err("systemd is `starting`")),
            (&Check::System, output(124, "", ""), Err("systemd gave no state")),
            (&Check::DataDisk, output(0, "/dev/vdb ext4\n", ""), Ok("/dev/vdb ext4")),
            (&Check::DataDisk, output(1, "", ""), Err("`/var/lib/docker` is not a mount of its own")),
            (&Check::Docker, output(0, "28.0.4 overlay2\n", ""), Ok("28.0.4 overlay2")),
            (&Check::Docker, output(1, "", "Cannot connect\n"), Err("exit status 1: Cannot connect")),
            (&etcd, output(0, good, ""), Ok("healthy, 2 members")),
            (
                &etcd,
                output(0, "1, started, a, , ,\n2, unstarted, , , ,\n", ""),
                Err("knows the members a, expected a, b"),
            ),
            (&etcd, output(1, "", "context deadline exceeded"), Err("exit status 1: context deadline exceeded")),
        ] {
            let found = check.judge(&output);
            let degraded = matches!(found, Ok(Passed::Degraded(_)));
            assert_eq!(degraded, output.stdout.starts_with("degraded"), "{found:?}");
            let found = found.map(|passed| match passed {
                Passed::Well(detail) | Passed::Degraded(detail) => detail,
            });
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{check:?} {output:?}");
        }
    }
}
