//! etcd's members as the spec has them, on machines that run: who joins an etcd that has begun, and who leaves it.
//!
//! A member that joins is a learner until it has what the others have, so that it never counts for a quorum before it
//! can help with one. <https://etcd.io/docs/v3.5/learning/design-learner/>

mod endpoints;
mod join;
mod leave;

pub(crate) use endpoints::tell_endpoints;
pub(crate) use join::Joining;
pub(crate) use leave::{leave, unfit_to_stay};

use nodes::cluster::Cluster;
use nodes::etcd::{Members, Store};

/// etcd as the members at those nodes tell that `speak`.
fn members_by<'n>(cluster: &Cluster, speak: impl Iterator<Item = &'n nodes::cluster::Node>) -> Members {
    Members::new(Store::new(cluster.clone()), speak.map(nodes::cluster::Node::private_address))
}
