//! A cluster gets smaller: what runs on the nodes that go is seen running elsewhere, then they leave the swarm and etcd, and
//! only then their machines are removed.

use std::pin::pin;

use futures::future::join_all;

use super::super::fitting_keys::check_for_later_machines;
use super::super::owner_tag::tag_all_again;
use super::super::power::{PoweredCluster, and_then};
use super::super::ready;
use super::again;
use super::arguments::ScaleArguments;
use super::departure::{Holdings, leaving, preview};
use crate::arm::ResourceId;
use crate::directory::{ClusterDirectory, StoredCluster};
use crate::execute::{OwnResources, RemovalError, departing, remove_departing};
use crate::membership::{leave, tell_endpoints, unfit_to_stay};
use nodes::cluster::{Cluster, Node, Route, Timeouts};
use nodes::inventory::Inventory;
use platform::Platform;
use platform::cli::changing::under_lock;
use platform::swarm::Departure;
use report::{Failure, Reporter, demand_yes};

/// Takes the last nodes away. What a run that was cut off has done is not done again.
pub(super) async fn shrink(arguments: &ScaleArguments, reporter: &Reporter) -> Result<(), Failure> {
    let cluster = PoweredCluster::open("scale", &arguments.cluster, reporter).await?;
    let spec = &cluster.stored.spec;
    let leaving = leaving(spec, arguments)?;
    check_for_later_machines(&cluster.connection, spec, &cluster.directory).await?;
    let again = again(arguments);
    let names: Vec<String> = leaving.iter().map(|node| node.name.clone()).collect();
    let own = OwnResources::of_spec(&cluster.connection.subscription, spec);
    let resources = departing(&cluster.connection.arm, &own, &names, reporter).await;
    let resources = resources.map_err(|error| cannot_be_told(error, cluster.name(), &again))?;

    let inventory = cluster.directory.read_inventory()?.ok_or_else(|| Failure::Unhealthy {
        reasons: vec![format!(
            "cluster {}: its creation did not come to its end, so nothing tells how nodes are reached, and what is on them",
            cluster.name()
        )],
        hint: format!("`azure-coreos-cluster {}` goes on with it; nothing was changed", cluster.name()),
    })?;
    let nodes = match ready::unasked(spec, &inventory) {
        None => Some(Nodes::new(&inventory, &names, &resources)?),
        Some(_) => None,
    };
    let mut holdings = None;
    if let Some(nodes) = &nodes {
        nodes.check_who_stays(&again).await?;
        let found = nodes.holdings().await?;
        found.check(&arguments.lose, &again, "nothing was changed")?;
        holdings = Some(found);
    }
    reporter.note(preview(spec, &leaving, &resources, holdings.as_ref()));
    if !arguments.yes {
        let question = format!("take {} away for good?", names.join(", "));
        let nobody_here = format!("nobody is here to confirm; `{again} --yes` does it without asking");
        demand_yes(&question, nobody_here, "nothing was changed").await?;
    }
    let members = match nodes {
        Some(nodes) => Some(nodes.leave(&cluster, arguments, &again, reporter).await?),
        None => {
            begin(&cluster, arguments.num_nodes)?;
            None
        }
    };
    remove_departing(&cluster.connection.arm, &resources, reporter).await.map_err(|errors| {
        Failure::azure_all(errors, format!("`{again}` removes what is left; nothing runs there any more"))
    })?;
    reporter.finish();
    forget(&cluster, &names, arguments.num_nodes, members)
}

/// From now on the nodes that go are no longer what the spec says, and only this command may go on.
fn begin(cluster: &PoweredCluster, count: u32) -> Result<(), Failure> {
    let begun = StoredCluster { shrinking_to: Some(count), ..cluster.stored.clone() };
    Ok(cluster.directory.store_cluster(&begun)?)
}

/// From now on the cluster is the smaller one.
fn forget(cluster: &PoweredCluster, names: &[String], count: u32, members: Option<u32>) -> Result<(), Failure> {
    // The keys of machines that are gone open nothing, and new ones get their own. A run that is killed here is completed as
    // long as the spec has the nodes: that goes last.
    cluster.directory.forget_node_keys(names)?;
    without(&cluster.directory, names)?;
    let spec = cluster.stored.spec.without_later_nodes(count, members);
    cluster.directory.store_cluster(&StoredCluster { spec, shrinking_to: None, ..cluster.stored.clone() })?;
    Ok(())
}

/// The inventory without these nodes, kept; none when there is none.
fn without(directory: &ClusterDirectory, names: &[String]) -> Result<Option<Inventory>, Failure> {
    let Some(mut inventory) = directory.read_inventory()? else { return Ok(None) };
    inventory.nodes.retain(|node| !names.contains(&node.name));
    directory.store_inventory(&inventory)?;
    Ok(Some(inventory))
}

