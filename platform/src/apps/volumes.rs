//! Which node holds which volume. A volume is a folder of one node, so services that use it must stay on that node, and
//! services that share a volume are together.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::{MountKind, Service, Stack};
use crate::swarm::Member;

/// Why volumes cannot be put on nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    /// Two volumes that must be together are apart already.
    #[error(
        "volumes {} belong together because services share them, but they are on {}; services move a volume only by \
         copying it", .volumes.join(", "), .nodes.join(" and ")
    )]
    Apart { volumes: Vec<String>, nodes: Vec<String> },
    /// No node takes tasks.
    #[error("no node of the swarm is ready and takes tasks, so none can hold volume `{0}`")]
    NoNode(String),
}

/// Volumes of the file that a service mounts, by their keys.
pub(super) fn of_service(service: &Service) -> BTreeSet<&str> {
    let keys = service.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Volume { source, .. } => source.as_deref(),
        _ => None,
    });
    keys.collect()
}

/// The node of each volume that the services of `stack` mount: the one on record, else the one of `members` that holds
/// the fewest volumes according to `others`, which are all volumes' nodes of all apps.
pub(super) fn place(
    stack: &Stack,
    recorded: &BTreeMap<String, String>,
    others: &[String],
    members: &[Member],
) -> Result<BTreeMap<String, String>, NoPlace> {
    let mut placed = recorded.clone();
    let mut load: BTreeMap<&str, usize> = members
        .iter()
        .filter(|member| member.ready && member.available)
        .map(|member| (member.name.as_str(), others.iter().filter(|node| **node == member.name).count()))
        .collect();
    for group in groups(stack) {
        let nodes: BTreeSet<&String> = group.iter().filter_map(|volume| recorded.get(*volume)).collect();
        let node = match nodes.iter().next() {
            Some(_) if nodes.len() > 1 => {
                return Err(NoPlace::Apart {
                    volumes: group.iter().map(|volume| format!("`{volume}`")).collect(),
                    nodes: nodes.into_iter().cloned().collect(),
                });
            }
            Some(node) => (*node).clone(),
            None => {
                let least = load.iter().min_by_key(|(_, count)| **count).map(|(node, _)| *node);
                let first = group.iter().next().copied().unwrap_or_default();
                least.ok_or_else(|| NoPlace::NoNode(first.to_owned()))?.to_owned()
            }
        };
        if let Some(count) = load.get_mut(node.as_str()) {
            *count += group.len();
        }
        placed.extend(group.into_iter().map(|volume| (volume.to_owned(), node.clone())));
    }
    Ok(placed)
}

/// Volumes that must be on one node, because services share them.
fn groups(stack: &Stack) -> Vec<BTreeSet<&str>> {
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    for service in stack.services.values() {
        let mut group = of_service(service);
        if group.is_empty() {
            continue;
        }
        groups.retain(|other| {
            let apart = other.is_disjoint(&group);
            if !apart {
                group.extend(other);
            }
            apart
        });
        groups.push(group);
    }
    groups.sort();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::{Node, NodeDescription, NodeState, NodeStatus};

    fn member(name: &str, state: NodeState) -> Member {
        Member::read(Node {
            id: Some(name.into()),
            description: Some(NodeDescription { hostname: Some(name.into()), ..NodeDescription::default() }),
            status: Some(NodeStatus { state: Some(state), ..NodeStatus::default() }),
            ..Node::default()
        })
        .unwrap()
    }

    fn stack(services: &[(&str, &[&str])]) -> Stack {
        let mut text = "volumes: {a: , b: , c: , d: }\nservices:\n".to_owned();
        for (service, volumes) in services {
            let mounts: Vec<String> = volumes.iter().map(|volume| format!("'{volume}:/{volume}'")).collect();
            text.push_str(&format!("  {service}: {{image: x, volumes: [{}]}}\n", mounts.join(", ")));
        }
        Stack::parse(&text, "f").unwrap().stack
    }

    #[test]
    fn volumes_stay_where_they_are() {
        let members = [member("n0", NodeState::READY), member("n1", NodeState::READY), member("n2", NodeState::DOWN)];
        type Case<'c> =
            (&'c [(&'c str, &'c [&'c str])], &'c [(&'c str, &'c str)], &'c [&'c str], Result<&'c str, &'c str>);
        let cases: [Case<'_>; 7] = [
            (&[("x", &[])], &[], &[], Ok("")),
            (&[("x", &["a"])], &[], &[], Ok("a:n0")),
            (&[("x", &["a"])], &[], &["n0"], Ok("a:n1")),
            (&[("x", &["a"]), ("y", &["b"])], &[], &[], Ok("a:n0 b:n1")),
            // Where it was, though that node is down, and what is shared goes there too.
            (&[("x", &["a", "b"]), ("y", &["b", "c"])], &[("c", "n2")], &[], Ok("a:n2 b:n2 c:n2")),
            (&[("x", &["a", "b"])], &[("a", "n0"), ("b", "n1")], &[], Err("`a`, `b` belong together")),
            // What the file no longer has is remembered.
            (&[("x", &["a"])], &[("d", "n1")], &["n1"], Ok("a:n0 d:n1")),
        ];
        for (services, recorded, others, expected) in cases {
            let recorded = recorded.iter().map(|(volume, node)| ((*volume).to_owned(), (*node).to_owned())).collect();
            let others: Vec<String> = others.iter().map(|node| (*node).to_owned()).collect();
            match (place(&stack(services), &recorded, &others, &members), expected) {
                (Ok(found), Ok(expected)) => {
                    let found: Vec<String> = found.iter().map(|(volume, node)| format!("{volume}:{node}")).collect();
                    assert_eq!(found.join(" "), expected, "{services:?}");
                }
                (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
                (found, expected) => panic!("{services:?}: {found:?}, not {expected:?}"),
            }
        }
        let down = [member("n2", NodeState::DOWN)];
        let found = place(&stack(&[("x", &["a"])]), &BTreeMap::new(), &[], &down);
        assert_eq!(found, Err(NoPlace::NoNode("a".into())));
    }
}
