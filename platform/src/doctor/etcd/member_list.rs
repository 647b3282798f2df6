//! etcd's own list of its members, held against the inventory, and the alarms that they raised.

use serde_json::Value;

use super::CHECK;
use super::member::{Member, documents};
use crate::doctor::finding::{CLUSTER, Finding};

/// Members as etcd lists them, and alarms; the first member that lists them speaks for all.
pub(super) fn judge_list(members: &[Member<'_>]) -> Vec<Finding> {
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
