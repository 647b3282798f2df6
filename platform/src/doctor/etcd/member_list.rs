//! etcd's own list of its members, held against the inventory, and the alarms that they raised.

use super::CHECK;
use super::answer::{Alarm, AlarmList, AlarmType, Listed, MemberList, documents, read};
use super::member::Member;
use crate::doctor::finding::{CLUSTER, Finding};

const QUESTION: &str = "etcd members";

/// Members as etcd lists them, and alarms; the first member that lists them speaks for all.
pub(super) fn judge_list(members: &[Member<'_>]) -> Vec<Finding> {
    let lists = |member: &Member<'_>| member.said().map_or_else(Vec::new, |said| documents(said.text(QUESTION)));
    let Some(documents) = members.iter().map(lists).find(|documents| !documents.is_empty()) else { return Vec::new() };
    let unknown = |what: &str, why: String, command: &str| {
        vec![Finding::warn(CHECK, CLUSTER, format!("{what} are not known: {why}"), format!("{command} on a member"))]
    };
    let listed = match documents.first().map(read::<MemberList>) {
        Some(Ok(list)) => list.members,
        Some(Err(why)) => return unknown("its members", why, "etcdctl member list"),
        None => return Vec::new(),
    };
    let alarms = documents.get(1).map_or_else(|| Err("etcdctl does not list them".to_owned()), read::<AlarmList>);
    let mut findings: Vec<Finding> = judge_names(members, &listed).into_iter().collect();
    findings.extend(match alarms {
        Ok(list) => list.alarms.iter().map(|alarm| judge_alarm(alarm, &listed)).collect(),
        Err(why) => unknown("its alarms", why, "etcdctl alarm list"),
    });
    findings
}

fn judge_names(members: &[Member<'_>], listed: &[Listed]) -> Option<Finding> {
    let missing: Vec<&str> = members
        .iter()
        .map(|member| member.name)
        .filter(|name| !listed.iter().any(|other| other.name == *name))
        .collect();
    let foreign: Vec<&str> = listed
        .iter()
        .map(|one| &*one.name)
        .filter(|name| !members.iter().any(|member| member.name == *name))
        .map(|name| if name.is_empty() { "one that has not started" } else { name })
        .collect();
    let part = |what: &str, names: &[&str]| match names {
        [] => String::new(),
        names => format!("; {what}: {}", names.join(", ")),
    };
    (!missing.is_empty() || !foreign.is_empty()).then(|| {
        Finding::fail(
            CHECK,
            CLUSTER,
            format!(
                "its list of members is not the inventory's{}{}",
                part("missing", &missing),
                part("unknown here", &foreign)
            ),
            "etcdctl member list on a member; docs/troubleshooting.md#etcd shows how a member is replaced",
        )
    })
}

fn judge_alarm(alarm: &Alarm, listed: &[Listed]) -> Finding {
    let member = listed.iter().find(|one| one.id == alarm.member_id).map_or("unknown", |one| &*one.name);
    match &alarm.alarm {
        AlarmType::Number(1) => no_space(member),
        AlarmType::Name(name) if name == "NOSPACE" => no_space(member),
        AlarmType::Number(2) => corrupt(member),
        AlarmType::Name(name) if name == "CORRUPT" => corrupt(member),
        AlarmType::Number(number) => other(member, &number.to_string()),
        AlarmType::Name(name) => other(member, name),
    }
}

fn no_space(member: &str) -> Finding {
    Finding::fail(
        CHECK,
        member,
        "alarm NOSPACE: the database has reached its quota, so nothing can be written",
        "docs/troubleshooting.md#etcd: compact, defragment, then etcdctl alarm disarm",
    )
}

fn corrupt(member: &str) -> Finding {
    Finding::fail(
        CHECK,
        member,
        "alarm CORRUPT: its data differ from the other members'",
        "replace this member: docs/troubleshooting.md#etcd",
    )
}

fn other(member: &str, alarm: &str) -> Finding {
    Finding::fail(CHECK, member, format!("alarm {alarm}"), "etcdctl alarm list on a member")
}
