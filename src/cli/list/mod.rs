//! `list`: the clusters that have a directory here, and those that carry a cluster's tag in Azure's subscriptions and in the local
//! emulator. Nothing is started, and nothing is written.

mod asked;
mod kept;
mod listed;

use std::path::PathBuf;

use futures::future::join_all;

use super::arguments::ListArguments;
use super::prepare::{one_kind_of_output, reporter};
use asked::Asked;
use kept::{Content, Kept, kept_in};
use listed::{ListedCluster, text};
use nodes::clusters::clusters_home;
use report::mark::DEGRADED;
use report::{Failure, output};

/// Runs the command. What is known is printed even when somebody could not be asked, which is an error all the same.
pub(super) async fn run(arguments: ListArguments) -> Result<(), Failure> {
    one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let values = arguments.sign_in.values()?;
    let mut failures = Vec::new();
    let kept = kept_in(&clusters_home(arguments.state_dir.as_deref())?, &mut failures, &reporter)?;
    let asked = Asked::connect(&arguments, &values, &kept, &mut failures, &reporter).await?;
    let answers = join_all(kept.iter().map(|kept| asked.about(kept))).await;
    let mut clusters = asked.others(&kept, &mut failures).await;
    for (kept, answer) in kept.iter().zip(answers) {
        failures.extend(answer.failure);
        match found_again(kept, &mut clusters) {
            Some(found) => (found.directory, found.reason) = (Some(kept.directory.clone()), answer.reason),
            None => clusters.push(kept.listed(answer.state, answer.reason)),
        }
    }
    clusters.sort_by(|one, other| (&one.name, &one.resource_group).cmp(&(&other.name, &other.resource_group)));
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    output::result(arguments.output.output, &clusters, &text(&clusters, home.as_deref()))?;
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else { return Ok(()) };
    failures.for_each(|failure| reporter.note(format!("{DEGRADED} {failure}")));
    Err(first)
}

/// The cluster of a damaged directory, which only its name tells, when there is one of that name.
fn found_again<'c>(kept: &Kept, clusters: &'c mut [ListedCluster]) -> Option<&'c mut ListedCluster> {
    match &kept.content {
        Content::Settled(_) => None,
        Content::Damaged(_) => clusters.iter_mut().find(|found| found.directory.is_none() && found.name == kept.name),
    }
}
