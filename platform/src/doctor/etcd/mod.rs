//! etcd: each member, whether they are enough, who leads, alarms, and how full the database is.
//! <https://etcd.io/docs/v3.5/op-guide/recovery/> <https://etcd.io/docs/v3.5/op-guide/maintenance/#space-quota>

use std::collections::BTreeSet;

mod answer;
mod member;
mod member_list;

pub(super) use member::Member;

use member::{health, is_healthy, quota_bytes, status};
use member_list::judge_list;

use super::finding::{CLUSTER, Finding};
use crate::compose::in_units;

const CHECK: &str = "etcd";
const FILLING_PERCENT: u64 = 80;

/// What is asked of the member at this address; the certificates are on its node.
pub(super) fn questions(address: &str) -> [(&'static str, String); 6] {
    let etcdctl = |command: &str| {
        format!(
            "ETCDCTL_ENDPOINTS=https://{address}:2379 etcdctl --dial-timeout=4s --command-timeout=7s --write-out=json {command}"
        )
    };
    [
        ("etcd unit", "systemctl is-active etcd-member.service".to_owned()),
        (
            "etcd log",
            "journalctl --unit etcd-member.service _TRANSPORT=stdout --lines 1 --output cat --quiet".to_owned(),
        ),
        ("etcd environment", "systemctl show --property=Environment --value etcd-member.service".to_owned()),
        ("etcd status", etcdctl("endpoint status")),
        // Reads a key by consent of most members.
        ("etcd health", etcdctl("endpoint health")),
        ("etcd members", etcdctl("member list") + "; " + &etcdctl("alarm list")),
    ]
}

/// Members by the inventory with what they said.
pub(super) fn judge(members: &[Member<'_>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = members.iter().filter_map(judge_member).collect();
    let healthy: Vec<&str> = members.iter().filter(|member| is_healthy(member)).map(|member| member.name).collect();
    let needed = members.len() / 2 + 1;
    // Nodes that hang may be well: whoever can be asked of them has a say.
    let unknown = members.iter().filter(|member| matches!(member.answers, Some(Err(_)))).count();
    let hangs = |member: &&Member<'_>| matches!(member.answers, Some(Err(_)));
    let sick: Vec<&str> = members.iter().map(|member| member.name).filter(|name| !healthy.contains(name)).collect();
    let hanging: Vec<&str> = members.iter().filter(hangs).map(|member| member.name).collect();
    let count = format!("{} of {} members are healthy", healthy.len(), members.len());
    findings.push(if healthy.len() < needed && healthy.len() + unknown >= needed {
        Finding::fail(
            CHECK,
            CLUSTER,
            format!("{count}, {needed} must be, and {unknown} did not answer in time"),
            "platformctl doctor again; machines that stay so slow are too small or hang",
        )
    } else if healthy.len() < needed {
        Finding::fail(
            CHECK,
            CLUSTER,
            format!("no quorum: {count}, {needed} must be; nothing can be read or changed"),
            format!("bring {} back; when their disks are lost, docs/troubleshooting.md#etcd", sick.join(", ")),
        )
    } else if !sick.is_empty() {
        let spare = healthy.len() - needed;
        let count = format!("{count}; {spare} more may fail before it stops");
        let remedy = match sick == hanging {
            true => format!("platformctl doctor again: {} did not answer in time", hanging.join(", ")),
            false => format!("bring {} back", sick.join(", ")),
        };
        Finding::warn(CHECK, CLUSTER, count, remedy)
    } else {
        Finding::ok(CHECK, CLUSTER, format!("{count}, {needed} must be"))
    });
    findings.extend(judge_leaders(members));
    findings.extend(judge_list(members));
    findings
}

fn judge_member(member: &Member<'_>) -> Option<Finding> {
    let name = member.name;
    let answers = match member.answers? {
        Ok(answers) => answers,
        Err(reason) => {
            let remedy = format!("platformctl ssh {name} uptime; platformctl doctor again");
            return Some(Finding::fail(CHECK, name, format!("its node does not say how it is: {reason}"), remedy));
        }
    };
    let unit = answers.text("etcd unit");
    if unit != "active" {
        return Some(Finding::fail(
            CHECK,
            name,
            format!("etcd-member.service is {unit}; its last word: {}", answers.text("etcd log")),
            format!(
                "platformctl ssh {name} sudo systemctl restart etcd-member; platformctl journal store says why it ended"
            ),
        ));
    }
    let logs = format!("platformctl journal store; platformctl ssh {name} sudo systemctl restart etcd-member");
    let status = match (status(answers), health(answers)) {
        (Ok(status), Ok(())) => status,
        (Ok(_), Err(why)) => {
            return Some(Finding::fail(CHECK, name, format!("runs, but cannot agree with the others: {why}"), logs));
        }
        (Err(why), Ok(())) => {
            let found = format!("healthy, but does not tell its state: {why}");
            return Some(Finding::warn(CHECK, name, found, "platformctl doctor again; a slow machine may hang"));
        }
        (Err(why), Err(_)) => return Some(Finding::fail(CHECK, name, format!("does not answer: {why}"), logs)),
    };
    let quota_bytes = match quota_bytes(answers) {
        Ok(bytes) => bytes,
        Err(why) => {
            let remedy = format!("platformctl ssh {name} systemctl cat etcd-member shows where it is set");
            return Some(Finding::warn(CHECK, name, format!("healthy, but its quota is not known: {why}"), remedy));
        }
    };
    let percent = status.size_bytes.saturating_mul(100) / quota_bytes.max(1);
    let role = if status.leader == status.header.member_id { "leader" } else { "follower" };
    let found = format!("healthy, {role}, etcd {}, database {}", status.version, in_units(status.size_bytes));
    Some(match percent >= FILLING_PERCENT {
        false => Finding::ok(CHECK, name, found),
        true => Finding::warn(
            CHECK,
            name,
            format!("{found}, {percent} % of its quota of {}", in_units(quota_bytes)),
            format!("platformctl ssh {name} etcdctl defrag gives unused room back; docs/troubleshooting.md#etcd"),
        ),
    })
}

fn judge_leaders(members: &[Member<'_>]) -> Option<Finding> {
    let leaders: BTreeSet<u64> =
        members.iter().filter_map(|member| status(member.said()?).ok()).map(|status| status.leader).collect();
    (leaders.len() > 1).then(|| {
        Finding::warn(
            CHECK,
            CLUSTER,
            "members name different leaders: an election is going on, or the network between them is broken",
            "platformctl doctor again; when it stays, ports 2379 and 2380 must be open between the nodes",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use crate::doctor::probe::Answers;

    fn answers(id: u64, leader: u64, size: u64, health: bool, members: &str) -> Answers {
        let status = serde_json::json!([{"Endpoint": "https://x:2379", "Status": {
            "header": {"member_id": id}, "version": "3.4.23", "dbSize": size, "leader": leader}}]);
        let health = serde_json::json!([{"endpoint": "x", "health": health, "error": "context deadline exceeded"}]);
        let failed = u32::from(health[0]["health"] == false);
        Answers::of(&[
            ("etcd unit", 0, "active"),
            ("etcd status", 0, &status.to_string()),
            ("etcd health", failed, &format!("{health}\nError: unhealthy cluster")),
            ("etcd members", 0, members),
        ])
    }

    const LIST: &str = "{\"header\":{},\"members\":[{\"ID\":1,\"name\":\"a\"},{\"ID\":2,\"name\":\"b\"},{\"ID\":3,\"name\":\"c\"}]}\n{\"header\":{}}";

    fn found(members: &[(&str, Option<Answers>)]) -> Vec<(Level, String)> {
        let members: Vec<Member<'_>> =
            members.iter().map(|(name, answers)| Member { name, answers: answers.as_ref().map(Ok) }).collect();
        judge(&members).into_iter().map(|one| (one.level, format!("{}: {}", one.subject, one.found))).collect()
    }

    fn expect(found: &[(Level, String)], expected: &[(Level, &str)]) {
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for ((level, text), (expected, part)) in found.iter().zip(expected) {
            assert!(level == expected && text.contains(part), "{level:?} {text}, expected {expected:?} {part}");
        }
    }

    #[test]
    fn all_is_well() {
        let found = found(&[
            ("a", Some(answers(1, 1, 20480, true, LIST))),
            ("b", Some(answers(2, 1, 20480, true, LIST))),
            ("c", Some(answers(3, 1, 20480, true, LIST))),
        ]);
        expect(
            &found,
            &[
                (Level::Ok, "a: healthy, leader, etcd 3.4.23, database 20.0 KiB"),
                (Level::Ok, "b: healthy, follower"),
                (Level::Ok, "c: healthy, follower"),
                (Level::Ok, "cluster: 3 of 3 members are healthy, 2 must be"),
            ],
        );
    }

    #[test]
    fn members_that_fail() {
        let stopped = Answers::of(&[("etcd unit", 3, "inactive"), ("etcd log", 0, "received signal; shutting down")]);
        let silent = Answers::of(&[
            ("etcd unit", 0, "active"),
            ("etcd status", 1, "{\"level\":\"warn\"}\nError: context deadline exceeded"),
        ]);
        let one_down = [
            ("a", Some(answers(1, 1, 1, true, LIST))),
            ("b", Some(answers(2, 1, 1, true, LIST))),
            ("c", Some(stopped.clone())),
        ];
        expect(
            &found(&one_down),
            &[
                (Level::Ok, "a:"),
                (Level::Ok, "b:"),
                (Level::Fail, "c: etcd-member.service is inactive; its last word: received signal; shutting down"),
                (Level::Warn, "2 of 3 members are healthy; 0 more may fail"),
            ],
        );
        let no_quorum = [("a", Some(answers(1, 0, 1, false, ""))), ("b", None), ("c", Some(silent))];
        expect(
            &found(&no_quorum),
            &[
                (Level::Fail, "a: runs, but cannot agree with the others: context deadline exceeded"),
                (Level::Fail, "c: does not answer: context deadline exceeded"),
                (Level::Fail, "no quorum: 0 of 3 members are healthy, 2 must be"),
            ],
        );
    }

    #[test]
    fn a_node_that_hangs_says_nothing_of_its_member() {
        let members = [Member { name: "a", answers: Some(Err("too slow")) }];
        let found: Vec<(Level, String)> = judge(&members).into_iter().map(|one| (one.level, one.found)).collect();
        expect(
            &found,
            &[
                (Level::Fail, "does not say how it is: too slow"),
                (Level::Fail, "0 of 1 members are healthy, 1 must be, and 1 did not answer in time"),
            ],
        );
    }

    #[test]
    fn a_healthy_member_without_a_state_is_no_sick_one() {
        let mute = Answers::of(&[
            ("etcd unit", 0, "active"),
            ("etcd health", 0, r#"[{"endpoint":"https://10.32.0.4:2379","health":true}]"#),
            ("etcd status", 1, "Error: context deadline exceeded"),
        ]);
        expect(
            &found(&[("a", Some(mute))]),
            &[
                (Level::Warn, "a: healthy, but does not tell its state: context deadline exceeded"),
                (Level::Ok, "1 of 1 members are healthy"),
            ],
        );
    }

    #[test]
    fn alarms_sizes_leaders_and_strangers() {
        let list = LIST
            .replace("\"c\"", "\"z\"")
            .replace("\n{\"header\":{}}", "\n{\"header\":{},\"alarms\":[{\"memberID\":2,\"alarm\":1}]}");
        let found = found(&[
            ("a", Some(answers(1, 1, 1 << 30, true, &list))),
            ("b", Some(answers(2, 2, 2040 << 20, true, ""))),
            ("c", Some(answers(3, 1, 1, true, ""))),
        ]);
        expect(
            &found,
            &[
                (Level::Ok, "database 1.0 GiB"),
                (Level::Warn, "99 % of its quota of 2.0 GiB"),
                (Level::Ok, "c:"),
                (Level::Ok, "3 of 3"),
                (Level::Warn, "different leaders"),
                (Level::Fail, "not the inventory's; missing: c; unknown here: z"),
                (Level::Fail, "b: alarm NOSPACE"),
            ],
        );
    }

    #[test]
    fn an_answer_that_lacks_something_is_told_with_what_it_lacks() {
        let told = |questions: &[(&'static str, u32, &str)]| {
            let mut all = vec![("etcd unit", 0, "active")];
            all.extend_from_slice(questions);
            found(&[("a", Some(Answers::of(&all)))]).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
        };
        let health = ("etcd health", 0, r#"[{"health":true}]"#);
        let status = ("etcd status", 0, r#"[{"Status":{"header":{"member_id":1},"version":"3.5.16","dbSize":1}}]"#);
        let members = ("etcd members", 0, "{\"members\":[{\"ID\":1,\"name\":\"a\"}]}\n{}");
        for (questions, expected) in [
            (vec![health, status, members], "a: healthy, follower, etcd 3.5.16"),
            (
                vec![health, ("etcd status", 0, r#"[{"Status":{"header":{},"version":"3.5.16","dbSize":1}}]"#)],
                "does not tell its state: etcdctl's answer is not what was expected, at `[0].Status.header`: missing field `member_id`",
            ),
            (
                vec![health, ("etcd status", 0, "[]")],
                "does not tell its state: etcdctl's answer is not what was expected: 0 entries",
            ),
            (
                vec![status, ("etcd health", 0, r#"[{"health":"yes"}]"#)],
                "cannot agree with the others: etcdctl's answer is not what was expected, at `[0].health`",
            ),
            (
                vec![health, status, ("etcd members", 0, "{\"members\":[{\"name\":\"a\"}]}\n{}")],
                "its members are not known: etcdctl's answer is not what was expected, at `members[0]`: missing field `ID`",
            ),
            (
                vec![health, status, ("etcd members", 1, r#"{"members":[{"ID":1,"name":"a"}]}"#)],
                "its alarms are not known: etcdctl does not list them",
            ),
            (
                vec![health, status, ("etcd members", 0, "{\"members\":[{\"ID\":1}]}\n{}")],
                "missing: a; unknown here: one that has not started",
            ),
            (
                vec![health, status, members, ("etcd environment", 0, "ETCD_QUOTA_BACKEND_BYTES=8G")],
                "its quota is not known: `ETCD_QUOTA_BACKEND_BYTES` is `8G`, which is no number",
            ),
        ] {
            let told = told(&questions);
            assert!(told.contains(expected), "expected {expected} in\n{told}");
        }
    }
}
