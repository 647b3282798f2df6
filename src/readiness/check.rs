//! One question to a node: the command that asks it and the judgement of what it answers. Pure.

use nodes::inventory::{Inventory, InventoryNode};
use nodes::ssh::Output;

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
    /// What is asked of a node, in order.
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
            Self::System => "system",
            Self::DataDisk => "data disk",
            Self::Docker => "docker",
            Self::Etcd { .. } => "etcd",
        }
    }

    /// The shell command.
    pub(crate) fn command(&self) -> String {
        match self {
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
    let mut lines = stdout.lines();
    let state = lines.next().unwrap_or_default().trim();
    let failed: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    match state {
        "running" => Ok(Passed::Well("running".into())),
        "degraded" => Ok(Passed::Degraded(format!("degraded; failed units: {}", failed.join(", ")))),
        "" => Err("systemd gave no state".into()),
        other => Err(format!("systemd is `{other}`")),
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
