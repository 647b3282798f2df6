//! Room on a node's disks, in bytes and in inodes, and whether the data disk is where Docker keeps its files.

use super::finding::{Finding, Level};
use super::probe::Answers;
use crate::compose::in_units;

const CHECK: &str = "disk";
/// Of a file system's room, what is used.
const FILLING_PERCENT: u64 = 80;
const FULL_PERCENT: u64 = 95;
/// Where Docker keeps images, containers and volumes.
const DOCKER: &str = "/var/lib/docker";
const ETCD: &str = "/var/lib/etcd";

/// What is asked of every node. <https://www.gnu.org/software/coreutils/manual/html_node/df-invocation.html>
pub(super) const QUESTIONS: [(&str, &str); 2] = [
    (
        "disks",
        "df --block-size=1 --output=target,size,used,avail,itotal,iused / /var/lib/docker /var/lib/etcd 2>/dev/null; true",
    ),
    ("data disk", "findmnt --noheadings --output SOURCE,FSTYPE --mountpoint /var/lib/docker"),
];

/// A file system's room.
#[derive(Debug, PartialEq, Eq)]
struct Room<'a> {
    mount: &'a str,
    size_bytes: u64,
    available_bytes: u64,
    used_percent: u64,
    inodes_used_percent: Option<u64>,
}

impl<'a> Room<'a> {
    /// A line of `df`; none for its heading.
    fn read(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mount, size, used, available, inodes, inodes_used] = words.as_slice() else { return None };
        let (used, available): (u64, u64) = (used.parse().ok()?, available.parse().ok()?);
        // Some file systems have no fixed number of inodes: `-` or 0.
        let inodes: Option<u64> = inodes.parse().ok().filter(|inodes| *inodes > 0);
        Some(Self {
            mount,
            size_bytes: size.parse().ok()?,
            available_bytes: available,
            // As df does: what is kept for root counts as neither.
            used_percent: used * 100 / (used + available).max(1),
            inodes_used_percent: inodes.and_then(|inodes| Some(inodes_used.parse::<u64>().ok()? * 100 / inodes)),
        })
    }

    fn level(&self) -> Level {
        match self.used_percent.max(self.inodes_used_percent.unwrap_or_default()) {
            percent if percent >= FULL_PERCENT => Level::Fail,
            percent if percent >= FILLING_PERCENT => Level::Warn,
            _ => Level::Ok,
        }
    }

    fn text(&self) -> String {
        let free = format!(
            "{}: {} of {} free, {} % used",
            self.mount,
            in_units(self.available_bytes),
            in_units(self.size_bytes),
            self.used_percent
        );
        match self.inodes_used_percent {
            Some(percent) if percent >= FILLING_PERCENT => format!("{free}, {percent} % of its inodes used"),
            _ => free,
        }
    }
}

/// Each file system once; `has_data_disk` says whether the node was given one for Docker.
pub(super) fn judge(node: &str, has_data_disk: bool, answers: &Answers) -> Vec<Finding> {
    let mut rooms: Vec<Room<'_>> = Vec::new();
    for room in answers.text("disks").lines().filter_map(Room::read) {
        if !rooms.iter().any(|known| known.mount == room.mount) {
            rooms.push(room);
        }
    }
    if rooms.is_empty() {
        let remedy = format!("platformctl ssh {node} df -h");
        return vec![Finding::warn(CHECK, node, format!("no sizes: {}", answers.complaint("disks")), remedy)];
    }
    let remedy = |mount: &str| match mount {
        ETCD => format!("platformctl ssh {node} sudo du -xh --max-depth=2 {ETCD}; docs/troubleshooting.md#etcd"),
        DOCKER => format!("platformctl ssh {node} docker system prune --all removes what nothing uses; volumes stay"),
        mount => format!(
            "platformctl ssh {node} 'sudo du -xh --max-depth=3 {mount} | sort -h | tail'; docker system prune --all \
             removes images that nothing uses, sudo journalctl --vacuum-size=100M old journals"
        ),
    };
    let finding = |room: &Room<'_>| match room.level() {
        Level::Ok => Finding::ok(CHECK, node, room.text()),
        level => Finding { level, ..Finding::warn(CHECK, node, room.text(), remedy(room.mount)) },
    };
    let mut findings: Vec<Finding> = rooms.iter().map(finding).collect();
    if has_data_disk && answers.get("data disk").is_none() {
        findings.push(Finding::fail(
            CHECK,
            node,
            format!("the data disk is not mounted at {DOCKER}; containers' files go to the system's disk"),
            format!("platformctl ssh {node} sudo systemctl restart var-lib-docker.mount docker.service"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "Mounted on 1B-blocks Used Avail Inodes IUsed\n";

    #[test]
    fn room_is_judged() {
        for (lines, data_disk, expected) in [
            (
                "/ 1000 100 900 100 5\n/ 1000 100 900 100 5\n/ 1000 100 900 100 5",
                None,
                vec![(Level::Ok, "900 bytes of 1000 bytes free, 10 % used")],
            ),
            (
                "/ 1000 100 900 100 5\n/var/lib/docker 2000 1600 400 100 5\n/ 1000 100 900 100 5",
                Some("/dev/vdb ext4"),
                vec![(Level::Ok, "/:"), (Level::Warn, "/var/lib/docker: 400 bytes of 2.0 KiB free, 80 % used")],
            ),
            ("/ 1000 950 50 100 5", None, vec![(Level::Fail, "95 % used")]),
            ("/ 1000 100 900 100 97", None, vec![(Level::Fail, "97 % of its inodes used")]),
            ("/ 1000 100 900 0 0", None, vec![(Level::Ok, "10 % used")]),
            ("/ 1000 100 900 - -", None, vec![(Level::Ok, "10 % used")]),
            ("", None, vec![(Level::Warn, "no sizes")]),
        ] {
            let text = format!("{HEADING}{lines}");
            let mut answers = vec![("disks", 0, text.as_str())];
            answers.extend(data_disk.map(|text| ("data disk", 0, text)));
            let findings = judge("n", false, &Answers::of(&answers));
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            for (finding, (level, part)) in findings.iter().zip(expected) {
                assert_eq!(finding.level, level, "{finding:?}");
                assert!(finding.found.contains(part), "{finding:?}");
            }
        }
        let missing = judge("n", true, &Answers::of(&[("disks", 0, "/ 1000 100 900 100 5"), ("data disk", 1, "")]));
        assert!(missing[1].found.contains("the data disk is not mounted"), "{missing:?}");
    }
}
