//! What a run asks before it acts: once, and only where somebody can answer. What takes something away needs a yes
//! everywhere; where nobody can answer, that is `--yes`.

use std::io::IsTerminal as _;

use crate::plan::{Action, Changes, Plan};
use report::{Failure, confirm};

/// What there is to agree to.
pub(super) struct Proposal<'a> {
    pub plan: &'a Plan,
    pub changes: &'a Changes,
    /// Whether it costs money or is somebody else's too: on Azure.
    pub on_azure: bool,
    /// What a new cluster is called in the question, with its price where that is known.
    pub new_cluster: Option<String>,
}

/// Returns when the user agrees, or need not be asked; what is proposed was shown before.
pub(super) async fn obtain(proposal: Proposal<'_>, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let Some(question) = question(&proposal) else { return Ok(()) };
    if !somebody_is_there() {
        return match proposal.changes.taken_away.as_slice() {
            [] => Ok(()),
            taken_away => Err(Failure::Usage(format!(
                "nobody is here to confirm what this takes away: {}; the same command with --yes does it without asking",
                taken_away.join("; ")
            ))),
        };
    }
    let refusal = if proposal.new_cluster.is_some() { "nothing was made" } else { "nothing was changed" };
    if confirm(&question).await? { Ok(()) } else { Err(Failure::Usage(refusal.into())) }
}

/// The one question of a run; none when nothing needs an answer.
fn question(proposal: &Proposal<'_>) -> Option<String> {
    let is_change = |action: &Action| matches!(action, Action::Update { .. } | Action::Replace { .. });
    let updates = proposal.plan.count(is_change);
    match (&proposal.new_cluster, proposal.changes.taken_away.as_slice()) {
        (_, [_, ..]) => Some(format!("this {}; go on?", proposal.changes.taken_away.join("; "))),
        (Some(cluster), []) if proposal.on_azure => Some(format!("create {cluster}?")),
        (None, []) if proposal.on_azure && updates > 0 => Some(format!("change {updates} resources that exist?")),
        _ => None,
    }
}

/// Whether a question would be read, and its answer be one's own.
pub(super) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_is_asked() {
        let plan = Plan { steps: Vec::new() };
        let closes = Changes { taken_away: vec!["closes 80/tcp (web)".into()], others: Vec::new() };
        let nothing = Changes::default();
        for (changes, on_azure, new, expected) in [
            (&nothing, false, false, None),
            (&nothing, true, false, None),
            (&nothing, false, true, None),
            (&nothing, true, true, Some("create x?")),
            (&closes, false, false, Some("this closes 80/tcp (web); go on?")),
            (&closes, true, false, Some("this closes 80/tcp (web); go on?")),
        ] {
            let new_cluster = new.then(|| "x".to_owned());
            let proposal = Proposal { plan: &plan, changes, on_azure, new_cluster };
            assert_eq!(question(&proposal).as_deref(), expected);
        }
    }
}
