//! `preflight NAME`: whether Azure would refuse, without writing anything; and the same before a cluster is made.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use serde::Serialize;

use super::arguments::ClusterArguments;
use super::connection::{Connection, connect};
use super::prepare::{Asked, Prepared, one_kind_of_output, prepare, reporter};
use crate::config::parameter::{ACCEPT_TERMS, SKIP_PREFLIGHT, VIRTUAL_NETWORK_NAME};
use crate::directory::Cloud;
use crate::execute::observe;
use crate::plan::{Observed, ResourceNames, desired};
use crate::preflight::{
    Estimate, ImageAnswer, NodeAddresses, PRICE_LIST, Preflight, accept, addresses, estimate, image_facts,
    judge_user_data, preflight, read_terms, register, unregistered,
};
use crate::spec::{Answers, ClusterSpec, ImagePlan};
use diagnostics::{Origin, Problems};
use report::mark::{DEGRADED, GOOD};
use report::output;
use report::{Failure, Reporter};
use report::{Finding, Severity};

/// What programs read.
#[derive(Serialize)]
struct Report {
    findings: Vec<Finding>,
    /// Providers that creation would register.
    unregistered: Vec<&'static str>,
    /// At list price; absent when the list is not reachable.
    estimate: Option<Estimate>,
}

/// Runs the command: 5 when Azure would refuse.
pub(super) async fn run(arguments: ClusterArguments) -> Result<(), Failure> {
    one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let asked = prepare(&arguments)?;
    super::discovery::check_token(&asked, &reporter).await?;
    super::discovery::note_request(&asked, &reporter);
    let connection = connect(&arguments.connection, &asked.values, asked.stored.as_ref(), &reporter).await?;
    let answers = ask(&connection, &asked).await?;
    let prepared = asked.settle_for_show(answers)?;
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let desired = desired(&prepared.spec, &names, &prepared.first_boots);
    let hint = format!("azure-coreos-cluster preflight {}", prepared.spec.name);
    let refused = |error| Failure::azure(error, hint.clone());
    let observed = observe(&connection.arm, &desired, prepared.before()).await.map_err(refused)?;
    super::plan::check_owner(&connection, &prepared, &desired, &observed)?;
    let (found, estimate) = tokio::join!(look(&connection, &prepared, &observed), price(&connection, &prepared.spec));
    let found = found?;
    let text = text(&found, estimate.as_ref(), &prepared);
    let refusals = refusals(&found);
    let report = Report { findings: found.findings, unregistered: found.unregistered, estimate };
    output::result(arguments.output.output, &report, &text)?;
    if refusals.is_empty() { Ok(()) } else { Err(Failure::Preflight { findings: refusals }) }
}

/// Asks Azure for what the spec leaves open: which plan the image wants, and which addresses are free in a network that
/// exists. A network that does not exist is a mistake of the spec; an image, a finding of the preflight.
pub(super) async fn ask(connection: &Connection, asked: &Asked) -> Result<Answers, Failure> {
    let image_plan = image_plan(connection, asked).await?;
    Ok(Answers { image_plan, addresses: node_addresses(connection, asked).await?, token: None })
}

async fn image_plan(connection: &Connection, asked: &Asked) -> Result<Option<ImagePlan>, Failure> {
    let spec = &asked.spec;
    // An image that machines were made from may be withdrawn; it must exist only where machines are to be made.
    if asked.stored.as_ref().is_some_and(|stored| stored.spec.image == spec.image) {
        return Ok(None);
    }
    let found = image_facts(&connection.arm, &connection.subscription, spec).await;
    match found.map_err(|error| Failure::azure(error, format!("azure-coreos-cluster {}", spec.name)))? {
        ImageAnswer::Found(facts) => Ok(facts.plan),
        ImageAnswer::Absent | ImageAnswer::Unreadable => Ok(None),
    }
}

async fn node_addresses(connection: &Connection, asked: &Asked) -> Result<Vec<Ipv4Addr>, Failure> {
    let spec = &asked.spec;
    let Some(existing) = spec.existing_network.as_ref().filter(|_| !spec.has_addresses()) else {
        return Ok(Vec::new());
    };
    let mut problems = Problems::new();
    // Whose addresses end when it grows was named by the run that made it.
    let origin = || match asked.values.origin(&VIRTUAL_NETWORK_NAME) {
        Origin::Default => Origin::EarlierRun,
        given => given,
    };
    if let Some(other) =
        existing.network.subscription.as_ref().filter(|one| !one.eq_ignore_ascii_case(&connection.subscription))
    {
        let message = format!("it is in subscription `{other}`, the cluster in `{}`", connection.subscription);
        let hint = "machines take addresses in networks of their own subscription only";
        problems.add_with_hint(origin(), message, hint);
        return Err(problems.into());
    }
    let id = ResourceNames::new(&connection.subscription, spec).existing_network(existing);
    let found = addresses(&connection.arm, &id, spec, existing).await;
    let hint = format!("azure-coreos-cluster {}", spec.name);
    match found.map_err(|error| Failure::azure(error, hint))? {
        NodeAddresses::Known(addresses) => Ok(addresses),
        NodeAddresses::Refused(messages) => {
            let hint = "az network vnet list --output table; az network vnet subnet list";
            for message in messages {
                problems.add_with_hint(origin(), message, hint);
            }
            Err(problems.into())
        }
    }
}

