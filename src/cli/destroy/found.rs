//! `destroy NAME --resource-group GROUP`: a cluster that has no directory here, found by its tag.

use super::super::arguments::DestroyArguments;
use super::super::connection::connect_to;
use super::{ask, cannot_be_told, preview, removed, take_away};
use crate::directory::ClusterDirectory;
use crate::execute::{Emptiness, OwnResources, removal, tagged_clusters};
use crate::spec::{ClusterName, ResourceGroupName};
use diagnostics::{Origin, Problems};
use report::mark::DEGRADED;
use report::{Failure, Reporter};

const FLAG: Origin = Origin::Flag("--resource-group");

/// Removes what carries the cluster's tag in the group and has names that only it gives.
pub(super) async fn destroy(
    arguments: &DestroyArguments,
    directory: &ClusterDirectory,
    name: &ClusterName,
    group: &str,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let mut problems = Problems::new();
    let group: Option<ResourceGroupName> = problems.take(FLAG, group.parse());
    if directory.exists()? {
        let message = format!(
            "cluster `{name}` has a directory here, `{}`, which says where it is: leave the option out, or name another \
             --state-dir",
            directory.root().display()
        );
        problems.add(FLAG, message);
    }
    let Some(group) = group.filter(|_| problems.is_empty()) else { return Err(problems.into()) };
    // Without a directory nothing else says where the cluster is: the same words would mean one on Azure.
    let local = if arguments.connection.local { " --local" } else { "" };
    let again = format!("azure-coreos-cluster destroy {name} --resource-group {group}{local}");
    let connection = connect_to(&arguments.connection, &arguments.sign_in.values()?, None, reporter).await?;
    let tagged = tagged_clusters(&connection.arm, &connection.subscription).await;
    let tagged = tagged.map_err(|error| Failure::azure(error, again.clone()))?;
    let found = tagged.into_iter().find(|found| found.is_in(group.as_str(), name.as_str()));
    let Some(found) = found else {
        let message = format!("nothing in resource group `{group}` carries the tag of a cluster `{name}`");
        problems.add_with_hint(FLAG, message, format!("azure-coreos-cluster list{local}"));
        return Err(problems.into());
    };
    let machines: Vec<String> = found.machines.iter().map(|machine| machine.name().to_owned()).collect();
    let own = OwnResources::of_names(&connection.subscription, &found.resource_group, name.as_str(), &machines);
    let stays = format!("`{again}` goes on when Azure answers again");
    let look = || async {
        let looked = removal(&connection.arm, &own, Emptiness::Unexpected, reporter).await;
        looked.map_err(|error| cannot_be_told(error, name, &again, &stays))
    };
    let shown = look().await?;
    reporter.note(preview(&shown));
    reporter.note(format!("{DEGRADED} its directory, with the keys of its machines, is not here"));
    if !shown.ids().is_empty() && !arguments.yes {
        ask(&format!("remove cluster {name} for good?"), &again, &shown, look).await?;
    }
    take_away(&connection, &own, &shown, &again, reporter).await?;
    removed(arguments, name, &shown, connection.cloud)
}
