//! Who is asked about clusters, and what they say.

use futures::future::{join_all, try_join_all};

use super::super::arguments::{ConnectionArguments, ListArguments};
use super::super::connection::{Connection, connect_to, connect_to_emulator};
use super::super::{own_emulator, sign_in};
use super::kept::{Content, Kept};
use super::listed::{ClusterState, ListedCluster};
use crate::arm::{ArmError, ResourceId};
use crate::config::Values;
use crate::config::parameter::SUBSCRIPTION;
use crate::directory::{Cloud, ClusterPlace, StoredCluster};
use crate::execute::{OwnResources, TaggedCluster, look, powers, tagged_clusters};
use crate::local::{self, Emulator};
use crate::plan::{ResourceNames, carries_tag};
use crate::spec::AzureCloud;
use report::mark::DEGRADED;
use report::{Failure, Reporter, exit_code};

/// With the options that were given, which a hint of ours would lose.
const AGAIN: &str = "run the same command again";
/// Of a cluster whose own failure is told by itself.
const NOT_TOLD: &str = "it could not be told";

/// Everybody who can be asked.
pub(super) struct Asked {
    /// Why the emulator is not asked.
    emulator: Result<Connection, &'static str>,
    /// Azure's subscriptions.
    azure: Vec<Connection>,
    /// Why there are not more of them.
    without: Without,
}

/// Why a subscription of Azure's is not asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    /// `--local`.
    Unwanted,
    /// Another one was named.
    Another,
    /// It could not be, or nobody seems to have signed in.
    Unreached,
}

/// What is said of a cluster, and what went wrong.
pub(super) struct Answer {
    pub state: ClusterState,
    pub reason: Option<String>,
    pub failure: Option<Failure>,
}

impl Asked {
    /// Connects: to the emulator when it runs, and to Azure's subscription that is named or the default one, and those in which clusters
    /// are that have a directory here. What cannot be connected to is one of `failures`; mistakes of who called are an error.
    pub(super) async fn connect(
        arguments: &ListArguments,
        values: &Values,
        kept: &[Kept],
        failures: &mut Vec<Failure>,
        reporter: &Reporter,
    ) -> Result<Self, Failure> {
        let without = match (arguments.local, values.get(&SUBSCRIPTION)) {
            (true, _) => Without::Unwanted,
            (false, Some(_)) => Without::Another,
            (false, None) => Without::Unreached,
        };
        let mut asked = Self { emulator: Err("the local emulator does not run"), azure: Vec::new(), without };
        if without != Without::Unwanted {
            asked.connect_to_azure(values, kept, failures, reporter).await?;
        }
        let of_emulator = if arguments.local { values } else { &Values::default() };
        if let Some(emulator) = Emulator::find(&local::directory()?).await? {
            asked.emulator = match connect_to_emulator(emulator, of_emulator, reporter).await {
                Ok(connection) => Ok(connection),
                Err(failure) => {
                    failures.push(only_of_others(failure)?);
                    Err("the local emulator could not be asked")
                }
            };
        }
        Ok(asked)
    }

