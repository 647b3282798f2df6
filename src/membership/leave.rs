//! Members that leave: first is seen that etcd can do without them.

use std::net::Ipv4Addr;

use futures::future::join_all;

use super::members_by;
use crate::readiness::etcd_health;
use nodes::cluster::{Cluster, Node};
use nodes::etcd::Store;
use report::mark::GOOD;
use report::{Failure, Reporter};

/// What is wrong with the members that stay, each in a sentence; none when all of them are well. etcd is made smaller only
/// then: a member that is taken out is one fewer to lose.
pub(crate) async fn unfit_to_stay(staying: &Cluster) -> Vec<String> {
    let asked = staying.members().map(|node: &Node| async move {
        let health = etcd_health(node).await;
        health.err().map(|reason| format!("node `{}`: etcd: {reason}", node.name()))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Takes the members at these addresses out of etcd, one after the other; those that it does not have are left alone.
/// `staying` is the cluster without them.
pub(crate) async fn leave(staying: &Cluster, addresses: &[Ipv4Addr], reporter: &Reporter) -> Result<(), Failure> {
    let members = members_by(staying, staying.members());
    let refused = |error| Store::new(staying.clone()).failure(error);
    let listed = members.list().await.map_err(refused)?;
    for member in listed.iter().filter(|member| addresses.iter().any(|address| member.is_at(*address))) {
        members.remove(member).await.map_err(refused)?;
        let name = member.name.as_deref().unwrap_or("a member that never started");
        reporter.note(format!("{GOOD} etcd: {name} left"));
    }
    Ok(())
}
