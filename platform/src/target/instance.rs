//! Instances of a component: which are meant, and which task is which.

use std::collections::BTreeSet;
use std::fmt;

/// Which instances of a component; they count from 1. Of a replicated service the number is the task's slot, of a global
/// one the place of the task's node among all nodes in [`natural_order`], so it stays the same when a node is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Instances {
    All,
    Numbered(BTreeSet<u32>),
}

impl Instances {
    /// One instance.
    pub(crate) fn numbered(number: u32) -> Self {
        Self::Numbered(BTreeSet::from([number]))
    }

    /// Whether this one is meant.
    pub(crate) fn include(&self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Numbered(numbers) => numbers.contains(&number),
        }
    }

    /// These and those.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Numbered(mut numbers), Self::Numbered(others)) => {
                numbers.extend(others);
                Self::Numbered(numbers)
            }
            _ => Self::All,
        }
    }

    /// The number of the task in `slot`, or, without one, of the task on `node`; `nodes` are the cluster's in
    /// [`natural_order`]. None for a task without a place, or on a machine that is not of the cluster.
    pub(crate) fn number_of(slot: Option<i64>, node: &str, nodes: &[&str]) -> Option<u32> {
        match slot {
            Some(slot) => u32::try_from(slot).ok(),
            None => u32::try_from(nodes.iter().position(|name| *name == node)? + 1).ok(),
        }
    }
}

impl fmt::Display for Instances {
    /// `@1,3`; nothing when all are meant.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Numbered(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
                write!(formatter, "@{}", numbers.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_have_numbers() {
        let nodes = ["n-1", "n-2", "n-10"];
        for (slot, node, expected) in [
            (Some(4), "n-1", Some(4)),
            (None, "n-10", Some(3)),
            (None, "n-1", Some(1)),
            (None, "", None),
            (None, "elsewhere", None),
        ] {
            assert_eq!(Instances::number_of(slot, node, &nodes), expected, "{slot:?} {node}");
        }
    }
}
