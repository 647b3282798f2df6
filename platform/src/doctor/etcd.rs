//! etcd: each member, whether they are enough, who leads, alarms, and how full the database is.
//! <https://etcd.io/docs/v3.5/op-guide/recovery/> <https://etcd.io/docs/v3.5/op-guide/maintenance/#space-quota>

use std::collections::BTreeSet;

use serde_json::Value;

use super::disk::in_units;
use super::finding::{CLUSTER, Finding};
use super::probe::Answers;

const CHECK: &str = "etcd";
/// Without `ETCD_QUOTA_BACKEND_BYTES`, etcd takes no more.
const USUAL_QUOTA_BYTES: u64 = 2 << 30;
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

/// A member as its node told of it.
pub(super) struct Member<'a> {
    pub name: &'a str,
    /// None when the node cannot be reached, which is told elsewhere.
    pub answers: Option<Result<&'a Answers, &'a str>>,
}

impl<'a> Member<'a> {
    fn said(&self) -> Option<&'a Answers> {
        self.answers.and_then(Result::ok)
    }
}

/// What a member says of itself.
struct Status {
    leader: u64,
    id: u64,
    version: String,
    size_bytes: u64,
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

fn is_healthy(member: &Member<'_>) -> bool {
    let health = member.said().and_then(|answers| documents(answers.get("etcd health")?).into_iter().next());
    health.is_some_and(|health| health[0]["health"] == true)
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
    let Some(status) = status(answers) else {
        if is_healthy(member) {
            let found = format!("healthy, but does not tell its state: {}", reason(answers, "etcd status"));
            return Some(Finding::warn(CHECK, name, found, "platformctl doctor again; a slow machine may hang"));
        }
        return Some(Finding::fail(CHECK, name, format!("does not answer: {}", reason(answers, "etcd status")), logs));
    };
    if !is_healthy(member) {
        let reason = reason(answers, "etcd health");
        return Some(Finding::fail(CHECK, name, format!("runs, but cannot agree with the others: {reason}"), logs));
    }
    let quota_bytes = quota_bytes(answers);
    let percent = status.size_bytes * 100 / quota_bytes.max(1);
    let role = if status.leader == status.id { "leader" } else { "follower" };
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
        members.iter().filter_map(|member| status(member.said()?)).map(|status| status.leader).collect();
    (leaders.len() > 1).then(|| {
        Finding::warn(
            CHECK,
            CLUSTER,
            "members name different leaders: an election is going on, or the network between them is broken",
            "platformctl doctor again; when it stays, ports 2379 and 2380 must be open between the nodes",
        )
    })
}

/// Members as etcd lists them, and alarms; the first member that lists them speaks for all.
fn judge_list(members: &[Member<'_>]) -> Vec<Finding> {
    let lists = members.iter().find_map(|member| {
        let documents = documents(member.said()?.text("etcd members"));
        let list = documents.iter().find(|document| document["members"].is_array())?.clone();
        let alarms = documents.into_iter().find(|document| document["alarms"].is_array());
        Some((list, alarms.unwrap_or_default()))
    });
    let Some((list, alarms)) = lists else { return Vec::new() };
    let mut findings = Vec::new();
    let listed: Vec<(u64, &str)> = list["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| (member["ID"].as_u64().unwrap_or_default(), member["name"].as_str().unwrap_or_default()))
        .collect();
    let missing: Vec<&str> = members
        .iter()
        .map(|member| member.name)
        .filter(|name| !listed.iter().any(|(_, other)| other == name))
        .collect();
    let foreign: Vec<&str> = listed
        .iter()
        .map(|(_, name)| *name)
        .filter(|name| !members.iter().any(|member| member.name == *name))
        .collect();
    if !missing.is_empty() || !foreign.is_empty() {
        let part = |what: &str, names: &[&str]| match names {
            [] => String::new(),
            names => format!("; {what}: {}", names.join(", ")),
        };
        findings.push(Finding::fail(
            CHECK,
            CLUSTER,
            format!(
                "its list of members is not the inventory's{}{}",
                part("missing", &missing),
                part("unknown here", &foreign)
            ),
            "etcdctl member list on a member; docs/troubleshooting.md#etcd shows how a member is replaced",
        ));
    }
    for alarm in alarms["alarms"].as_array().into_iter().flatten() {
        let member = alarm["memberID"].as_u64().unwrap_or_default();
        let name = listed.iter().find(|(id, _)| *id == member).map_or("unknown", |(_, name)| *name);
        findings.push(judge_alarm(name, &alarm["alarm"]));
    }
    findings
}

/// <https://github.com/etcd-io/etcd/blob/main/api/etcdserverpb/rpc.proto>: enum AlarmType
fn judge_alarm(member: &str, alarm: &Value) -> Finding {
    match (alarm.as_u64(), alarm.as_str()) {
        (Some(1), _) | (_, Some("NOSPACE")) => Finding::fail(
            CHECK,
            member,
            "alarm NOSPACE: the database has reached its quota, so nothing can be written",
            "docs/troubleshooting.md#etcd: compact, defragment, then etcdctl alarm disarm",
        ),
        (Some(2), _) | (_, Some("CORRUPT")) => Finding::fail(
            CHECK,
            member,
            "alarm CORRUPT: its data differ from the other members'",
            "replace this member: docs/troubleshooting.md#etcd",
        ),
        _ => Finding::fail(CHECK, member, format!("alarm {alarm}"), "etcdctl alarm list on a member"),
    }
}

fn status(answers: &Answers) -> Option<Status> {
    let document = documents(answers.get("etcd status")?).into_iter().next()?;
    let status = &document[0]["Status"];
    Some(Status {
        leader: status["leader"].as_u64().unwrap_or_default(),
        id: status["header"]["member_id"].as_u64()?,
        version: status["version"].as_str()?.to_owned(),
        size_bytes: status["dbSize"].as_u64()?,
    })
}

/// JSON documents among the lines of etcdctl's output; its own log is JSON too, in objects with a level.
fn documents(text: &str) -> Vec<Value> {
    let documents = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    documents.filter(|document| document.get("level").is_none()).collect()
}

/// etcdctl's last plain word.
fn reason(answers: &Answers, question: &str) -> String {
    let of_health = || {
        documents(answers.text(question)).first().and_then(|document| document[0]["error"].as_str().map(str::to_owned))
    };
    let line = answers.text(question).lines().rev().find_map(|line| line.trim().strip_prefix("Error: "));
    let is_general = |line: &&str| *line != "unhealthy cluster";
    line.filter(is_general).map(str::to_owned).or_else(of_health).unwrap_or_else(|| answers.complaint(question))
}

fn quota_bytes(answers: &Answers) -> u64 {
    let setting = answers
        .text("etcd environment")
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ETCD_QUOTA_BACKEND_BYTES="));
    setting.and_then(|bytes| bytes.parse().ok()).filter(|bytes| *bytes > 0).unwrap_or(USUAL_QUOTA_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

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

    const LIST: &str = r#"{"header":{},"members":[{"ID":1,"name":"a"},{"ID":2,"name":"b"},{"ID":3,"name":"c"}]}"#;

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
        let list = format!("{LIST}\n{}", r#"{"header":{}}"#);
        let found = found(&[
            ("a", Some(answers(1, 1, 20480, true, &list))),
            ("b", Some(answers(2, 1, 20480, true, &list))),
            ("c", Some(answers(3, 1, 20480, true, &list))),
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
        let list =
            format!("{}\n{}", LIST.replace("\"c\"", "\"z\""), r#"{"header":{},"alarms":[{"memberID":2,"alarm":1}]}"#);
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
}
