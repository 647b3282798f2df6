//! Which nodes a service may run on.
//! <https://docs.docker.com/reference/cli/docker/service/create/#constraint>

use super::{Member, Role};

/// Met by no node: a global service with it is stopped.
pub(super) const STOPPED: &str = "node.id == stopped";

/// Nodes on which a task may be placed now: ready, available and within all constraints.
pub(super) fn eligible<'a>(members: &'a [Member], constraints: &[String]) -> Vec<&'a Member> {
    let meets = |member: &&Member| {
        member.ready && member.available && constraints.iter().all(|constraint| holds(constraint, member))
    };
    members.iter().filter(meets).collect()
}

/// A constraint that we cannot judge counts as met: the swarm judges it.
fn holds(constraint: &str, member: &Member) -> bool {
    let (key, equal, wanted) = if let Some((key, wanted)) = constraint.split_once("!=") {
        (key.trim(), false, wanted.trim())
    } else if let Some((key, wanted)) = constraint.split_once("==") {
        (key.trim(), true, wanted.trim())
    } else {
        return true;
    };
    let found = match key {
        "node.id" => Some(member.id.as_str()),
        "node.hostname" => Some(member.name.as_str()),
        "node.role" => Some(if member.role == Role::Manager { "manager" } else { "worker" }),
        _ => match key.strip_prefix("node.labels.") {
            Some(label) => member.labels.get(label).map(String::as_str),
            None => return true,
        },
    };
    found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)) == equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::{Node, NodeDescription, NodeSpec, NodeSpecRoleEnum, NodeState, NodeStatus};

    fn member(name: &str, role: NodeSpecRoleEnum, label: (&str, &str)) -> Member {
        Member::read(Node {
            id: Some(format!("id-{name}")),
            description: Some(NodeDescription { hostname: Some(name.into()), ..NodeDescription::default() }),
            spec: Some(NodeSpec {
                role: Some(role),
                labels: Some([(label.0.to_owned(), label.1.to_owned())].into()),
                ..NodeSpec::default()
            }),
            status: Some(NodeStatus { state: Some(NodeState::READY), ..NodeStatus::default() }),
            ..Node::default()
        })
        .unwrap()
    }

    #[test]
    fn constraints_choose_nodes() {
        let members = [
            member("a", NodeSpecRoleEnum::MANAGER, ("routerMesh", "true")),
            member("b", NodeSpecRoleEnum::WORKER, ("routerMesh", "false")),
        ];
        for (constraints, expected) in [
            (vec![], vec!["a", "b"]),
            (vec!["node.role == manager"], vec!["a"]),
            (vec!["node.role==worker", "node.labels.routerMesh != true"], vec!["b"]),
            (vec!["node.labels.missing == x"], vec![]),
            (vec!["node.labels.missing != x"], vec!["a", "b"]),
            (vec!["node.hostname == b"], vec!["b"]),
            (vec![STOPPED], vec![]),
            (vec!["engine.labels.x == y"], vec!["a", "b"]),
        ] {
            let constraints: Vec<String> = constraints.into_iter().map(str::to_owned).collect();
            let names: Vec<&str> =
                eligible(&members, &constraints).into_iter().map(|member| member.name.as_str()).collect();
            assert_eq!(names, expected, "{constraints:?}");
        }
    }
}
