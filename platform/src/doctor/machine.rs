//! A machine's system: versions, systemd's state, memory.

use super::finding::{CLUSTER, Finding};
use super::probe::Answers;

/// Of all memory, what must be available.
const SCARCE_MEMORY_PERCENT: u64 = 10;
const NO_MEMORY_PERCENT: u64 = 3;
/// Units that the platform cannot do without.
const VITAL_UNITS: [&str; 5] =
    ["docker.service", "containerd.service", "etcd-member.service", "var-lib-docker.mount", "systemd-networkd.service"];

/// What is asked of every node.
pub(super) const QUESTIONS: [(&str, &str); 5] = [
    ("os", ". /etc/os-release; echo \"$PRETTY_NAME\""),
    ("kernel", "uname -r"),
    ("system", "systemctl is-system-running"),
    ("failed", "systemctl --failed --plain --no-legend"),
    ("memory", "cat /proc/meminfo"),
];

/// Whether all machines run the same system, kernel and Docker; `docker` is Docker's version, when it answers.
pub(super) fn judge_versions(nodes: &[(&str, &Answers, Option<&str>)]) -> Vec<Finding> {
    let facts = [
        ("system", nodes.iter().map(|(name, answers, _)| (*name, answers.get("os"))).collect()),
        ("kernel", nodes.iter().map(|(name, answers, _)| (*name, answers.get("kernel"))).collect()),
        ("Docker", nodes.iter().map(|(name, _, docker)| (*name, *docker)).collect()),
    ];
    let difference = |(what, values): &(&str, Vec<(&str, Option<&str>)>)| {
        let mut known = values.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let (first, value) = known.next()?;
        let (other, another) = known.find(|(_, other)| *other != value)?;
        Some(Finding::warn(
            "versions",
            CLUSTER,
            format!("the machines differ in their {what}: {first} has {value}, {other} has {another}"),
            "bring all machines to the same version, one after the other: drain, update, restart, activate",
        ))
    };
    let differences: Vec<Finding> = facts.iter().filter_map(difference).collect();
    if !differences.is_empty() {
        return differences;
    }
    let Some((_, answers, docker)) = nodes.first() else { return Vec::new() };
    let docker = docker.map(|version| format!(", Docker {version}")).unwrap_or_default();
    let system = answers.get("os").unwrap_or("an unnamed system");
    let kernel = answers.get("kernel").unwrap_or("unknown");
    vec![Finding::ok("versions", CLUSTER, format!("{system}, kernel {kernel}{docker}"))]
}

/// systemd's own view of the node.
pub(super) fn judge_systemd(node: &str, answers: &Answers) -> Finding {
    let state = answers.text("system").lines().last().unwrap_or_default().trim();
    let failed: Vec<&str> = answers.text("failed").lines().filter_map(|line| line.split_whitespace().next()).collect();
    let jobs = format!("platformctl ssh {node} systemctl list-jobs");
    match state {
        "running" => Finding::ok("systemd", node, "running, no failed unit"),
        "degraded" => {
            let vital = failed.iter().any(|unit| VITAL_UNITS.contains(unit));
            let first = failed.first().copied().unwrap_or("UNIT");
            let found = format!("degraded; failed units: {}", failed.join(", "));
            let remedy = format!(
                "platformctl journal {node} --unit {first} says why; then platformctl ssh {node} sudo systemctl restart \
                 {first}, or reset-failed when it is not needed"
            );
            if vital {
                Finding::fail("systemd", node, found, remedy)
            } else {
                Finding::warn("systemd", node, found, remedy)
            }
        }
        "starting" | "initializing" => Finding::warn("systemd", node, format!("its boot is not over: `{state}`"), jobs),
        "" => Finding::fail("systemd", node, format!("gives no state: {}", answers.complaint("system")), jobs),
        other => Finding::fail("systemd", node, format!("is `{other}`"), jobs),
    }
}

/// Whether programs can still get memory.
pub(super) fn judge_memory(node: &str, answers: &Answers) -> Finding {
    let kibibytes = |key: &str| {
        let line = answers.text("memory").lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let remedy = format!(
        "platformctl ssh {node} docker stats --no-stream shows who takes it; limit that, or use larger machines"
    );
    let (Some(total), Some(available)) = (kibibytes("MemTotal"), kibibytes("MemAvailable")) else {
        return Finding::warn("memory", node, "does not say how much memory it has", remedy);
    };
    let percent = available * 100 / total.max(1);
    let found = format!("{} of {} MiB available ({percent} %)", available / 1024, total / 1024);
    match percent {
        percent if percent < NO_MEMORY_PERCENT => Finding::fail("memory", node, found, remedy),
        percent if percent < SCARCE_MEMORY_PERCENT => Finding::warn("memory", node, found, remedy),
        _ => Finding::ok("memory", node, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn versions() {
        let old = Answers::of(&[("os", 0, "Flatcar 1"), ("kernel", 0, "6.1")]);
        let new = Answers::of(&[("os", 0, "Flatcar 2"), ("kernel", 0, "6.1")]);
        let silent = Answers::default();
        for (nodes, expected) in [
            (vec![("a", &old, Some("28")), ("b", &old, Some("28"))], vec!["Flatcar 1, kernel 6.1, Docker 28"]),
            (vec![("a", &old, Some("28")), ("b", &new, Some("28"))], vec!["a has Flatcar 1, b has Flatcar 2"]),
            (
                vec![("a", &old, Some("28")), ("b", &silent, None), ("c", &new, Some("27"))],
                vec!["differ in their system", "a has 28, c has 27"],
            ),
            (vec![], vec![]),
        ] {
            let findings = judge_versions(&nodes);
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            assert!(findings.iter().zip(&expected).all(|(finding, part)| finding.found.contains(part)), "{findings:?}");
        }
    }

    #[test]
    fn systemd_states() {
        for (state, failed, level, found) in [
            ("running", "", Level::Ok, "running"),
            ("degraded", "foo.service loaded failed failed Foo", Level::Warn, "failed units: foo.service"),
            (
                "degraded",
                "a.service loaded failed failed A\ndocker.service loaded failed failed Docker",
                Level::Fail,
                "a.service, docker.service",
            ),
            ("starting", "", Level::Warn, "not over"),
            ("maintenance", "", Level::Fail, "`maintenance`"),
            ("", "", Level::Fail, "no state"),
        ] {
            let answers = Answers::of(&[("system", u32::from(state != "running"), state), ("failed", 0, failed)]);
            let finding = judge_systemd("n", &answers);
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.found.contains(found), "{finding:?}");
        }
    }

    #[test]
    fn memory() {
        for (available, level) in [(700_000, Level::Ok), (99_000, Level::Warn), (29_000, Level::Fail)] {
            let text = format!("MemTotal:  1000000 kB\nMemFree: 1 kB\nMemAvailable: {available} kB");
            let finding = judge_memory("n", &Answers::of(&[("memory", 0, &text)]));
            assert_eq!(finding.level, level, "{finding:?}");
        }
        assert_eq!(judge_memory("n", &Answers::default()).level, Level::Warn);
    }
}
