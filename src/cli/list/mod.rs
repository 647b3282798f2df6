//! `list`: the clusters that this machine has a directory of, and those that carry a cluster's tag in the subscription and in the
//! local emulator. Nothing is started, and nothing is written.

mod listed;

use futures::future::try_join_all;

use super::arguments::{ConnectionArguments, ListArguments};
use super::connection::{Connection, connect_to};
use super::prepare::{one_kind_of_output, reporter};
use crate::arm::{ArmError, InstanceView, PowerState, ResourceId};
use crate::config::Values;
use crate::directory::{Cloud, ClusterDirectory, StoredCluster};
use crate::execute::{TaggedCluster, tagged_clusters};
use crate::local::{self, Emulator};
use crate::plan::ResourceNames;
use crate::spec::ClusterName;
use listed::{ClusterState, ListedCluster, text};
use nodes::clusters::{clusters_home, directories};
use report::mark::DEGRADED;
use report::{Failure, Reporter, exit_code, output};

const AGAIN: &str = "azure-coreos-cluster list";

/// Runs the command. What is known is printed even when somebody could not be asked, which is an error all the same.
pub(super) async fn run(arguments: ListArguments) -> Result<(), Failure> {
    one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let values = arguments.sign_in.values()?;
    let mut clusters = kept_here(&arguments.connection, &reporter)?;
    let emulator = ask_emulator(&arguments.connection, &mut clusters, &reporter).await;
    let azure = match arguments.connection.local {
        true => Ok(()),
        false => ask_azure(&arguments.connection, &values, &mut clusters, &reporter).await,
    };
    if arguments.connection.local {
        clusters.retain(|cluster| cluster.cloud == Cloud::Local);
    }
    clusters.sort_by(|one, other| (&one.name, &one.resource_group).cmp(&(&other.name, &other.resource_group)));
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    output::result(arguments.output.output, &clusters, &text(&clusters, home.as_deref()))?;
    emulator.and(azure)
}

/// Those that have a directory. One that cannot be read is told, and keeps no other from being listed.
fn kept_here(connection: &ConnectionArguments, reporter: &Reporter) -> Result<Vec<ListedCluster>, Failure> {
    let home = clusters_home(connection.state_dir.as_deref())?;
    let mut clusters = Vec::new();
    for name in directories(&home)? {
        let Ok(name) = name.parse::<ClusterName>() else { continue };
        let directory = ClusterDirectory::locate(Some(&home), &name)?;
        match directory.stored_cluster() {
            Ok(Some(stored)) => clusters.push(kept(&directory, stored)),
            Ok(None) => reporter.note(format!(
                "{DEGRADED} {name}: `{}` is lost; `azure-coreos-cluster status {name}` says what is left",
                directory.spec().display()
            )),
            Err(error) => reporter.note(format!("{DEGRADED} {name}: {error:#}")),
        }
    }
    Ok(clusters)
}

/// A cluster before anybody was asked about it.
fn kept(directory: &ClusterDirectory, stored: StoredCluster) -> ListedCluster {
    let elsewhere = match (&stored.emulator, local::directory()) {
        (Some(own), Ok(asked)) if own != asked.root() => Some(own),
        _ => None,
    };
    let reason = match (stored.cloud, elsewhere) {
        (Cloud::Azure, _) => "Azure was not asked".to_owned(),
        (Cloud::Local, Some(own)) => format!("it is on another emulator, in `{}`", own.display()),
        (Cloud::Local, None) => "the local emulator was not asked".to_owned(),
    };
    ListedCluster {
        name: directory.name().to_owned(),
        cloud: stored.cloud,
        subscription: stored.subscription,
        resource_group: stored.spec.resource_group.to_string(),
        location: stored.spec.location.to_string(),
        nodes: Some(stored.spec.node_count),
        state: ClusterState::Unknown,
        reason: Some(reason),
        directory: Some(directory.root().to_owned()),
        is_on_another_emulator: elsewhere.is_some(),
    }
}

