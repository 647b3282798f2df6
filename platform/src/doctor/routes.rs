//! Whether routers are told the apps' routes: each controller says how it is and who asked it when, each router's machine
//! which addresses the router has. A router says nothing of it itself: its administrative port is closed, and once it was
//! given a configuration that it refuses it serves the routes of before and never asks again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::finding::Finding;
use super::probe::Answers;

const CHECK: &str = "routes";
const HEALTH: &str = "controller health";
const ASKED: &str = "routers asked";
const ADDRESSES: &str = "router addresses";
/// Routers ask once a second; a controller that is dead costs them some seconds.
const LONGEST_SECONDS: u64 = 30;

/// Nothing is printed where no such task runs.
pub(super) const QUESTIONS: [(&str, &str); 3] = [
    (
        HEALTH,
        "c=$(docker ps --quiet --filter label=com.docker.swarm.service.name=platform_controller | head -n 1); \
         [ -z \"$c\" ] || docker exec \"$c\" /platform-controller ask /health",
    ),
    (
        ASKED,
        "c=$(docker ps --quiet --filter label=com.docker.swarm.service.name=platform_controller | head -n 1); \
         [ -z \"$c\" ] || docker exec \"$c\" /platform-controller ask /routers",
    ),
    (
        ADDRESSES,
        "r=$(docker ps --quiet --filter label=com.docker.swarm.service.name=platform_router | head -n 1); [ -z \"$r\" ] || \
         docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' \"$r\"",
    ),
];

/// What a controller says of its routers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    up_seconds: u64,
    seconds: BTreeMap<IpAddr, u64>,
}

impl Asked {
    fn read(text: &str) -> Option<Self> {
        let mut asked = Self::default();
        for line in text.lines() {
            let (who, seconds) = line.split_once(' ')?;
            let seconds = seconds.trim().parse().ok()?;
            match who {
                "up" => asked.up_seconds = seconds,
                router => drop(asked.seconds.insert(router.parse().ok()?, seconds)),
            }
        }
        Some(asked)
    }
}

/// By node; `is_complete` says whether every manager is among them: a router may ask the controller of one that is not.
pub(super) fn judge(nodes: &[(&str, &Answers)], is_complete: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut controllers = Vec::new();
    for (node, answers) in nodes {
        match (answers.status(HEALTH), answers.text(HEALTH)) {
            (None, _) | (Some(0), "") => {}
            (Some(0), _) => {
                findings.push(Finding::ok(CHECK, *node, "its controller follows the apps"));
                controllers.extend(answers.get(ASKED).and_then(Asked::read));
            }
            _ => findings.push(Finding::fail(
                CHECK,
                *node,
                format!("its controller tells routers nothing new: {}", answers.complaint(HEALTH)),
                "platformctl journal controller -n 100; platformctl rolling-restart controller",
            )),
        }
    }
    // One that has just started knows nobody yet.
    if controllers.is_empty() || controllers.iter().any(|asked| asked.up_seconds <= LONGEST_SECONDS) {
        return findings;
    }
    for (node, answers) in nodes {
        let addresses: Vec<IpAddr> = answers
            .get(ADDRESSES)
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        if addresses.is_empty() {
            continue;
        }
        let known = controllers.iter().flat_map(|asked| &asked.seconds);
        let last = known.filter(|(router, _)| addresses.contains(router)).map(|(_, seconds)| *seconds).min();
        let silence = match last {
            Some(seconds) if seconds <= LONGEST_SECONDS => {
                findings.push(Finding::ok(CHECK, *node, format!("its router asked for routes {seconds} s ago")));
                continue;
            }
            Some(seconds) => format!("for {seconds} s"),
            None => "since the controllers started".to_owned(),
        };
        let remedy = "platformctl rolling-restart router; platformctl journal router -n 100 says what it refused";
        findings.push(match is_complete {
            true => Finding::fail(
                CHECK,
                *node,
                format!("its router has not asked for routes {silence}: it serves those of before"),
                remedy,
            ),
            false => Finding::warn(
                CHECK,
                *node,
                format!("its router has asked no controller that answers here for routes {silence}"),
                format!("bring the silent managers back; {remedy}"),
            ),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    /// What a manager and another machine answer, and what is found.
    #[test]
    fn routers_that_stopped_asking_are_named() {
        let fine = (0, "services are followed");
        let no_leader =
            (1, "asking 127.0.0.1:2080 for /health: 503 Service Unavailable: The swarm does not have a leader");
        for (health, asked, address, is_complete, expected) in [
            (
                fine,
                "up 900\n10.0.3.7 1",
                "10.0.3.7\n10.0.9.2",
                true,
                vec![(Level::Ok, "a", "follows"), (Level::Ok, "b", "1 s ago")],
            ),
            (
                fine,
                "up 900\n10.0.3.7 31",
                "10.0.3.7",
                true,
                vec![(Level::Ok, "a", ""), (Level::Fail, "b", "for 31 s: it serves")],
            ),
            (
                fine,
                "up 900\n10.0.3.8 1",
                "10.0.3.7",
                true,
                vec![(Level::Ok, "a", ""), (Level::Fail, "b", "since the controllers")],
            ),
            (
                fine,
                "up 900",
                "10.0.3.7",
                false,
                vec![(Level::Ok, "a", ""), (Level::Warn, "b", "no controller that answers")],
            ),
            (fine, "up 30", "10.0.3.7", true, vec![(Level::Ok, "a", "")]),
            (no_leader, "", "10.0.3.7", true, vec![(Level::Fail, "a", "nothing new: asking 127.0.0.1:2080")]),
            (fine, "strange words here", "10.0.3.7", true, vec![(Level::Ok, "a", "")]),
            ((0, ""), "", "", true, vec![]),
        ] {
            let manager = Answers::of(&[(HEALTH, health.0, health.1), (ASKED, 0, asked), (ADDRESSES, 0, "")]);
            let other = Answers::of(&[(HEALTH, 0, ""), (ASKED, 0, ""), (ADDRESSES, 0, address)]);
            let findings = judge(&[("a", &manager), ("b", &other)], is_complete);
            assert_eq!(findings.len(), expected.len(), "{findings:#?}");
            for (finding, (level, subject, part)) in findings.iter().zip(expected) {
                let found = (finding.level, finding.subject.as_str());
                assert!(found == (level, subject) && finding.found.contains(part), "{finding:?}");
            }
        }
    }
}
