//! What removing a cluster means now: the whole resource group when it and all that is in it is ours, else our resources
//! one after another. `destroy` shows it, asks, and has `destroy.rs` carry it out.
//!
//! Two ways of asking must agree, the group's list and a GET for every id: an answer that contradicts the other way is
//! asked again, and in the end it stops the run. Replicas of ARM are late at times, and proxies answer for Azure.

mod error;
mod look;
mod removed;
mod verdict;

pub(crate) use error::RemovalError;
pub(crate) use removed::Removal;
pub(super) use removed::staged;

use std::time::Duration;

use super::own_resources::OwnResources;
use crate::arm::{Arm, ArmError, ArmErrorKind};
use look::look;
use report::Reporter;
use report::mark::DEGRADED;
use verdict::{Ghosts, doubted, judge};

/// Waits between two looks when a look contradicts itself or shows nothing; 7.5 s in all.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// How sure an empty answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptiness {
    /// Nobody said that anything was deleted: it is asked for several times.
    Unexpected,
    /// Azure has just said that the deletion is done.
    Expected,
}

/// What removing the cluster means now; an error when Azure's answers still contradict each other after several looks. That
/// nothing exists must be the word of every look, but for what Azure was deleting.
pub(crate) async fn removal(
    arm: &Arm,
    own: &OwnResources,
    emptiness: Emptiness,
    reporter: &Reporter,
) -> Result<Removal, RemovalError> {
    let mut waits = PATIENCE.into_iter();
    let mut seen = None;
    loop {
        let wait = waits.next();
        let ghosts = match (emptiness, wait) {
            (Emptiness::Expected, _) => Ghosts::OfDeletion,
            (Emptiness::Unexpected, None) => Ghosts::OfEarlierDeletion,
            (Emptiness::Unexpected, Some(_)) => Ghosts::Contradiction,
        };
        let look = look(arm, own).await?;
        if !look.untagged.is_empty() {
            return Err(RemovalError::Untagged { group: own.group(), ids: look.untagged });
        }
        let mut verdict = judge(own, &look, ghosts);
        if emptiness == Emptiness::Unexpected {
            verdict = doubted(verdict, seen.as_ref());
            seen = seen.or(look.lasting);
        }
        let Some(wait) = wait else {
            return verdict.map_err(|why| {
                let message = format!("Azure's answers contradict each other: {why}");
                ArmError::local(ArmErrorKind::Unreachable, format!("looking into {}", own.group()), message).into()
            });
        };
        match verdict {
            Ok(removal) if emptiness == Emptiness::Expected || !removal.is_hollow() => return Ok(removal),
            Err(why) if wait == PATIENCE[0] => {
                let seconds = PATIENCE.iter().map(Duration::as_secs_f64).sum::<f64>();
                reporter.note(format!(
                    "{DEGRADED} Azure's answers contradict each other: {why}; asking again for {seconds} s"
                ));
            }
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests;