/// Asks the local emulator when it runs.
async fn ask_emulator(
    arguments: &ConnectionArguments,
    clusters: &mut Vec<ListedCluster>,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let directory = local::directory()?;
    if Emulator::find(&directory).await?.is_none() {
        for cluster in
            clusters.iter_mut().filter(|cluster| cluster.cloud == Cloud::Local && !cluster.is_on_another_emulator)
        {
            cluster.reason = Some("the local emulator does not run".to_owned());
        }
        return Ok(());
    }
    let arguments = ConnectionArguments { local: true, ..arguments.clone() };
    let connection = connect_to(&arguments, &Values::default(), None, reporter).await?;
    fill(&connection, clusters).await
}

/// Asks Azure. Who is not signed in, names nobody who might be, and has no cluster there, is told and left alone.
async fn ask_azure(
    arguments: &ConnectionArguments,
    values: &Values,
    clusters: &mut Vec<ListedCluster>,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let is_local_user = *values == Values::default()
        && !clusters.is_empty()
        && clusters.iter().all(|cluster| cluster.cloud == Cloud::Local);
    match connect_to(arguments, values, None, reporter).await {
        Ok(connection) => fill(&connection, clusters).await,
        Err(failure) if is_local_user && failure.exit_code() == exit_code::SIGN_IN => {
            reporter.note(format!("{DEGRADED} Azure was not asked: {failure}"));
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// What is there of those that are known, and those that are there besides.
async fn fill(connection: &Connection, clusters: &mut Vec<ListedCluster>) -> Result<(), Failure> {
    let (cloud, subscription) = (connection.cloud, connection.subscription.to_string());
    let azure = |error: ArmError| Failure::azure(error, AGAIN);
    let mut found = found(connection).await.map_err(azure)?;
    for cluster in clusters.iter_mut().filter(|cluster| cluster.cloud == cloud && !cluster.is_on_another_emulator) {
        if !cluster.subscription.eq_ignore_ascii_case(&subscription) {
            let id = &cluster.subscription;
            cluster.reason = Some(format!("it is in another subscription: --subscription {id}"));
            continue;
        }
        let place = found.iter().position(|(found, _)| cluster.is_in(&found.resource_group, &found.name));
        (cluster.state, cluster.reason) = match place {
            Some(place) => told(ClusterState::of(&found.swap_remove(place).1, cluster.nodes)),
            None => unlisted(connection, cluster).await.map_err(azure)?,
        };
    }
    for (TaggedCluster { name, resource_group, location, .. }, powers) in found {
        let (state, reason) = told(ClusterState::of(&powers, None));
        clusters.push(ListedCluster {
            name,
            cloud,
            subscription: subscription.clone(),
            resource_group,
            location,
            nodes: None,
            state,
            reason,
            directory: None,
            is_on_another_emulator: false,
        });
    }
    Ok(())
}

fn told(state: ClusterState) -> (ClusterState, Option<String>) {
    (state, (state == ClusterState::Unknown).then(|| "nobody says whether its machines are on".to_owned()))
}

/// Of a cluster that the list does not have. That it is gone is believed when its load balancer, asked for by its id, is gone too.
async fn unlisted(
    connection: &Connection,
    cluster: &ListedCluster,
) -> Result<(ClusterState, Option<String>), ArmError> {
    let names = ResourceNames::of(&connection.subscription, &cluster.resource_group, &cluster.name);
    Ok(match connection.arm.get(&names.load_balancer()).await? {
        None => (ClusterState::Gone, None),
        Some(_) => {
            let reason = format!("Azure's list lacks it: azure-coreos-cluster status {}", cluster.name);
            (ClusterState::Unknown, Some(reason))
        }
    })
}

/// The subscription's clusters, and what their machines do.
async fn found(connection: &Connection) -> Result<Vec<(TaggedCluster, Vec<PowerState>)>, ArmError> {
    let clusters = tagged_clusters(&connection.arm, &connection.subscription).await?;
    let power = async |machine: &ResourceId| -> Result<Option<PowerState>, ArmError> {
        let view: Option<InstanceView> = connection.arm.view(machine, "instanceView").await?;
        Ok(view.map(|view| view.power()))
    };
    let powers = clusters.iter().map(|cluster| try_join_all(cluster.machines.iter().map(&power)));
    let powers = try_join_all(powers).await?;
    // A machine that is gone since the list was made is none.
    Ok(clusters.into_iter().zip(powers.into_iter().map(|powers| powers.into_iter().flatten().collect())).collect())
}
