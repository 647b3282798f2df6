//! A cluster gets smaller: what runs on the nodes that go is seen running elsewhere, then they leave the swarm and etcd, and
//! only then their machines are removed.

use std::net::Ipv4Addr;
use std::pin::pin;

use futures::future::join_all;

use super::super::owner_tag::tag_all_again;
use super::super::power::PoweredCluster;
use super::super::ready;
use super::again;
use super::arguments::ScaleArguments;
use super::departure::{Holdings, leaving, preview};
use crate::arm::ResourceId;
use crate::directory::StoredCluster;
use crate::execute::{OwnResources, RemovalError, departing, remove_departing};
use crate::membership::{leave, tell_endpoints, unfit_to_stay};
use crate::spec::Node;
use nodes::cluster::{Cluster, Route, Timeouts};
use nodes::inventory::Inventory;
use platform::Platform;
use platform::cli::changing::under_lock;
use report::{Failure, Reporter, demand_yes};

/// Takes the last nodes away. What a run that was cut off has done is not done again.
pub(super) async fn shrink(arguments: &ScaleArguments, reporter: &Reporter) -> Result<(), Failure> {
    let cluster = PoweredCluster::open("scale", &arguments.cluster, reporter).await?;
    let spec = &cluster.stored.spec;
    let leaving = leaving(spec, arguments)?;
    let again = again(arguments);
    let names: Vec<String> = leaving.iter().map(|node| node.name.clone()).collect();
    let own = OwnResources::of_spec(&cluster.connection.subscription, spec);
    let resources = departing(&cluster.connection.arm, &own, &names, reporter).await;
    let resources = resources.map_err(|error| cannot_be_told(error, cluster.name(), &again))?;

    let nodes = match cluster.directory.read_inventory()? {
        Some(inventory) if ready::unasked(spec, &inventory).is_none() => Some(Nodes::new(&inventory, &names)?),
        _ => None,
    };
    let mut holdings = Holdings::default();
    if let Some(nodes) = &nodes {
        nodes.check_who_stays(&again).await?;
        holdings = nodes.holdings(&resources).await?;
        holdings.check(&arguments.lose, &again)?;
    }
    reporter.note(preview(spec, &leaving, &resources, &holdings));
    if !arguments.yes {
        let question = format!("take {} away for good?", names.join(", "));
        let nobody_here = format!("nobody is here to confirm; `{again} --yes` does it without asking");
        demand_yes(&question, nobody_here, "nothing was changed").await?;
    }
    // From now on the nodes that go are no longer what the spec says, and only this command may go on.
    let begun = StoredCluster { shrinking_to: Some(arguments.num_nodes), ..cluster.stored.clone() };
    cluster.directory.store_cluster(&begun)?;
    if let Some(nodes) = nodes {
        nodes.leave(&leaving, &holdings, &again, reporter).await?;
    }
    remove_departing(&cluster.connection.arm, &resources, reporter).await.map_err(|errors| {
        Failure::azure_all(errors, format!("`{again}` removes what is left; nothing runs there any more"))
    })?;
    reporter.finish();
    forget(&cluster, &names, arguments.num_nodes)
}

/// From now on the cluster is the smaller one.
fn forget(cluster: &PoweredCluster, names: &[String], count: u32) -> Result<(), Failure> {
    // The keys of machines that are gone open nothing, and new ones get their own. A run that is killed here is completed as
    // long as the spec has the nodes: that goes last.
    cluster.directory.forget_node_keys(names)?;
    if let Some(mut inventory) = cluster.directory.read_inventory()? {
        inventory.nodes.retain(|node| !names.contains(&node.name));
        cluster.directory.store_inventory(&inventory)?;
    }
    let spec = cluster.stored.spec.without_later_nodes(count);
    cluster.directory.store_cluster(&StoredCluster { spec, shrinking_to: None, ..cluster.stored.clone() })?;
    Ok(())
}

/// The cluster's nodes over SSH, parted.
struct Nodes {
    all: Cluster,
    /// Those that stay.
    staying: Cluster,
    names: Vec<String>,
}

impl Nodes {
    fn new(inventory: &Inventory, names: &[String]) -> Result<Self, Failure> {
        let identity = ready::identity(inventory)?;
        let all = Cluster::new(inventory.clone().into(), identity, Route::Direct, Timeouts::default());
        let staying = all.only(|node| !names.iter().any(|name| name == node.name()));
        Ok(Self { all, staying, names: names.to_vec() })
    }

    /// Those that go, as far as the inventory has them.
    fn leaving(&self) -> Vec<nodes::cluster::Node> {
        self.all.nodes().iter().filter(|node| self.names.iter().any(|name| name == node.name())).cloned().collect()
    }

    /// An error when those that stay could not do without the others.
    async fn check_who_stays(&self, again: &str) -> Result<(), Failure> {
        self.staying.connect_all().await?;
        let reasons = unfit_to_stay(&self.staying).await;
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Failure::Unhealthy {
            reasons,
            hint: format!("nothing was changed: every member of etcd that stays must be well first, then `{again}`"),
        })
    }

    /// What is on those that go and nowhere else; a node whose machine is gone holds nothing any more.
    async fn holdings(&self, resources: &[ResourceId]) -> Result<Holdings, Failure> {
        let swarm = Platform::new(self.staying.clone()).swarm;
        let exists = |name: &str| resources.iter().any(|id| id.is_virtual_machine() && id.name() == name);
        let leaving: Vec<_> = self.leaving().into_iter().filter(|node| exists(node.name())).collect();
        let asked = join_all(leaving.iter().map(|node| swarm.volumes_only_on(node))).await;
        let mut holdings = Holdings::default();
        for (node, volumes) in leaving.iter().zip(asked) {
            match volumes {
                Ok(volumes) => {
                    holdings.volumes.insert(node.name().to_owned(), volumes);
                }
                Err(error) => {
                    holdings.silent.insert(node.name().to_owned(), error.message());
                }
            }
        }
        Ok(holdings)
    }

    /// Out of the swarm, where there is one, and out of etcd.
    async fn leave(
        &self,
        leaving: &[Node],
        holdings: &Holdings,
        command: &str,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        let addresses: Vec<Ipv4Addr> = leaving.iter().map(|node| node.address).collect();
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let (nodes, lost) = (self.leaving(), holdings.lost());
        let never = pin!(std::future::pending());
        let platform = Platform::new(self.staying.clone());
        under_lock(platform, command, reporter, never, async |platform, reporter| {
            platform.swarm.drain(&names, &lost, reporter).await?;
            platform.swarm.forget(&nodes, reporter).await?;
            leave(&self.staying, &addresses, reporter).await?;
            tell_endpoints(&self.staying, reporter).await;
            Ok(())
        })
        .await
    }
}

/// Nobody can tell what would go; what to do about it.
fn cannot_be_told(error: RemovalError, name: &str, again: &str) -> Failure {
    let hint = match &error {
        RemovalError::Azure(_) => format!("nothing was changed; `{again}` again when Azure answers"),
        RemovalError::Untagged { ids, .. } => format!(
            "nothing was changed; when they are the cluster's, give them its tag, then `{again}`:\n{}",
            tag_all_again(name, ids)
        ),
    };
    Failure::azure(error.into_arm_error(), hint)
}
