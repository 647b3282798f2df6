//! What the rules of user-data find: each key of a file, and what keeps it from acting.

use super::purpose::Purpose;
use cloudinit_rules::key::Consequence;
use diagnostics::yaml::Node;

/// How everything begins that acts alone, and never beside ours.
pub(super) const CANNOT_BE_MERGED: &str = "cannot be merged";

/// Why something does not act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// What is wrong: "is unknown and ignored".
    pub what: String,
    /// What its reader does with the rest because of it, where that is to be told.
    pub consequence: Consequence,
    /// What to do instead; empty when `what` says it.
    pub instead: String,
    /// Whether it acts on Fedora CoreOS all the same.
    pub flatcar_alone: bool,
    /// Whether its reader goes on without it, rather than stop.
    pub is_passed_over: bool,
}

impl Mistake {
    pub(super) fn new(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            consequence: Consequence::PassedOver,
            instead: instead.into(),
            flatcar_alone: false,
            is_passed_over: false,
        }
    }

    /// The same of what does not keep its reader from the rest.
    pub(super) fn passed_over(self) -> Self {
        Self { is_passed_over: true, ..self }
    }

    /// The same of what also keeps its reader from something else.
    pub(super) fn followed_by(self, consequence: Consequence) -> Self {
        Self { consequence, ..self }
    }

    /// Of a file that would do alone: what keeps it from being laid over ours.
    pub(super) fn of_merge(self) -> Self {
        let what = match self.what.starts_with(CANNOT_BE_MERGED) {
            true => self.what,
            false => format!("{CANNOT_BE_MERGED}: {}", self.what),
        };
        Self { what, is_passed_over: true, ..self }
    }

    /// What is a mistake only where a file is laid over ours: of one that is sent alone it says that it could not be.
    pub(super) fn where_merged(self, purpose: Purpose) -> Option<Self> {
        match purpose {
            Purpose::Merged { .. } => Some(self),
            Purpose::CloudConfigAlone | Purpose::IgnitionAlone { .. } => Some(self.of_merge()),
            Purpose::Rendered { .. } => None,
        }
    }

    /// Whether it is only that it cannot be laid over ours.
    pub(super) fn is_of_merge(&self) -> bool {
        self.what.starts_with(CANNOT_BE_MERGED)
    }

    /// All in one line.
    pub(super) fn text(&self) -> String {
        let parts = [self.what.as_str(), self.consequence.text(), self.instead.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

/// A key that was looked at.
pub(super) struct Judged<'a> {
    pub node: Node<'a>,
    pub mistake: Option<Mistake>,
    /// How it acts otherwise than it is written; empty where it does not.
    pub misread: String,
}

impl<'a> Judged<'a> {
    pub(super) fn acts(node: &Node<'a>) -> Self {
        Self { node: node.clone(), mistake: None, misread: String::new() }
    }

    pub(super) fn wrong(node: &Node<'a>, what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { node: node.clone(), mistake: Some(Mistake::new(what, instead)), misread: String::new() }
    }

    /// Keeps the mistake with the document, for a file that is merged.
    pub(super) fn report(&self) {
        match &self.mistake {
            Some(Mistake { what, instead, .. }) if instead.is_empty() => self.node.problem(what),
            Some(Mistake { what, instead, .. }) => self.node.problem_with_hint(what, instead),
            None => {}
        }
    }
}
