//! What a check found, and what helps.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Works, and will not always.
    Warn,
    /// Does not work.
    Fail,
}

/// One result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Which check: one of the words of [`GROUPS`].
    pub check: &'static str,
    /// The node, component or name that it is about; `cluster` when it is about all of them.
    pub subject: String,
    pub level: Level,
    pub found: String,
    /// The command or step that mends it.
    pub remedy: Option<String>,
}

/// What is about no single node.
pub(crate) const CLUSTER: &str = "cluster";

/// Checks by subject, in the order in which people read them: what is further down needs what is above it.
pub(crate) const GROUPS: [(&str, &[&str]); 6] = [
    ("Machines", &["ssh", "versions", "systemd", "memory", "disk"]),
    ("Clocks", &["clocks", "time source"]),
    ("etcd", &["etcd"]),
    ("Docker and its swarm", &["docker", "swarm", "overlay"]),
    ("Platform", &["settings", "services", "health", "routes", "load balancer", "names"]),
    ("Certificates", &["certificate"]),
];

impl Finding {
    /// All is well.
    pub(crate) fn ok(check: &'static str, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check, subject: subject.into(), level: Level::Ok, found: found.into(), remedy: None }
    }

    /// Something that will be trouble.
    pub(crate) fn warn(
        check: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { check, subject: subject.into(), level: Level::Warn, found: found.into(), remedy }
    }

    /// Something that is trouble.
    pub(crate) fn fail(
        check: &'static str,
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { level: Level::Fail, ..Self::warn(check, subject, found, remedy) }
    }

    /// The place of its check in [`GROUPS`].
    pub(crate) fn rank(&self) -> usize {
        let checks = GROUPS.iter().flat_map(|(_, checks)| checks.iter());
        checks.clone().position(|check| *check == self.check).unwrap_or_else(|| checks.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_documents() {
        let finding = Finding::fail("disk", "a", "full", "empty it");
        let expected = serde_json::json!({
            "check": "disk", "subject": "a", "level": "fail", "found": "full", "remedy": "empty it"
        });
        assert_eq!(serde_json::to_value(&finding).unwrap(), expected);
        assert!(finding.rank() > Finding::ok("ssh", "a", "").rank());
    }
}
