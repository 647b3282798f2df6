//! Members that leave: first is seen that etcd can do without them.

use futures::future::join_all;

use super::members_by;
use crate::readiness::etcd_health;
use nodes::cluster::{Cluster, Node};
use nodes::etcd::{Member, Store};
use report::mark::GOOD;
use report::{Failure, Reporter};

/// What is wrong with the members that stay and have a vote, each in a sentence; none when all of them are well. etcd is made
/// smaller only then: a member that is taken out is one fewer to lose.
pub(crate) async fn unfit_to_stay(staying: &Cluster) -> Result<Vec<String>, Failure> {
    let listed = list(staying).await?;
    let votes = |node: &&Node| listed.iter().any(|member| member.is_at(node.private_address()) && member.has_vote());
    let asked = staying.members().filter(votes).map(|node: &Node| async move {
        let health = etcd_health(node).await;
        health.err().map(|reason| format!("node `{}`: etcd: {reason}", node.name()))
    });
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

/// Takes the members on these nodes out of etcd, one after the other: those first that are no help to it, then the last nodes.
/// `staying` is the cluster without them. Returns how many members etcd has then.
pub(crate) async fn leave(staying: &Cluster, leaving: &[Node], reporter: &Reporter) -> Result<u32, Failure> {
    let members = members_by(staying, staying.members());
    let refused = |error| Store::new(staying.clone()).failure(error);
    let mut listed = list(staying).await?;
    let health = join_all(leaving.iter().map(etcd_health)).await;
    let mut order: Vec<(bool, usize)> = health.iter().map(Result::is_ok).zip(0..).collect();
    order.sort_by_key(|(is_well, index)| (*is_well, std::cmp::Reverse(*index)));
    for (_, index) in order {
        let node = &leaving[index];
        let Some(at) = listed.iter().position(|member| member.is_at(node.private_address())) else { continue };
        members.remove(&listed.remove(at)).await.map_err(refused)?;
        reporter.note(format!("{GOOD} etcd: {} left", node.name()));
    }
    Ok(u32::try_from(listed.len()).unwrap_or(u32::MAX))
}

async fn list(staying: &Cluster) -> Result<Vec<Member>, Failure> {
    let listed = members_by(staying, staying.members()).list().await;
    listed.map_err(|error| Store::new(staying.clone()).failure(error))
}
