//! Clocks: how far nodes are apart, and what keeps each of them right.

use super::finding::{CLUSTER, Finding};
use super::probe::Answers;
use nodes::clock::{Offset, skew};

/// etcd's leases, certificates and logs of different machines suffer from more.
const NOTABLE_SKEW_MILLISECONDS: f64 = 500.0;
const MOST_SKEW_MILLISECONDS: f64 = 5000.0;
/// A node that is held by a good source is nearer to it.
const NOTABLE_OFFSET_SECONDS: f64 = 0.1;

/// What is asked of every node. <https://chrony-project.org/doc/4.6/chronyc.html>
pub(super) const QUESTIONS: [(&str, &str); 4] = [
    ("chrony", "systemctl is-active chronyd.service"),
    ("tracking", "chronyc -n -c tracking"),
    ("sources", "chronyc -n -c sources"),
    // Machines without chrony have systemd-timesyncd.
    ("synchronized", "command -v chronyc > /dev/null || timedatectl show --property=NTPSynchronized --value"),
];

/// The nodes' clocks against each other; of those that were measured.
pub(super) fn judge_skew(offsets: &[(&str, Offset)]) -> Vec<Finding> {
    if offsets.len() < 2 {
        return Vec::new();
    }
    let skew = skew(offsets);
    // Half a round trip each: what the network adds is not the clocks' fault.
    let uncertainty = offsets.iter().map(|(_, offset)| offset.uncertainty_milliseconds).fold(0.0, f64::max) * 2.0;
    let found = format!(
        "{} and {} differ by {:.0} ms (measured to within {:.0} ms)",
        skew.earliest, skew.latest, skew.milliseconds, uncertainty
    );
    let remedy = format!(
        "platformctl ssh {} chronyc -n sources, and the same on {}; sudo chronyc makestep sets a clock at once",
        skew.earliest, skew.latest
    );
    vec![match skew.milliseconds - uncertainty {
        sure if sure > MOST_SKEW_MILLISECONDS => Finding::fail("clocks", CLUSTER, found, remedy),
        sure if sure > NOTABLE_SKEW_MILLISECONDS => Finding::warn("clocks", CLUSTER, found, remedy),
        _ => Finding::ok("clocks", CLUSTER, found),
    }]
}

/// What keeps a node's clock.
pub(super) fn judge_source(node: &str, answers: &Answers) -> Finding {
    const CHECK: &str = "time source";
    let restart = format!(
        "platformctl ssh {node} sudo systemctl restart chronyd; platformctl journal {node} --unit chronyd says why it ended"
    );
    if answers.status("tracking") == Some(127) {
        return match answers.text("synchronized") {
            "yes" => Finding::ok(CHECK, node, "systemd-timesyncd holds the clock"),
            _ => Finding::fail(
                CHECK,
                node,
                "no chrony, and systemd-timesyncd has no source",
                format!("platformctl ssh {node} timedatectl timesync-status; outbound UDP 123 must be open"),
            ),
        };
    }
    let Some(tracking) = answers.get("tracking") else {
        let found = format!("chrony is {} ({})", answers.text("chrony"), answers.complaint("tracking"));
        return Finding::fail(CHECK, node, found, restart);
    };
    // Reference id, its name, stratum, time, offset, last and mean offset, frequency, …, leap status.
    let fields: Vec<&str> = tracking.lines().last().unwrap_or_default().split(',').collect();
    let (Some(name), Some(stratum), Some(offset), Some(leap)) =
        (fields.get(1), fields.get(2), fields.get(4).and_then(|offset| offset.parse::<f64>().ok()), fields.get(13))
    else {
        return Finding::warn(CHECK, node, format!("chrony's answer is not understood: {tracking}"), restart);
    };
    let sources = format!("platformctl ssh {node} chronyc -n sources; outbound UDP 123 must be open for NTP servers");
    if leap.contains("Not synchronised") {
        let listed: Vec<&str> = answers.text("sources").lines().filter_map(|line| line.split(',').nth(2)).collect();
        let listed = if listed.is_empty() { "it has none".to_owned() } else { format!("of {}", listed.join(", ")) };
        return Finding::fail(CHECK, node, format!("chrony follows no source; {listed}"), sources);
    }
    let found = format!("follows {name} (stratum {stratum}), {:.3} ms off", offset.abs() * 1000.0);
    match offset.abs() > NOTABLE_OFFSET_SECONDS {
        true => Finding::warn(CHECK, node, found, format!("platformctl ssh {node} sudo chronyc makestep")),
        false => Finding::ok(CHECK, node, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn skew_counts_beyond_the_uncertainty() {
        let offset = |milliseconds, uncertainty_milliseconds| Offset { milliseconds, uncertainty_milliseconds };
        for (offsets, level) in [
            (vec![("a", offset(0.0, 2.0)), ("b", offset(100.0, 2.0))], Some(Level::Ok)),
            (vec![("a", offset(0.0, 2.0)), ("b", offset(-900.0, 2.0))], Some(Level::Warn)),
            (vec![("a", offset(0.0, 500.0)), ("b", offset(900.0, 2.0))], Some(Level::Ok)),
            (vec![("a", offset(0.0, 2.0)), ("b", offset(60_000.0, 2.0))], Some(Level::Fail)),
            (vec![("a", offset(7.0, 2.0))], None),
        ] {
            assert_eq!(judge_skew(&offsets).first().map(|finding| finding.level), level, "{offsets:?}");
        }
    }

    #[test]
    fn sources() {
        let tracking = "C6120002,198.18.0.2,3,1795258840.526106736,-0.000009694,-0.000017998,0.000166875,8.114,0.041,1.878,0.001442099,0.001311207,32.2,Normal";
        let lost = "7F7F0101,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised";
        let far = tracking.replace("-0.000009694", "0.75");
        for (answers, level, found) in [
            (vec![("tracking", 0, tracking)], Level::Ok, "follows 198.18.0.2 (stratum 3), 0.010 ms off"),
            (vec![("tracking", 0, far.as_str())], Level::Warn, "750.000 ms off"),
            (
                vec![("tracking", 0, lost), ("sources", 0, "^,?,10.0.0.9,0,6,0,4294967295,0,0,0")],
                Level::Fail,
                "follows no source; of 10.0.0.9",
            ),
            (vec![("tracking", 0, lost)], Level::Fail, "it has none"),
            (
                vec![("tracking", 1, "506 Cannot talk to daemon"), ("chrony", 3, "inactive")],
                Level::Fail,
                "chrony is inactive (506 Cannot talk to daemon)",
            ),
            (vec![("tracking", 127, "sh: chronyc: not found"), ("synchronized", 0, "yes")], Level::Ok, "timesyncd"),
            (vec![("tracking", 127, "sh: chronyc: not found"), ("synchronized", 0, "no")], Level::Fail, "no chrony"),
            (vec![("tracking", 0, "gibberish")], Level::Warn, "not understood"),
        ] {
            let finding = judge_source("n", &Answers::of(&answers));
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.found.contains(found), "{finding:?}");
        }
    }
}
