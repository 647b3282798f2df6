//! Docker Swarm on a cluster: the engine that places and restarts the platform's containers.
//! <https://docs.docker.com/engine/swarm/>
//!
//! `lifecycle`, `apps` and `doctor` call it. Managers are the members of etcd, all other nodes workers.

mod address_pool;
mod form;
mod health_check;
mod held;
mod last_words;
mod leave;
mod member;
mod placement;
mod resolve;
mod resource;
mod rollout;
mod secret;
mod service;
mod tally;
mod task;

pub use address_pool::choose as choose_address_pool;
pub use form::{form, is_formed};
pub use held::{Held, Placed};
pub use leave::Departure;
pub use member::{Member, Role};
pub use resolve::{References, UnknownSecret};
pub use rollout::{Rollout, RolloutFailure};
pub use secret::SecretVersion;
pub use service::{Applied, BUNDLE_LABEL, COMPONENT_LABEL, NAMESPACE_LABEL, Service, Started, replicas};
pub use tally::Tally;
pub use task::Task;

use bollard::Docker;
use bollard::errors::Error;

use nodes::cluster::{Cluster, DockerError};
use report::Failure;

/// What a swarm manager without a majority of its peers answers.
const UNAVAILABLE: u16 = 503;

/// The swarm of one cluster; questions go to a manager, and to another when one is gone.
#[derive(Clone, Debug)]
pub struct Swarm {
    cluster: Cluster,
}

impl Swarm {
    /// The swarm of `cluster`; whether there is one shows when it is asked.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    /// The cluster that it runs on.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Asks the first manager that answers something that may be asked again.
    pub async fn ask<T, F>(&self, doing: impl AsRef<str>, question: impl Fn(Docker) -> F) -> Result<T, DockerError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut last = None;
        for node in self.cluster.members() {
            match node.ask(doing.as_ref(), &question).await {
                Ok(answer) => return Ok(answer),
                // Another manager may answer: this one is gone, has left the swarm, or sees no majority.
                Err(error)
                    if error.unreachable().is_some()
                        || error.is_lost_connection()
                        || error.status() == Some(UNAVAILABLE) =>
                {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            let nothing = Error::IOError { err: std::io::Error::other("the inventory names no member of etcd") };
            DockerError::new(self.cluster.name(), doing.as_ref(), nothing)
        }))
    }

    /// Its nodes as the managers see them; none when there is no swarm.
    pub async fn members(&self) -> Result<Option<Vec<Member>>, DockerError> {
        match self.ask("listing the swarm's nodes", |docker| async move { docker.list_nodes(None).await }).await {
            Ok(nodes) => Ok(Some(nodes.into_iter().filter_map(Member::read).collect())),
            Err(error) if is_no_swarm(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Its nodes, or the failure that says how to make it.
    pub async fn require(&self) -> Result<Vec<Member>, Failure> {
        self.members().await?.ok_or_else(|| Failure::Unhealthy {
            reasons: vec![format!(
                "cluster `{}` has no swarm yet, so no platform is installed on it",
                self.cluster.name()
            )],
            hint: "platformctl install platform".into(),
        })
    }
}

/// Docker's answer to questions about a swarm on a node that is in none.
/// <https://github.com/moby/moby/blob/master/daemon/cluster/errors.go>
pub fn is_no_swarm(error: &DockerError) -> bool {
    error.status() == Some(UNAVAILABLE) && error.message().contains("is not a swarm manager")
}