    async fn connect_to_azure(
        &mut self,
        values: &Values,
        kept: &[Kept],
        failures: &mut Vec<Failure>,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        let mut places: Vec<ClusterPlace> = Vec::new();
        for place in kept.iter().filter_map(azure_place) {
            if !places.iter().any(|known| known.subscription.eq_ignore_ascii_case(&place.subscription)) {
                places.push(place);
            }
        }
        if places.is_empty() && !sign_in::is_meant(values) {
            let why = "nobody here has signed in (`az login`); --local leaves it out";
            reporter.note(format!("{DEGRADED} Azure was not asked: {why}"));
            return Ok(());
        }
        let others = places.into_iter().filter(|_| self.without != Without::Another);
        let places = [None].into_iter().chain(others.map(Some));
        let arguments = ConnectionArguments { local: false, state_dir: None };
        for place in places {
            let is_asked_already = |place: &ClusterPlace| self.azure.iter().any(|asked| is_of(asked, place));
            if place.as_ref().is_some_and(is_asked_already) {
                continue;
            }
            match connect_to(&arguments, values, place.as_ref(), reporter).await {
                Ok(connection) => self.azure.push(connection),
                Err(failure) => {
                    let failure = only_of_others(failure)?;
                    let is_over = failure.exit_code() == exit_code::SIGN_IN && place.is_some();
                    failures.push(failure);
                    // Who is refused is refused everywhere.
                    if is_over {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// What is said of a cluster that has a directory here.
    pub(super) async fn about(&self, kept: &Kept) -> Answer {
        let unknown = |reason: String| Answer { state: ClusterState::Unknown, reason: Some(reason), failure: None };
        let stored = match &kept.content {
            Content::Settled(stored) => stored,
            Content::Damaged(why) => return unknown(why.clone()),
        };
        let connection = match stored.cloud {
            Cloud::Local => match own_emulator::elsewhere(stored) {
                Ok(Some(own)) => {
                    return unknown(format!(
                        "it is on another emulator: AZURE_LOCAL_DIR='{}' azure-coreos-cluster list --local",
                        own.display()
                    ));
                }
                Err(failure) => {
                    return Answer { failure: Some(failure), ..unknown(NOT_TOLD.to_owned()) };
                }
                Ok(None) => match &self.emulator {
                    Ok(connection) => connection,
                    Err(why) => return unknown((*why).to_owned()),
                },
            },
            Cloud::Azure => match self.azure.iter().find(|asked| is_of(asked, &stored.place())) {
                Some(connection) => connection,
                None => {
                    return unknown(match self.without {
                        Without::Unwanted => "--local leaves Azure out".to_owned(),
                        Without::Another => format!("it is in another subscription: {}", which(stored)),
                        Without::Unreached => "Azure could not be asked".to_owned(),
                    });
                }
            },
        };
        match told(connection, &kept.name, stored).await {
            Ok((state, reason)) => Answer { state, reason, failure: None },
            Err(failure) => Answer { failure: Some(failure), ..unknown(NOT_TOLD.to_owned()) },
        }
    }

    /// Clusters that are there and have no directory here.
    pub(super) async fn others(&self, kept: &[Kept], failures: &mut Vec<Failure>) -> Vec<ListedCluster> {
        let connections: Vec<&Connection> = self.emulator.iter().chain(&self.azure).collect();
        let mut all = Vec::new();
        for answer in join_all(connections.into_iter().map(|connection| tagged(connection, kept))).await {
            match answer {
                Ok((clusters, failed)) => {
                    all.extend(clusters);
                    failures.extend(failed);
                }
                Err(failure) => failures.push(failure),
            }
        }
        all
    }
}

/// A failure that is not a mistake of who called.
fn only_of_others(failure: Failure) -> Result<Failure, Failure> {
    match failure.exit_code() {
        exit_code::USAGE | exit_code::INVALID_SPEC => Err(failure),
        _ => Ok(failure),
    }
}

fn azure_place(kept: &Kept) -> Option<ClusterPlace> {
    match &kept.content {
        Content::Settled(stored) if stored.cloud == Cloud::Azure => Some(stored.place()),
        _ => None,
    }
}

fn is_of(connection: &Connection, place: &ClusterPlace) -> bool {
    connection.cloud == place.cloud && connection.subscription.eq_ignore_ascii_case(&place.subscription)
}

/// What leads to the cluster's subscription.
fn which(stored: &StoredCluster) -> String {
    let cloud = match stored.spec.cloud {
        AzureCloud::Public => String::new(),
        other => format!(" --cloud {other}"),
    };
    format!("--subscription {}{cloud}", stored.subscription)
}

/// What is said of a cluster by its machines, each asked for by its id; a list is not believed to lack one.
async fn told(
    connection: &Connection,
    name: &str,
    stored: &StoredCluster,
) -> Result<(ClusterState, Option<String>), Failure> {
    let azure = |error: ArmError| Failure::azure(error, AGAIN);
    let behind = connection.behind().await?;
    let names = ResourceNames::new(&connection.subscription, &stored.spec);
    let machines = look(&connection.arm, &stored.spec, &names, behind).await.map_err(azure)?;
    let powers: Vec<_> = machines.own.iter().map(|machine| machine.power.clone()).collect();
    let lost = machines.foreign.len();
    if lost > 0 {
        let reason = format!("{lost} of its machines have lost their tag: azure-coreos-cluster status {name}");
        let state = if powers.is_empty() { ClusterState::Unknown } else { ClusterState::PartlyRunning };
        return Ok((state, Some(reason)));
    }
    if powers.is_empty() && !is_anything_left(connection, stored).await.map_err(azure)? {
        return Ok((ClusterState::Gone, Some(format!("azure-coreos-cluster destroy {name} forgets it"))));
    }
    Ok(with_reason(ClusterState::of(&powers, Some(stored.spec.node_count))))
}

/// Whether any resource of the cluster exists, its group among them.
async fn is_anything_left(connection: &Connection, stored: &StoredCluster) -> Result<bool, ArmError> {
    let own = OwnResources::of_spec(&connection.subscription, &stored.spec);
    let ids: Vec<ResourceId> = own.expected().iter().cloned().chain([own.group()]).collect();
    let found = try_join_all(ids.iter().map(|id| connection.arm.get(id))).await?;
    Ok(found.iter().flatten().any(|resource| carries_tag(stored.spec.name.as_str(), resource)))
}

fn with_reason(state: ClusterState) -> (ClusterState, Option<String>) {
    (state, (state == ClusterState::Unknown).then(|| "nobody says whether its machines are on".to_owned()))
}

/// The clusters of a subscription that have no directory here, by their tag; with what could not be told of single ones.
async fn tagged(connection: &Connection, kept: &[Kept]) -> Result<(Vec<ListedCluster>, Vec<Failure>), Failure> {
    let azure = |error: ArmError| Failure::azure(error, AGAIN);
    let (cloud, subscription) = (connection.cloud, connection.subscription.to_string());
    let behind = connection.behind().await?;
    let mut clusters = tagged_clusters(&connection.arm, &connection.subscription).await.map_err(azure)?;
    clusters.retain(|found| {
        let is_kept = |kept: &Kept| kept.is(cloud, &subscription, &found.resource_group, &found.name);
        found.is_more_than_a_tag() && !kept.iter().any(is_kept)
    });
    let answers = join_all(clusters.iter().map(|found| powers(&connection.arm, &found.machines, behind))).await;
    let mut failures = Vec::new();
    let mut listed = Vec::new();
    for (TaggedCluster { name, resource_group, location, .. }, powers) in clusters.into_iter().zip(answers) {
        let (state, reason) = match powers {
            Ok(powers) => with_reason(ClusterState::of(&powers, None)),
            Err(error) => {
                failures.push(azure(error));
                (ClusterState::Unknown, Some(NOT_TOLD.to_owned()))
            }
        };
        listed.push(ListedCluster {
            name,
            cloud: Some(cloud),
            subscription: Some(subscription.clone()),
            resource_group: Some(resource_group),
            location,
            nodes: None,
            state,
            reason,
            directory: None,
        });
    }
    Ok((listed, failures))
}
