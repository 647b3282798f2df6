//! The steps of creating a cluster, in their order: each turns what the ones before it found into what the next one needs.

use std::collections::BTreeMap;

use super::super::arguments::CreateArguments;
use super::super::connection::Connection;
use super::super::first_failure::loosen;
use super::super::fitting_keys::check_for_later_machines;
use super::super::plan::{check_owner, text as show_plan};
use super::super::preflight;
use super::super::prepare::{Operator, Prepared};
use super::consent::{self, Proposal};
use crate::arm::{ArmError, ArmErrorKind};
use crate::config::parameter::BLOB_CONTAINER_URL;
use crate::directory::Cloud;
use crate::execute::{execute, gone, observe_settled, ssh_ports};
use crate::outputs::{self, Reached};
use crate::plan::{Action, Observed, Plan, ResourceNames, changes, desired};
use crate::readiness;
use crate::spec::Image;
use nodes::inventory::{Inventory, InventorySsh, SocketEndpoint};
use nodes::ssh::Identity;
use report::{Event, Failure, Reporter};

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
    check_owner(prepared, &desired, &observed)?;
    check_for_later_machines(connection, prepared).await?;
    let plan = crate::plan::plan(&prepared.spec, desired, &observed);
    announce(&plan, reporter);
    if prepared.values.get(&BLOB_CONTAINER_URL).is_some() && !matches!(prepared.spec.image, Image::Vhd(_)) {
        reporter.note(
            "▴ --blob-container-url: disks are managed today and lie in no container; only a VHD of your own does",
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
            let price = preflight::price(connection, prepared).await;
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
    let names = ResourceNames::new(&connection.subscription, spec);
    let address_id = names.public_ip_address();
    let reading = async { tokio::try_join!(connection.arm.get(&address_id), ssh_ports(&connection.arm, spec, &names)) };
    let (address, ssh_ports) = reading.await.map_err(|error| failure(prepared, vec![error]))?;
    let address = address.ok_or_else(|| failure(prepared, vec![gone(&address_id)]))?;
    let text = |pointer: &str| address.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned);
    let public_address = text("/properties/ipAddress").and_then(|text| text.parse().ok()).ok_or_else(|| {
        let found = address.pointer("/properties/ipAddress").unwrap_or(&serde_json::Value::Null);
        let message = format!(
            "the answer is not Azure Resource Manager's: `properties.ipAddress` is no address, found `{}`",
            report::printable(&found.to_string())
        );
        let error = ArmError::local(ArmErrorKind::NotAzure, format!("reading {address_id}"), message);
        failure(prepared, vec![error])
    })?;
    let (listeners, without_machines) = match &connection.emulator {
        Some(emulator) => (emulator.listeners().await?, !emulator.has_machines().await?),
        None => (Vec::new(), false),
    };
    // The emulator says where a port really listens; Azure's ports are where they are.
    let of_cluster = listeners.iter().filter(|listener| listener.public.ip() == public_address);
    let substitutes: BTreeMap<u16, SocketEndpoint> = of_cluster
        .filter_map(|listener| {
            let bound = listener.bound?;
            Some((listener.public.port(), SocketEndpoint { host: bound.ip().to_string(), port: bound.port() }))
        })
        .collect();
    let reached = Reached {
        public_address,
        fqdn: text("/properties/dnsSettings/fqdn"),
        ssh_ports,
        substitutes,
        without_machines,
    };
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

/// Waits for the machines, unless nobody wants to or nothing on them is ours.
pub(super) async fn wait_until_ready(
    prepared: &Prepared,
    inventory: &Inventory,
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<(), Failure> {
    if prepared.spec.custom_data_only {
        reporter.note(
            "▴ the machines have nothing of ours, not even their host keys: whether they are ready is yours to ask",
        );
        return Ok(());
    }
    if inventory.without_machines {
        reporter.note("▴ the local emulator has no machines (--vms none): there is nothing to wait for");
        return Ok(());
    }
    if arguments.no_wait {
        return Ok(());
    }
    let identity = Identity::load(inventory.ssh.identity.as_deref());
    let identity = identity.map_err(|error| Failure::Other(anyhow::Error::new(error)))?;
    readiness::wait_until_ready(inventory, &identity, prepared.spec.user_data_format, reporter).await
}
