//! What must hold before a cluster is changed; asked of all nodes at once, every finding told.

use std::time::Duration;

use futures::future::join_all;

use crate::Platform;
use nodes::clock;
use nodes::cluster::Node;
use report::mark::DEGRADED;
use report::{Event, Failure, Reporter};

const TIMEOUT: Duration = Duration::from_secs(60);
/// Below this Docker cannot unpack an image of ordinary size.
const LEAST_DISK_MEBIBYTES: u64 = 512;
/// Below this a container of ordinary size cannot start.
const LEAST_MEMORY_MEBIBYTES: u64 = 96;
/// Larger differences between clocks break certificates and leases.
const MOST_CLOCK_SKEW_MILLISECONDS: f64 = 1000.0;
/// Prints one `key=value` a line.
const QUESTION: &str = "\
    . /etc/os-release; echo \"os=$PRETTY_NAME\"; echo \"kernel=$(uname -r)\"; \
    echo \"docker=$(docker version --format '{{.Server.Version}}' 2>&1 | tail -n1)\"; \
    echo \"docker_ok=$(docker version >/dev/null 2>&1 && echo yes)\"; \
    echo \"disk=$(df -Pm /var/lib/docker | awk 'END { print $4 }')\"; \
    echo \"memory=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)\"";

/// What a node said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answer {
    os: String,
    kernel: String,
    docker: String,
    docker_answers: bool,
    disk_mebibytes: Option<u64>,
    memory_mebibytes: Option<u64>,
}

/// Checks every node and what they share; all findings in one failure. Different versions are only noted.
pub(crate) async fn preflight(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    let cluster = &platform.cluster;
    cluster.connect_all().await?;
    let (answers, store, offsets) = tokio::join!(
        join_all(cluster.nodes().iter().map(ask)),
        platform.store.range("/platform/.cluster/"),
        join_all(cluster.nodes().iter().map(offset)),
    );
    let mut unreachable = Vec::new();
    let mut reasons = Vec::new();
    let mut known = Vec::new();
    for (node, answer) in cluster.nodes().iter().zip(answers) {
        match answer {
            Ok(answer) => {
                reasons
                    .extend(answer.findings().into_iter().map(|finding| format!("node `{}`: {finding}", node.name())));
                known.push((node.name(), answer));
            }
            Err(error) => unreachable.push((node.name().to_owned(), error)),
        }
    }
    if !unreachable.is_empty() {
        return Err(cluster.unreachable(unreachable));
    }
    match store {
        Ok(_) => passed(reporter, "etcd", "answers, so most of its members agree".into()),
        Err(error) => reasons.push(format!("etcd does not answer: {error}")),
    }
    let mut measured: Vec<(&str, clock::Offset)> = Vec::new();
    for (node, offset) in cluster.nodes().iter().zip(offsets) {
        match offset {
            Ok(offset) => measured.push((node.name(), offset)),
            Err(error) => reasons.push(format!("node `{}`: its clock cannot be read: {error}", node.name())),
        }
    }
    let skew = clock::skew(&measured);
    if skew.milliseconds > MOST_CLOCK_SKEW_MILLISECONDS {
        reasons.push(format!(
            "the clocks of `{}` and `{}` differ by {:.1} s; `chronyc tracking` on them says why",
            skew.earliest,
            skew.latest,
            skew.milliseconds / 1000.0
        ));
    } else {
        passed(reporter, "clocks", format!("differ by {:.0} ms at most", skew.milliseconds));
    }
    for difference in differences(&known) {
        reporter.note(format!("{DEGRADED} {difference}"));
    }
    if reasons.is_empty() {
        passed(reporter, "machines", "Docker answers; disks and memory have room".into());
        return Ok(());
    }
    Err(Failure::Unhealthy { reasons, hint: "platformctl doctor".into() })
}

fn passed(reporter: &Reporter, check: &'static str, detail: String) {
    reporter.event(Event::CheckPassed { node: "all nodes".into(), check, detail });
}

async fn ask(node: &Node) -> Result<Answer, nodes::ssh::SshError> {
    Ok(Answer::read(&node.run(QUESTION, None, TIMEOUT).await?.stdout))
}

/// Asked again once, as commands are when the connection breaks under them.
async fn offset(node: &Node) -> Result<clock::Offset, nodes::ssh::SshError> {
    match clock::offset(node).await {
        Err(nodes::ssh::SshError::Protocol { .. }) => clock::offset(node).await,
        other => other,
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim().to_owned()
        };
        Self {
            os: value("os"),
            kernel: value("kernel"),
            docker: value("docker"),
            docker_answers: value("docker_ok") == "yes",
            disk_mebibytes: value("disk").parse().ok(),
            memory_mebibytes: value("memory").parse().ok(),
        }
    }

    fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if !self.docker_answers {
            findings.push(format!("Docker does not answer: {}", self.docker));
        }
        if let Some(free) = self.disk_mebibytes.filter(|free| *free < LEAST_DISK_MEBIBYTES) {
            findings.push(format!(
                "/var/lib/docker has {free} MiB left, at least {LEAST_DISK_MEBIBYTES} are needed; `docker system prune` \
                 removes what nothing uses"
            ));
        }
        if let Some(free) = self.memory_mebibytes.filter(|free| *free < LEAST_MEMORY_MEBIBYTES) {
            findings.push(format!("{free} MiB of memory are free, at least {LEAST_MEMORY_MEBIBYTES} are needed"));
        }
        findings
    }
}

/// What is not alike among the nodes: mixed versions of Docker break overlay networks now and then.
fn differences(answers: &[(&str, Answer)]) -> Vec<String> {
    let mut differences = Vec::new();
    for what in ["system", "kernel", "Docker"] {
        let fact = |answer: &'_ Answer| match what {
            "system" => answer.os.clone(),
            "kernel" => answer.kernel.clone(),
            _ => answer.docker.clone(),
        };
        let Some((first, one)) = answers.first() else { break };
        if let Some((other, another)) = answers.iter().find(|(_, answer)| fact(answer) != fact(one)) {
            differences.push(format!(
                "the nodes differ in their {what}: {first} has {}, {other} has {}; keep them alike",
                fact(one),
                fact(another)
            ));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_what_is_short() {
        for (text, expected) in [
            ("docker=28.0.4\ndocker_ok=yes\ndisk=4000\nmemory=700", vec![]),
            ("docker=x\ndocker_ok=yes\ndisk=12\nmemory=700", vec!["12 MiB left"]),
            ("docker=Cannot connect\ndocker_ok=\ndisk=9\nmemory=1", vec!["Cannot connect", "9 MiB", "1 MiB of memory"]),
        ] {
            let findings = Answer::read(text).findings();
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            assert!(findings.iter().zip(expected).all(|(finding, words)| finding.contains(words)), "{findings:?}");
        }
    }

    #[test]
    fn unlike_versions_are_told() {
        let answer = |docker: &str| Answer { docker: docker.into(), ..Answer::default() };
        assert!(differences(&[("a", answer("1")), ("b", answer("1"))]).is_empty());
        let differences = differences(&[("a", answer("1")), ("b", answer("1")), ("c", answer("2"))]);
        assert_eq!(differences, ["the nodes differ in their Docker: a has 1, c has 2; keep them alike"]);
    }
}
