//! What goes when a cluster gets smaller, and what stands against it.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::ScaleArguments;
use crate::arm::ResourceId;
use crate::spec::{Node, QUORUM_NODES, SettledSpec};
use diagnostics::{Origin, Problems};
use report::{Failure, first_few};

/// Names that a message holds.
const MOST_SHOWN: usize = 7;

/// The nodes that go, the highest numbers; or every mistake.
pub(super) fn leaving(spec: &SettledSpec, arguments: &ScaleArguments) -> Result<Vec<Node>, Problems> {
    let mut problems = Problems::new();
    let count = arguments.num_nodes;
    if count < QUORUM_NODES && !arguments.allow_small && spec.node_count >= QUORUM_NODES {
        let message = format!(
            "must be at least {QUORUM_NODES}, found {count}: etcd stays available while more than half of its members answer, \
             so one or two members survive the loss of none"
        );
        problems.add_with_hint(Origin::Flag("--num-nodes"), message, "add `--allow-small` when that is meant");
    }
    let nodes: Vec<Node> = spec.nodes().into_iter().filter(|node| node.index >= count).collect();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    for lost in arguments.lose.iter().filter(|lost| !names.contains(&lost.as_str())) {
        let message =
            format!("{} is none of the nodes that go: {}", diagnostics::quoted(lost), first_few(&names, MOST_SHOWN));
        problems.add(Origin::Flag("--lose"), message);
    }
    if problems.is_empty() { Ok(nodes) } else { Err(problems) }
}

/// What is on the nodes that go and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    /// Names of volumes, by node.
    pub volumes: BTreeMap<String, Vec<String>>,
    /// Nodes that do not answer, with the reason: what they hold is not known.
    pub silent: BTreeMap<String, String>,
}

impl Holdings {
    /// An error when something would be lost that nobody gave up; `again` is the command that was given.
    pub(super) fn check(&self, lose: &[String], again: &str) -> Result<(), Failure> {
        let kept = |node: &&String| !lose.contains(node);
        let volumes = self.volumes.iter().filter(|(node, volumes)| kept(node) && !volumes.is_empty());
        let mut reasons: Vec<String> = volumes
            .map(|(node, volumes)| format!("node `{node}` holds what is nowhere else: {}", of_volumes(volumes)))
            .collect();
        let silent = self.silent.iter().filter(|(node, _)| kept(node));
        reasons.extend(
            silent.map(|(node, reason)| format!("node `{node}` does not say which volumes it holds: {reason}")),
        );
        if reasons.is_empty() {
            return Ok(());
        }
        let holders: BTreeSet<&String> = self
            .volumes
            .iter()
            .filter(|(_, volumes)| !volumes.is_empty())
            .map(|(node, _)| node)
            .chain(self.silent.keys())
            .collect();
        let flags: String = holders.into_iter().filter(kept).map(|node| format!(" --lose {node}")).collect();
        let hint = format!(
            "nothing was changed; save it (`platformctl database backup`, `platformctl apps`), then `{again}{flags}` gives it up"
        );
        Err(Failure::Unhealthy { reasons, hint })
    }

    /// The volumes that go.
    pub(super) fn lost(&self) -> BTreeSet<String> {
        self.volumes.values().flatten().cloned().collect()
    }
}

fn of_volumes(volumes: &[String]) -> String {
    let quoted: Vec<String> = volumes.iter().map(|volume| format!("volume `{volume}`")).collect();
    first_few(&quoted, MOST_SHOWN)
}

/// What goes, for people, before they agree.
pub(super) fn preview(spec: &SettledSpec, leaving: &[Node], resources: &[ResourceId], holdings: &Holdings) -> String {
    let mut text = format!("takes {} of {} nodes away, with what was made for them:", leaving.len(), spec.node_count);
    for id in resources {
        text.push_str(&format!("\n  - {id}"));
    }
    let members = leaving.iter().filter(|node| node.etcd_member).count() as u32;
    if members > 0 {
        let before = spec.etcd_member_count;
        text.push_str(&format!("\netcd has {} members then, {before} now", before - members));
    }
    for (node, volumes) in holdings.volumes.iter().filter(|(_, volumes)| !volumes.is_empty()) {
        text.push_str(&format!("\nlost with {node}: {}", of_volumes(volumes)));
    }
    for node in holdings.silent.keys() {
        text.push_str(&format!("\nlost with {node}: whatever is on it, which it does not say"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_gave_up_stays() {
        let holdings = Holdings {
            volumes: BTreeMap::from([
                ("n3".to_owned(), vec!["platform_registry".to_owned()]),
                ("n4".to_owned(), vec![]),
            ]),
            silent: BTreeMap::from([("n5".to_owned(), "no route".to_owned())]),
        };
        for (lose, expected) in [
            (&[][..], Some("--lose n3 --lose n5`")),
            (&["n3"], Some("scale --lose n5`")),
            (&["n5"], Some("scale --lose n3`")),
            (&["n3", "n5"], None),
        ] {
            let lose: Vec<String> = lose.iter().map(|node| (*node).to_owned()).collect();
            let told = holdings.check(&lose, "scale").err().map(|failure| failure.to_string());
            assert_eq!(told.is_some(), expected.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{lose:?}");
        }
        let all = holdings.check(&[], "scale").unwrap_err().to_string();
        assert!(all.contains("node `n3` holds what is nowhere else: volume `platform_registry`"), "{all}");
        assert!(all.contains("node `n5` does not say which volumes it holds: no route"), "{all}");
    }
}
