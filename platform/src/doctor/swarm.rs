//! The swarm: its managers, and whether every node is in it as it should be.
//! <https://docs.docker.com/engine/swarm/admin_guide/>

use super::finding::{CLUSTER, Finding};
use crate::swarm::{Member, Role};

const CHECK: &str = "swarm";
/// Labels that bundles place their services by; `controlPlane` is for managers only.
const LABELS: [&str; 2] = ["dataPlane", "routerMesh"];
const MANAGERS_LABEL: &str = "controlPlane";
const INSTALL: &str = "platformctl install platform";

/// A node of the cluster by the inventory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub name: &'a str,
    pub etcd_member: bool,
}

/// What the managers say; none when there is no swarm. `autolock` says whether managers wait for a key when they start.
pub(super) fn judge(expected: &[Expected<'_>], members: Option<&[Member]>, autolock: Option<bool>) -> Vec<Finding> {
    let Some(members) = members else {
        return vec![Finding::warn(CHECK, CLUSTER, "there is no swarm yet", INSTALL)];
    };
    let mut findings = vec![judge_managers(members)];
    for node in expected {
        findings.extend(judge_node(node, members));
    }
    findings.extend(members.iter().filter_map(|member| judge_leftover(member, expected, members)));
    if autolock == Some(true) {
        findings.push(Finding::warn(
            CHECK,
            CLUSTER,
            "autolock is on: a manager that restarts waits for someone to unlock it",
            "on a manager: docker swarm update --autolock=false",
        ));
    }
    findings
}

/// No manager answered.
pub(super) fn no_manager(reason: &str) -> Finding {
    Finding::fail(
        CHECK,
        CLUSTER,
        format!("no manager answers: {reason}; what runs goes on, and nothing can be started or moved"),
        "most managers must run: bring their machines back; when they are lost for good, docs/troubleshooting.md#swarm",
    )
}

fn judge_managers(members: &[Member]) -> Finding {
    let managers: Vec<&Member> = members.iter().filter(|member| member.role == Role::Manager).collect();
    let reachable = managers.iter().filter(|member| member.reachable).count();
    let needed = managers.len() / 2 + 1;
    let leader = managers.iter().find(|member| member.leader).map_or("none", |member| member.name.as_str());
    let found = format!("{reachable} of {} managers answer, {needed} must; leader {leader}", managers.len());
    let silent: Vec<&str> =
        managers.iter().filter(|member| !member.reachable).map(|member| member.name.as_str()).collect();
    match silent.as_slice() {
        [] => Finding::ok(CHECK, CLUSTER, found),
        silent if reachable < needed => no_manager(&format!("{} are silent", silent.join(", "))),
        silent => Finding::warn(CHECK, CLUSTER, found, format!("bring {} back", silent.join(", "))),
    }
}

fn judge_node(node: &Expected<'_>, members: &[Member]) -> Vec<Finding> {
    let name = node.name;
    let of_name = || members.iter().filter(|member| member.name == name);
    let Some(member) = of_name().find(|member| member.ready).or_else(|| of_name().next()) else {
        return vec![Finding::fail(CHECK, name, "is not in the swarm", INSTALL)];
    };
    if !member.ready {
        return vec![Finding::fail(
            CHECK,
            name,
            "does not answer the managers: its tasks are given to other nodes",
            format!(
                "its `ssh` and `docker` lines say more; when it runs, platformctl ssh {name} sudo systemctl restart docker; \
                 ports 2377 and 7946 must be open between the nodes"
            ),
        )];
    }
    let mut findings = Vec::new();
    if !member.available {
        findings.push(Finding::warn(
            CHECK,
            name,
            "is drained or paused: it takes no tasks",
            format!("when its maintenance is over, on a manager: docker node update --availability active {name}"),
        ));
    }
    let role = if node.etcd_member { Role::Manager } else { Role::Worker };
    if member.role != role {
        let found = match role {
            Role::Manager => "is a worker, though it is a member of etcd",
            Role::Worker => "is a manager, though it is no member of etcd",
        };
        findings.push(Finding::warn(CHECK, name, found, INSTALL));
    }
    let wanted = LABELS.into_iter().chain(node.etcd_member.then_some(MANAGERS_LABEL));
    let missing: Vec<&str> = wanted.filter(|label| !member.labels.contains_key(*label)).collect();
    if !missing.is_empty() {
        findings.push(Finding::warn(
            CHECK,
            name,
            format!("has no label {}: services are not placed on it", missing.join(", ")),
            INSTALL,
        ));
    }
    if findings.is_empty() {
        let role = if member.role == Role::Manager { "manager" } else { "worker" };
        findings.push(Finding::ok(CHECK, name, format!("{role}, ready")));
    }
    findings
}

/// Entries of machines that are gone or were made anew.
fn judge_leftover(member: &Member, expected: &[Expected<'_>], members: &[Member]) -> Option<Finding> {
    let is_known = expected.iter().any(|node| node.name == member.name);
    let twin = members.iter().any(|other| other.name == member.name && other.ready && other.id != member.id);
    if is_known && (member.ready || !twin) {
        return None;
    }
    let name = if member.name.is_empty() { &member.id } else { &member.name };
    let demote =
        if member.role == Role::Manager { format!("docker node demote {}; ", member.id) } else { String::new() };
    let remedy = format!("on a manager: {demote}docker node rm --force {}", member.id);
    Some(match (is_known, member.ready) {
        (true, _) => Finding::warn(CHECK, name, "has an old entry beside its own: it was made anew", remedy),
        (false, true) => Finding::warn(CHECK, name, "is in the swarm and not in the inventory", remedy),
        (false, false) => Finding::warn(CHECK, name, "is gone and still has an entry in the swarm", remedy),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::doctor::Level;
    use bollard::models::{
        ManagerStatus, Node, NodeDescription, NodeSpec, NodeSpecAvailabilityEnum, NodeSpecRoleEnum, NodeState,
        NodeStatus, Reachability,
    };

    /// `manager`, `worker`; `silent`, `drained`, `bare` (no labels).
    fn member(id: &str, name: &str, traits: &[&str]) -> Member {
        let is = |word: &str| traits.contains(&word);
        let labels = ["controlPlane", "dataPlane", "routerMesh"].map(|label| (label.to_owned(), "true".to_owned()));
        let availability =
            if is("drained") { NodeSpecAvailabilityEnum::DRAIN } else { NodeSpecAvailabilityEnum::ACTIVE };
        Member::read(Node {
            id: Some(id.into()),
            spec: Some(NodeSpec {
                role: Some(if is("manager") { NodeSpecRoleEnum::MANAGER } else { NodeSpecRoleEnum::WORKER }),
                availability: Some(availability),
                labels: Some(if is("bare") { HashMap::new() } else { labels.into() }),
                ..NodeSpec::default()
            }),
            status: Some(NodeStatus {
                state: Some(if is("silent") { NodeState::DOWN } else { NodeState::READY }),
                ..NodeStatus::default()
            }),
            manager_status: is("manager").then(|| ManagerStatus {
                reachability: Some(if is("silent") { Reachability::UNREACHABLE } else { Reachability::REACHABLE }),
                leader: Some(id == "1"),
                ..ManagerStatus::default()
            }),
            description: Some(NodeDescription { hostname: Some(name.into()), ..NodeDescription::default() }),
            ..Node::default()
        })
        .unwrap()
    }

    #[test]
    fn swarms() {
        let expected = [("a", true), ("b", true), ("c", true), ("d", false)]
            .map(|(name, etcd_member)| Expected { name, etcd_member });
        let good = || {
            vec![
                member("1", "a", &["manager"]),
                member("2", "b", &["manager"]),
                member("3", "c", &["manager"]),
                member("4", "d", &["worker"]),
            ]
        };
        let with = |index: usize, other: Member| {
            let mut members = good();
            members[index] = other;
            members
        };
        for (members, autolock, unwell) in [
            (Some(good()), false, vec![]),
            (None, false, vec![(Level::Warn, "cluster: there is no swarm")]),
            (Some(good()), true, vec![(Level::Warn, "cluster: autolock is on")]),
            (
                Some(with(2, member("3", "c", &["manager", "silent"]))),
                false,
                vec![
                    (Level::Warn, "cluster: 2 of 3 managers answer, 2 must"),
                    (Level::Fail, "c: does not answer the managers"),
                ],
            ),
            (Some(with(3, member("4", "d", &["worker", "drained"]))), false, vec![(Level::Warn, "d: is drained")]),
            (Some(with(3, member("4", "d", &["manager"]))), false, vec![(Level::Warn, "d: is a manager, though")]),
            (
                Some(with(0, member("1", "a", &["manager", "bare"]))),
                false,
                vec![(Level::Warn, "a: has no label dataPlane, routerMesh, controlPlane")],
            ),
            (Some(good()[..3].to_vec()), false, vec![(Level::Fail, "d: is not in the swarm")]),
            (
                Some(
                    [good(), vec![member("9", "d", &["worker", "silent"]), member("8", "z", &["manager", "silent"])]]
                        .concat(),
                ),
                false,
                vec![
                    (Level::Warn, "cluster: 3 of 4 managers answer"),
                    (Level::Warn, "d: has an old entry"),
                    (Level::Warn, "z: is gone and still has an entry"),
                ],
            ),
        ] {
            let findings = judge(&expected, members.as_deref(), Some(autolock));
            let found: Vec<(Level, String)> = findings
                .iter()
                .filter(|finding| finding.level != Level::Ok)
                .map(|finding| (finding.level, format!("{}: {}", finding.subject, finding.found)))
                .collect();
            assert_eq!(found.len(), unwell.len(), "{found:#?}");
            for ((level, text), (expected, part)) in found.iter().zip(unwell) {
                assert!(*level == expected && text.contains(part), "{level:?} {text}, expected {part}");
            }
        }
    }
}
