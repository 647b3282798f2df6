//! How far a restart of several nodes has come, and what goes on with the rest.

use super::remedy::again;

/// The nodes in the order in which they are restarted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub cluster: String,
    /// Ready again.
    pub restarted: Vec<String>,
    /// Azure has restarted it, and it is not ready yet.
    pub pending: Option<String>,
    /// Are as they were; the first one's restart may have been asked for.
    pub left: Vec<String>,
}

impl Progress {
    /// Before anything is done.
    pub(super) fn new(cluster: &str, nodes: Vec<String>) -> Self {
        Self { cluster: cluster.to_owned(), left: nodes, ..Self::default() }
    }

    /// Azure has restarted the next one.
    pub(super) fn is_restarted(&mut self) {
        if !self.left.is_empty() {
            self.pending = Some(self.left.remove(0));
        }
    }

    /// It is ready again.
    pub(super) fn is_ready(&mut self) {
        self.restarted.extend(self.pending.take());
    }

    /// What is done, what is not, and the command for the rest.
    pub(super) fn what_is_left(&self) -> String {
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let mut text = format!("restarted: {}", list(&self.restarted));
        if let Some(pending) = &self.pending {
            text.push_str(&format!("; restarted, and not ready: {pending}"));
        }
        text.push_str(&format!("; not restarted: {}", list(&self.left)));
        if !self.left.is_empty() {
            let nodes: String = self.left.iter().map(|node| format!(" --node {node}")).collect();
            text.push_str(&format!("; `{}{nodes}` goes on with them", again("restart", &self.cluster)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_says_what_is_left() {
        let mut progress = Progress::new("demo", vec!["a".into(), "b".into()]);
        let rest = "azure-coreos-cluster restart demo";
        let expected = format!("restarted: none; not restarted: a, b; `{rest} --node a --node b` goes on with them");
        assert_eq!(progress.what_is_left(), expected);
        progress.is_restarted();
        let expected = format!(
            "restarted: none; restarted, and not ready: a; not restarted: b; `{rest} --node b` goes on with them"
        );
        assert_eq!(progress.what_is_left(), expected);
        progress.is_ready();
        let expected = format!("restarted: a; not restarted: b; `{rest} --node b` goes on with them");
        assert_eq!(progress.what_is_left(), expected);
        progress.is_restarted();
        progress.is_ready();
        assert_eq!(progress.what_is_left(), "restarted: a, b; not restarted: none");
    }
}
