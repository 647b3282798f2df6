//! From parameters and environment to a signed-in client: Azure, or the local emulator.

use std::sync::Arc;
use std::time::Duration;

use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};

use super::arguments::ConnectionArguments;
use super::{sign_in, subscription};
use crate::arm::{Arm, ArmError, ArmErrorKind, ChosenCredential, Endpoint, Patience, Subscription, Wait, WaitListener};
use crate::config::Values;
use crate::directory::{Cloud, ClusterPlace, StoredCluster};
use crate::execute::Behind;
use crate::local::{self, Emulator};
use crate::spec::SubscriptionId;
use report::mark::DEGRADED;

/// Seconds that one answer of Azure may take.
const ANSWER_TIMEOUT: &str = "AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT";

/// A client and what it is a client of.
pub(super) struct Connection {
    pub arm: Arm,
    pub cloud: Cloud,
    pub subscription: SubscriptionId,
    /// Who is signed in; nobody needs to be for the emulator.
    pub credential: Option<ChosenCredential>,
    pub account: Subscription,
    /// The emulator, when that is what we talk to.
    pub emulator: Option<Emulator>,
}

impl Connection {
    /// What is behind its virtual machines.
    pub(super) async fn behind(&self) -> Result<Behind, Failure> {
        Ok(match &self.emulator {
            Some(emulator) if !emulator.has_machines().await? => Behind::Nothing,
            _ => Behind::Machines,
        })
    }
}

/// Which cloud a command is about: what was asked, else where the cluster is.
pub(super) fn cloud(arguments: &ConnectionArguments, place: Option<&ClusterPlace>) -> Result<Cloud, Failure> {
    match (arguments.local, place.map(|place| place.cloud)) {
        (true, Some(Cloud::Azure)) => {
            Err(Failure::Usage("the cluster was created on Azure; leave `--local` out, or use another name".into()))
        }
        (true, _) => Ok(Cloud::Local),
        (false, Some(cloud)) => Ok(cloud),
        (false, None) => Ok(Cloud::Azure),
    }
}

/// Signs in, and makes sure that the subscription is there. Starts the emulator when it is needed.
pub(super) async fn connect(
    arguments: &ConnectionArguments,
    values: &Values,
    stored: Option<&StoredCluster>,
    reporter: &Reporter,
) -> Result<Connection, Failure> {
    connect_to(arguments, values, stored.map(StoredCluster::place).as_ref(), reporter).await
}

/// Like [`connect`], to where a cluster is of which no more is known.
pub(super) async fn connect_to(
    arguments: &ConnectionArguments,
    values: &Values,
    place: Option<&ClusterPlace>,
    reporter: &Reporter,
) -> Result<Connection, Failure> {
    let mut problems = Problems::new();
    let patience = patience(&mut problems);
    let listener = Arc::new(ToldToPeople(reporter.clone()));
    match cloud(arguments, place)? {
        Cloud::Local => {
            let named = subscription::named(values, place, &mut problems)?;
            sign_in::check(values, &mut problems);
            none_of(problems)?;
            let subscription = named.map_or_else(emulators_own, Ok)?;
            // A place that cannot be told is a matter of usage.
            local::directory()?;
            let emulator = super::local::ensure_running(reporter).await?;
            of_emulator(emulator, subscription, patience, listener).await
        }
        Cloud::Azure => {
            let azure_cloud = sign_in::azure_cloud(values, place, &mut problems);
            let named = match subscription::named(values, place, &mut problems)? {
                None if problems.is_empty() => subscription::of_environment(reporter, &mut problems),
                named => named,
            };
            let who = sign_in::read(values, azure_cloud, &mut problems);
            none_of(problems)?;
            let chosen = sign_in::choose(who)?;
            let arm = Arm::new(&Endpoint::azure(azure_cloud, chosen.credential.clone())?, patience, listener);
            let hint = |error: &ArmError| sign_in::hint(error, &chosen);
            let subscription = match named {
                Some(subscription) => subscription,
                None => subscription::only(&arm, &hint).await?,
            };
            let account = account(&arm, &subscription, &hint).await?;
            Ok(Connection { arm, cloud: Cloud::Azure, subscription, credential: Some(chosen), account, emulator: None })
        }
    }
}

/// Like [`connect`], to an emulator that runs, whatever is known of clusters.
pub(super) async fn connect_to_emulator(
    emulator: Emulator,
    values: &Values,
    reporter: &Reporter,
) -> Result<Connection, Failure> {
    let mut problems = Problems::new();
    let patience = patience(&mut problems);
    let named = subscription::named(values, None, &mut problems)?;
    sign_in::check(values, &mut problems);
    none_of(problems)?;
    let subscription = named.map_or_else(emulators_own, Ok)?;
    of_emulator(emulator, subscription, patience, Arc::new(ToldToPeople(reporter.clone()))).await
}

fn emulators_own() -> Result<SubscriptionId, Failure> {
    Ok(local::SUBSCRIPTION.parse().map_err(anyhow::Error::new)?)
}

async fn of_emulator(
    emulator: Emulator,
    subscription: SubscriptionId,
    patience: Patience,
    listener: Arc<ToldToPeople>,
) -> Result<Connection, Failure> {
    let arm = Arm::new(&Endpoint::local(&emulator.base, emulator.authorization())?, patience, listener);
    let hint = "azure-coreos-cluster local status";
    let account = account(&arm, &subscription, &|_| hint.to_owned()).await?;
    Ok(Connection { arm, cloud: Cloud::Local, subscription, credential: None, account, emulator: Some(emulator) })
}

/// Tells people of waits for Azure.
#[derive(Debug)]
struct ToldToPeople(Reporter);

impl WaitListener for ToldToPeople {
    fn waiting(&self, wait: &Wait) {
        self.0.note(format!("{DEGRADED} {wait}"));
    }
}

fn none_of(problems: Problems) -> Result<(), Failure> {
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// How long Azure is waited for: as the program has it, but for what the environment says of one answer.
fn patience(problems: &mut Problems) -> Patience {
    let patience = Patience::default();
    let Some(text) = std::env::var_os(ANSWER_TIMEOUT).filter(|text| !text.is_empty()) else { return patience };
    match text.to_str().and_then(|text| text.parse().ok()).filter(|seconds| (1..=3600).contains(seconds)) {
        Some(seconds) => Patience { answer: Duration::from_secs(seconds), ..patience },
        None => {
            let message = format!("must be whole seconds, 1 to 3600, found `{}`", text.display());
            problems.add(Origin::Environment(ANSWER_TIMEOUT.into()), message);
            patience
        }
    }
}

async fn account(
    arm: &Arm,
    subscription: &SubscriptionId,
    hint: &dyn Fn(&ArmError) -> String,
) -> Result<Subscription, Failure> {
    match arm.subscription(subscription).await.map_err(|error| Failure::azure(error.clone(), hint(&error)))? {
        Some(account) => Ok(account),
        None => {
            let message = format!("subscription `{subscription}` does not exist, or you may not see it");
            let error = ArmError::local(ArmErrorKind::SignIn, "reading the subscription", message);
            let hint = hint(&error);
            Err(Failure::azure(error, hint))
        }
    }
}
