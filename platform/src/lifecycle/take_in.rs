//! Nodes that came after the platform was installed: they get what runs, then join, so that the swarm never starts
//! something on a node that has to wait for its image.

use std::collections::BTreeSet;

use crate::Platform;
use crate::images;
use crate::swarm::{self, Service};
use nodes::cluster::Node;
use report::mark::DEGRADED;
use report::{Failure, Reporter};

impl Platform {
    /// Has every node of the cluster in the swarm, new ones with the images of all services, and writes down what the
    /// cluster consists of now. Does nothing where no platform is installed. Whoever calls holds the cluster's lock.
    pub async fn take_in_new_nodes(&self, reporter: &Reporter) -> Result<(), Failure> {
        if self.installation().await?.is_none() {
            return Ok(());
        }
        let Some(members) = self.swarm.members().await? else { return Ok(()) };
        self.swarm.stay(reporter).await?;
        let is_member = |node: &&Node| members.iter().any(|member| member.ready && member.name == node.name());
        let (before, new): (Vec<&Node>, Vec<&Node>) = self.cluster.nodes().iter().partition(is_member);
        if !new.is_empty() {
            let services = self.swarm.services(None).await?;
            let wanted: BTreeSet<String> = services.iter().filter_map(reference).collect();
            let (before, new): (Vec<Node>, Vec<Node>) =
                (before.into_iter().cloned().collect(), new.into_iter().cloned().collect());
            for missing in images::share(&before, &new, &wanted, reporter).await {
                reporter.note(format!("{DEGRADED} {missing}; the node pulls it when a task of it starts there"));
            }
        }
        if !new_or_unsettled(self, &members) {
            return self.record_facts().await;
        }
        swarm::form(&self.cluster, reporter).await?;
        self.record_facts().await
    }
}

/// Whether a node is not yet what [`swarm::form`] makes of it.
fn new_or_unsettled(platform: &Platform, members: &[swarm::Member]) -> bool {
    let role = |node: &Node| if node.is_etcd_member() { swarm::Role::Manager } else { swarm::Role::Worker };
    let has_its_role = |node: &Node| {
        members.iter().any(|member| member.ready && member.name == node.name() && member.role == role(node))
    };
    !swarm::is_formed(&platform.cluster, members) || !platform.cluster.nodes().iter().all(has_its_role)
}

/// The image of a service's containers, as it stands in its spec.
fn reference(service: &Service) -> Option<String> {
    service.spec.task_template.as_ref()?.container_spec.as_ref()?.image.clone()
}
