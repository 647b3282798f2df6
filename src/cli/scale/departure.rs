//! What goes when a cluster gets smaller, and what stands against it.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::ScaleArguments;
use crate::arm::ResourceId;
use crate::spec::{Node, QUORUM_NODES, SettledSpec, too_few_nodes};
use diagnostics::{Origin, Problems};
use platform::swarm::Held;
use report::{Failure, first_few};

/// Names that a message holds.
const MOST_SHOWN: usize = 7;

/// The nodes that go, the highest numbers; or every mistake.
pub(super) fn leaving(spec: &SettledSpec, arguments: &ScaleArguments) -> Result<Vec<Node>, Problems> {
    let mut problems = Problems::new();
    let count = arguments.num_nodes;
    if count < QUORUM_NODES && !arguments.allow_small && spec.node_count >= QUORUM_NODES {
        let message = too_few_nodes(count);
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
    /// By node.
    pub held: BTreeMap<String, BTreeSet<Held>>,
    /// Nodes that do not answer, with the reason: what they hold is not known.
    pub silent: BTreeMap<String, String>,
}

impl Holdings {
    /// An error when something would be lost that nobody gave up; `again` is the command that was given, `changed` what has
    /// been done already.
    pub(super) fn check(&self, lose: &[String], again: &str, changed: &str) -> Result<(), Failure> {
        let kept = |node: &&String| !lose.contains(node);
        let held = self.held.iter().filter(|(node, held)| kept(node) && !held.is_empty());
        let mut reasons: Vec<String> =
            held.map(|(node, held)| format!("node `{node}` holds what is nowhere else: {}", listed(held))).collect();
        let silent = self.silent.iter().filter(|(node, _)| kept(node));
        reasons.extend(silent.map(|(node, reason)| format!("node `{node}` does not say what it holds: {reason}")));
        if reasons.is_empty() {
            return Ok(());
        }
        let holders = self.held.iter().filter(|(_, held)| !held.is_empty()).map(|(node, _)| node);
        let holders: BTreeSet<&String> = holders.chain(self.silent.keys()).collect();
        let flags: String = holders.into_iter().filter(kept).map(|node| format!(" --lose {node}")).collect();
        let hint = format!(
            "{changed}; save it (`platformctl database backup`, or with `platformctl ssh`), then `{again}{flags}` gives it up"
        );
        Err(Failure::Unhealthy { reasons, hint })
    }

    /// What goes.
    pub(super) fn lost(&self) -> BTreeSet<Held> {
        self.held.values().flatten().cloned().collect()
    }
}

fn listed(held: &BTreeSet<Held>) -> String {
    first_few(&held.iter().collect::<Vec<_>>(), MOST_SHOWN)
}

/// What goes, for people, before they agree; no holdings when the nodes could not be asked.
pub(super) fn preview(
    spec: &SettledSpec,
    leaving: &[Node],
    resources: &[ResourceId],
    holdings: Option<&Holdings>,
) -> String {
    let mut text = format!("takes {} of {} nodes away, with what was made for them:", leaving.len(), spec.node_count);
    for id in resources {
        text.push_str(&format!("\n  - {id}"));
    }
    let members = leaving.iter().filter(|node| node.etcd_member).count() as u32;
    if members > 0 {
        let before = spec.etcd_member_count;
        text.push_str(&format!("\netcd is to have {} members then, {before} now", before - members));
    }
    let Some(holdings) = holdings else {
        if spec.custom_data_only {
            text.push_str("\nnothing on these machines is ours: what they hold was not looked at");
        }
        return text;
    };
    for (node, held) in holdings.held.iter().filter(|(_, held)| !held.is_empty()) {
        text.push_str(&format!("\nlost with {node}: {}", listed(held)));
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
            held: BTreeMap::from([
                ("n3".to_owned(), BTreeSet::from([Held::Volume("platform_registry".to_owned())])),
                ("n4".to_owned(), BTreeSet::new()),
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
            let told = holdings.check(&lose, "scale", "nothing was changed").err().map(|failure| failure.to_string());
            assert_eq!(told.is_some(), expected.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{lose:?}");
        }
        let all = holdings.check(&[], "scale", "nothing was changed").unwrap_err().to_string();
        assert!(all.contains("node `n3` holds what is nowhere else: volume `platform_registry`"), "{all}");
        assert!(all.contains("node `n5` does not say what it holds: no route"), "{all}");
    }
}