/// The cluster's nodes over SSH, parted.
struct Nodes {
    /// Those that stay.
    staying: Cluster,
    /// Those that go, as far as the inventory has them.
    leaving: Vec<Node>,
    /// Of those, the ones whose machines exist.
    existing: Vec<Node>,
    names: Vec<String>,
}

impl Nodes {
    fn new(inventory: &Inventory, names: &[String], resources: &[ResourceId]) -> Result<Self, Failure> {
        let identity = ready::identity(inventory)?;
        let all = Cluster::new(inventory.clone().into(), identity, Route::Direct, Timeouts::default());
        let goes = |node: &Node| names.iter().any(|name| name == node.name());
        let exists = |node: &&Node| resources.iter().any(|id| id.is_virtual_machine() && id.name() == node.name());
        let leaving: Vec<Node> = all.nodes().iter().filter(|node| goes(node)).cloned().collect();
        let existing = leaving.iter().filter(exists).cloned().collect();
        Ok(Self { staying: all.only(|node| !goes(node)), leaving, existing, names: names.to_vec() })
    }

    /// An error when those that stay could not do without the others.
    async fn check_who_stays(&self, again: &str) -> Result<(), Failure> {
        self.staying.connect_all().await?;
        self.check_members(again, "nothing was changed").await?;
        let strangers = Platform::new(self.staying.clone()).swarm.strangers(&self.existing).await?;
        if strangers.is_empty() {
            return Ok(());
        }
        let names = strangers.join(", ");
        Err(Failure::Unhealthy {
            reasons: vec![format!("{names}: in a swarm that no node manages which stays")],
            hint: format!(
                "nothing was changed; `docker swarm leave --force` there gives that swarm up, then `{again}`"
            ),
        })
    }

    async fn check_members(&self, again: &str, changed: &str) -> Result<(), Failure> {
        let reasons = unfit_to_stay(&self.staying).await?;
        if reasons.is_empty() {
            return Ok(());
        }
        let hint = format!("{changed}: every member of etcd that stays must be well first, then `{again}`");
        Err(Failure::Unhealthy { reasons, hint })
    }

    /// The flags that give up the nodes of which nobody has said so yet.
    fn lose(&self, given: &[String]) -> String {
        self.names.iter().filter(|name| !given.contains(name)).map(|name| format!(" --lose {name}")).collect()
    }

    /// What is on those that go and nowhere else; a node whose machine is gone holds nothing any more.
    async fn holdings(&self) -> Result<Holdings, Failure> {
        let placed = Platform::new(self.staying.clone()).swarm.placed().await?;
        let asked = join_all(self.existing.iter().map(|node| placed.only_on(node))).await;
        let mut holdings = Holdings::default();
        for (node, held) in self.existing.iter().zip(asked) {
            match held {
                Ok(held) => {
                    holdings.held.insert(node.name().to_owned(), held);
                }
                Err(error) => {
                    holdings.silent.insert(node.name().to_owned(), error.message());
                }
            }
        }
        Ok(holdings)
    }

    /// Out of the swarm, where there is one, and out of etcd, of which the members that are left are counted. The directory and
    /// the platform have the smaller cluster before anybody else may change it.
    async fn leave(
        &self,
        cluster: &PoweredCluster,
        arguments: &ScaleArguments,
        again: &str,
        reporter: &Reporter,
    ) -> Result<u32, Failure> {
        let never = pin!(std::future::pending());
        let platform = Platform::new(self.staying.clone());
        let drained = format!(
            "{} take no tasks until `azure-coreos-cluster scale {} --num-nodes {}`, and nothing else was changed",
            self.names.join(", "),
            cluster.name(),
            cluster.stored.spec.node_count
        );
        under_lock(platform, again, reporter, never, async |platform, reporter| {
            // Much may have happened since it was agreed to.
            let lost = self.holdings().await?.lost();
            let gives_up = self.names.iter().all(|name| arguments.lose.contains(name));
            let departure = Departure { nodes: &self.leaving, lost, gives_up };
            let and_then_what = match gives_up {
                true => drained.clone(),
                false => format!("{drained}; `{again}{}` gives up what finds no place", self.lose(&arguments.lose)),
            };
            platform.swarm.drain(&departure, reporter).await.map_err(|failure| and_then(failure, &and_then_what))?;
            self.holdings().await?.check(&arguments.lose, again, &drained)?;
            self.check_members(again, &drained).await?;
            begin(cluster, arguments.num_nodes)?;
            platform.swarm.forget(&self.leaving, reporter).await?;
            let members = leave(&self.staying, &self.leaving, reporter).await?;
            tell_endpoints(&self.staying, reporter).await;
            if let Some(smaller) = without(&cluster.directory, &self.names)?
                && platform.facts_on_record().await?.is_some()
            {
                let identity = ready::identity(&smaller)?;
                let smaller = Cluster::new(smaller.into(), identity, Route::Direct, Timeouts::default());
                platform.on(smaller).record_facts().await?;
            }
            Ok(members)
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
