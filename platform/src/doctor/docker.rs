//! Docker on each node.

use bollard::models::SystemInfo;

use super::finding::Finding;

const CHECK: &str = "docker";
/// Storage drivers that copy whole files, or that Docker gave up.
const POOR_DRIVERS: [&str; 4] = ["vfs", "devicemapper", "aufs", "overlay"];

/// Docker's answer about itself, or what kept it from answering.
pub(super) fn judge(node: &str, info: Result<&SystemInfo, &str>) -> Vec<Finding> {
    let info = match info {
        Ok(info) => info,
        Err(reason) => {
            return vec![Finding::fail(
                CHECK,
                node,
                format!("does not answer: {reason}"),
                format!(
                    "platformctl ssh {node} sudo systemctl restart docker; platformctl journal {node} --unit docker says why"
                ),
            )];
        }
    };
    let driver = info.driver.as_deref().unwrap_or("unknown");
    let version = info.server_version.as_deref().unwrap_or("of unknown version");
    let mut findings = Vec::new();
    if info.live_restore_enabled == Some(true) {
        findings.push(Finding::fail(
            CHECK,
            node,
            "live-restore is on, and a swarm cannot work with it",
            format!(
                "take \"live-restore\" out of /etc/docker/daemon.json, then platformctl ssh {node} sudo systemctl restart docker"
            ),
        ));
    }
    if POOR_DRIVERS.contains(&driver) {
        findings.push(Finding::warn(
            CHECK,
            node,
            format!("storage driver {driver} is slow and wastes room"),
            "overlay2 needs a file system that can do it (ext4, xfs with ftype=1) at /var/lib/docker",
        ));
    }
    if findings.is_empty() {
        let running = info.containers_running.unwrap_or_default();
        findings.push(Finding::ok(CHECK, node, format!("Docker {version}, {driver}, {running} containers run")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn daemons() {
        let info = |driver: &str, live_restore| SystemInfo {
            driver: Some(driver.into()),
            server_version: Some("28.0.4".into()),
            live_restore_enabled: Some(live_restore),
            containers_running: Some(3),
            ..SystemInfo::default()
        };
        for (info, expected) in [
            (Ok(info("overlay2", false)), vec![(Level::Ok, "Docker 28.0.4, overlay2, 3 containers run")]),
            (Ok(info("overlayfs", false)), vec![(Level::Ok, "overlayfs")]),
            (Ok(info("vfs", true)), vec![(Level::Fail, "live-restore"), (Level::Warn, "vfs")]),
            (Err("connection refused"), vec![(Level::Fail, "does not answer: connection refused")]),
        ] {
            let findings = judge("n", info.as_ref().map_err(|reason| *reason));
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            for (finding, (level, part)) in findings.iter().zip(expected) {
                assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
            }
        }
    }
}