/// Registers what clusters are made of, before anything else is asked of it; `with_plan` when the image asks for terms. Who
/// has a cluster has them.
pub(super) async fn register_providers(
    connection: &Connection,
    asked: &Asked,
    with_plan: bool,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if asked.values.is_on(&SKIP_PREFLIGHT) || asked.stored.is_some() {
        return Ok(());
    }
    let (arm, subscription) = (&connection.arm, &connection.subscription);
    let registering = async {
        let missing = unregistered(arm, subscription, with_plan).await?;
        register(arm, subscription, &missing, reporter).await
    };
    let hint = format!("azure-coreos-cluster {} goes on from here", asked.spec.name);
    registering.await.map_err(|error| Failure::azure(error, hint))
}

/// What creation asks first: refusals end it; terms are accepted, where the user said so.
pub(super) async fn before_creation(
    connection: &Connection,
    prepared: &Prepared,
    observed: &Observed,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if prepared.values.is_on(&SKIP_PREFLIGHT) {
        // Azure is not asked about it, and does not see it either: machines would be paid for and never come up.
        let refusals = judge_user_data(&prepared.spec);
        if !refusals.is_empty() {
            return Err(Failure::Preflight { findings: refusals });
        }
        return accept_terms(connection, prepared, reporter).await;
    }
    let found = look(connection, prepared, observed).await?;
    tell_warnings(&found, reporter);
    let refusals = refusals(&found);
    if !refusals.is_empty() {
        return Err(Failure::Preflight { findings: refusals });
    }
    let hint = format!("azure-coreos-cluster {} goes on from here", prepared.spec.name);
    let refused = |error| Failure::azure(error, hint.clone());
    let (arm, subscription) = (&connection.arm, &connection.subscription);
    if let (Some(plan), Some(terms)) = (&prepared.spec.image_plan, found.terms) {
        accept(arm, subscription, plan, terms).await.map_err(refused)?;
        reporter.note(format!("{GOOD} terms of {}: accepted for this subscription", plan.product));
    }
    Ok(())
}

/// Accepts the terms of the image unseen: the user said so.
async fn accept_terms(connection: &Connection, prepared: &Prepared, reporter: &Reporter) -> Result<(), Failure> {
    let Some(plan) = prepared.spec.image_plan.as_ref().filter(|_| prepared.values.is_on(&ACCEPT_TERMS)) else {
        return Ok(());
    };
    let (arm, subscription) = (&connection.arm, &connection.subscription);
    let accepting = async {
        match read_terms(arm, subscription, plan).await? {
            Some(terms) if !terms.accepted => accept(arm, subscription, plan, terms).await.map(|()| true),
            _ => Ok(false),
        }
    };
    let hint = format!("azure-coreos-cluster {} goes on from here", prepared.spec.name);
    if accepting.await.map_err(|error| Failure::azure(error, hint))? {
        reporter.note(format!("{GOOD} terms of {}: accepted for this subscription", plan.product));
    }
    Ok(())
}

async fn look(connection: &Connection, prepared: &Prepared, observed: &Observed) -> Result<Preflight, Failure> {
    let accept_terms = prepared.values.is_on(&ACCEPT_TERMS);
    let found = preflight(&connection.arm, &connection.subscription, &prepared.spec, observed, accept_terms).await;
    found.map_err(|error| Failure::azure(error, "--skip-preflight goes on without asking"))
}

/// The list price of the spec's machines; none when it is not known.
pub(super) async fn price(connection: &Connection, spec: &ClusterSpec) -> Option<Estimate> {
    let list = match (&connection.emulator, connection.cloud) {
        (Some(emulator), _) => format!("{}/azure-local/retail/prices", emulator.base),
        (None, Cloud::Azure) => PRICE_LIST.to_owned(),
        (None, Cloud::Local) => return None,
    };
    estimate(&list, spec).await
}

/// What Azure would refuse; what it would only warn of is told.
pub(super) async fn refusals_of(
    connection: &Connection,
    prepared: &Prepared,
    observed: &Observed,
    reporter: &Reporter,
) -> Result<Vec<Finding>, Failure> {
    let found = look(connection, prepared, observed).await?;
    tell_warnings(&found, reporter);
    for namespace in &found.unregistered {
        reporter.note(format!("{DEGRADED} provider {namespace}: not registered; creation registers it"));
    }
    Ok(refusals(&found))
}

fn tell_warnings(found: &Preflight, reporter: &Reporter) {
    for finding in found.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        reporter.note(format!("{DEGRADED} {finding}; {}", finding.remedy));
    }
}

fn refusals(found: &Preflight) -> Vec<Finding> {
    found.findings.iter().filter(|finding| finding.severity == Severity::Refusal).cloned().collect()
}

fn text(found: &Preflight, estimate: Option<&Estimate>, prepared: &Prepared) -> String {
    let mut text = String::new();
    for finding in found.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        let _ = writeln!(text, "{DEGRADED} {finding}\n    {}", finding.remedy);
    }
    for namespace in &found.unregistered {
        let _ = writeln!(text, "{DEGRADED} provider {namespace}: not registered; creation registers it");
    }
    if let Some(estimate) = estimate {
        let _ = writeln!(text, "{GOOD} estimate: {}", estimate.text(prepared.spec.vm_size.as_str()));
    }
    if !found.is_refused() {
        let _ = writeln!(text, "{GOOD} Azure would refuse nothing of what was looked at");
    }
    text
}
