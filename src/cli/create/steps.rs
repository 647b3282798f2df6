//! The steps of creating a cluster, in their order: each turns what the ones before it found into what the next one needs.

use std::collections::BTreeSet;

use super::super::arguments::CreateArguments;
use super::super::connection::Connection;
use super::super::first_failure::loosen;
use super::super::fitting_keys::check_for_later_machines;
use super::super::plan::{check_owner, text as show_plan};
use super::super::prepare::{Operator, Prepared};
use super::super::{preflight, reached, ready};
use super::consent::{self, Proposal};
use crate::arm::{ArmError, ResourceId};
use crate::config::parameter::BLOB_CONTAINER_URL;
use crate::directory::Cloud;
use crate::execute::{execute, observe_settled, off};
use crate::outputs;
use crate::plan::{Action, Observed, Plan, ResourceNames, changes, desired};
use crate::readiness::Awaited;
use crate::spec::Image;
use nodes::inventory::{Inventory, InventorySsh};
use nodes::ssh::Identity;
use report::mark::DEGRADED;
use report::{Event, Failure, Reporter, first_few};

/// Machines that a note names.
const MOST_OFF_SHOWN: usize = 5;

/// Whether the key can be used is known before there are machines that wait for it.
pub(super) async fn check_identity(operator: &Operator, arguments: &CreateArguments) -> Result<(), Failure> {
    let identity = Identity::load(operator.identity().filter(|file| file.exists()).as_deref());
    let identity = identity.map_err(|error| Failure::Usage(error.to_string()))?;
    if !arguments.no_wait && operator.needs_agent() && matches!(identity, Identity::Agent) {
        Identity::check_agent().await.map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(())
}

/// What there is to do, held against what Azure has; told.
pub(super) async fn plan(
    connection: &Connection,
    prepared: &Prepared,
    reporter: &Reporter,
) -> Result<(Plan, Observed), Failure> {
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let desired = desired(&prepared.spec, &names, &prepared.first_boots);
    let observed = observe_settled(&connection.arm, &desired, prepared.before(), reporter).await;
    let observed = observed.map_err(|error| failure(prepared, vec![error]))?;
    check_owner(connection, prepared, &desired, &observed)?;
    check_for_later_machines(connection, &prepared.spec, &prepared.directory).await?;
    let plan = crate::plan::plan(&prepared.spec, desired, &observed).map_err(|error| failure(prepared, vec![error]))?;
    announce(&plan, reporter);
    if prepared.values.get(&BLOB_CONTAINER_URL).is_some() && !matches!(prepared.spec.image, Image::Vhd(_)) {
        reporter.note(
            format!("{DEGRADED} --blob-container-url: disks are managed today and lie in no container; only a VHD of your own does"),
        );
    }
    Ok((plan, observed))
}

/// Asks what must be asked before anything is written.
pub(super) async fn agree(
    connection: &Connection,
    prepared: &Prepared,
    plan: &Plan,
    yes: bool,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let spec = &prepared.spec;
    let changes = &changes(prepared.stored.as_ref().map(|stored| &stored.spec), spec, plan);
    for words in changes.iter() {
        reporter.note(format!("  {words}"));
    }
    let on_azure = connection.cloud == Cloud::Azure;
    let is_asked = on_azure && prepared.stored.is_none() && !yes && consent::somebody_is_there();
    let new_cluster = match is_asked {
        true => {
            reporter.note(show_plan(plan, changes));
            let price = preflight::price(connection, spec).await;
            let price =
                price.map_or("at a price that is not known here".into(), |price| price.text(spec.vm_size.as_str()));
            Some(format!("cluster {} in {}, {price}", spec.name, spec.location))
        }
        false => None,
    };
    consent::obtain(Proposal { plan, changes, on_azure, new_cluster }, yes).await
}

fn announce(plan: &Plan, reporter: &Reporter) {
    reporter.event(Event::Plan {
        create: plan.count(|action| matches!(action, Action::Create | Action::Replace { .. })),
        update: plan.count(|action| matches!(action, Action::Update { .. })),
        wait: plan.count(|action| matches!(action, Action::Wait { .. })),
        keep: plan.count(|action| matches!(action, Action::Keep { .. })),
    });
    for step in &plan.steps {
        for note in step.action.notes() {
            reporter.note(format!("  {}: {note}", step.id));
        }
    }
}

/// Sends what the plan says. What a first run settled that failed does not bind the next one more than it must.
pub(super) async fn carry_out(
    connection: &Connection,
    prepared: &Prepared,
    plan: Plan,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let Err(errors) = execute(&connection.arm, plan, reporter).await else { return Ok(()) };
    loosen(connection, prepared, &errors, reporter).await?;
    Err(failure(prepared, errors))
}

/// Azure's errors, each with what to run next.
fn failure(prepared: &Prepared, errors: Vec<ArmError>) -> Failure {
    let mut hints: Vec<String> = errors.iter().map(|error| remedy(prepared.spec.name.as_str(), error)).collect();
    hints.sort_unstable();
    hints.dedup();
    Failure::azure_all(errors, hints.join("\nhint: "))
}

/// What to run next.
fn remedy(name: &str, error: &ArmError) -> String {
    let again = format!("azure-coreos-cluster {name}");
    if error.is_quota() {
        format!("ask for more quota or choose another --vm-size, then `{again}` goes on from here")
    } else if error.has_code("DnsRecordInUse") {
        format!("the name is taken in this region: `azure-coreos-cluster destroy {name}`, then choose another NAME")
    } else if ["MissingSubscriptionRegistration", "NoRegisteredProviderFound"].iter().any(|code| error.has_code(code)) {
        format!(
            "az provider register --wait --namespace Microsoft.Network, and Microsoft.Compute; \
             then `{again}` goes on from here"
        )
    } else if error.has_code("OSProvisioningTimedOut") || error.has_code("OSProvisioningClientError") {
        format!("azure-coreos-cluster status {name} shows the machine's console")
    } else {
        format!("`{again}` goes on from here; what was made stays")
    }
}

/// What was made, and how it is reached.
pub(super) async fn inventory(connection: &Connection, prepared: &Prepared) -> Result<Inventory, Failure> {
    let spec = &prepared.spec;
    let reached = reached::read(connection, spec, |error| failure(prepared, vec![error])).await?;
    let ssh = InventorySsh {
        user: "core".into(),
        identity: prepared.identity(),
        config: prepared.directory.ssh_config(),
        known_hosts: prepared.directory.known_hosts(),
    };
    let cloud = connection.cloud.as_str();
    Ok(outputs::inventory(spec, &prepared.material, cloud, &connection.subscription, ssh, &reached))
}

/// Keeps what the user goes on with.
pub(super) fn write(prepared: &Prepared, inventory: &Inventory) -> Result<(), Failure> {
    prepared.directory.store_inventory(inventory)?;
    Ok(())
}

/// Machines that this run leaves as they are, and which may be off.
pub(super) fn kept_machines(plan: &Plan) -> Vec<ResourceId> {
    let kept = plan.steps.iter().filter(|step| matches!(step.action, Action::Keep { .. }));
    kept.filter(|step| step.id.is_virtual_machine()).map(|step| step.id.clone()).collect()
}

/// Names of the machines that this run makes.
pub(super) fn new_machines(plan: &Plan) -> BTreeSet<String> {
    let made = plan.steps.iter().filter(|step| matches!(step.action, Action::Create | Action::Replace { .. }));
    made.filter(|step| step.id.is_virtual_machine()).map(|step| step.id.name().to_owned()).collect()
}

/// Nobody waits for machines that are off: an error that says what starts them, or a note to whoever does not wait.
pub(super) async fn check_power(
    connection: &Connection,
    prepared: &Prepared,
    kept: &[ResourceId],
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let off = off(&connection.arm, kept).await.map_err(|error| failure(prepared, vec![error]))?;
    if off.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = off.iter().map(|(id, power)| format!("{id} is {power}")).collect();
    let remedy = format!("`azure-coreos-cluster start {}` starts what does not run", prepared.spec.name);
    if arguments.no_wait {
        reporter.note(format!("{DEGRADED} {}; {remedy}", first_few(&reasons, MOST_OFF_SHOWN)));
        return Ok(());
    }
    Err(Failure::Unhealthy { reasons, hint: remedy })
}

/// Waits for the machines, unless nobody wants to or nothing on them is ours.
pub(super) async fn wait_until_ready(
    prepared: &Prepared,
    inventory: &Inventory,
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<(), Failure> {
    // That nothing can be asked is told also to those who do not wait.
    if arguments.no_wait && ready::unasked(&prepared.spec, inventory).is_none() {
        return Ok(());
    }
    ready::wait(&prepared.spec, inventory, Awaited::AllNodes, reporter).await
}
