//! A cluster without some of its nodes, for those who know that they do not answer.

use std::sync::Arc;

use super::{Cluster, Node};

impl Cluster {
    /// The cluster with those nodes alone that pass; their connections stay, and so does what the inventory says.
    pub fn only(&self, passes: impl Fn(&Node) -> bool) -> Self {
        let nodes = self.nodes.iter().filter(|node| passes(node)).cloned().collect();
        Self { facts: self.facts.clone(), nodes: Arc::new(nodes) }
    }
}
