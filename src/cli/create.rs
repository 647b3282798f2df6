//! `azure-coreos-cluster NAME`: from nothing, or from what is there, to a cluster that is ready.

use std::io::IsTerminal as _;
use std::net::Ipv4Addr;
use std::time::Instant;

use super::arguments::{ClusterArguments, CreateArguments};
use super::connection::{Connection, connect};
use super::prepare::{Prepared, prepare, reporter};
use crate::arm::ArmError;
use crate::config::parameter::BLOB_CONTAINER_URL;
use crate::directory::{Cloud, DirectoryLock};
use crate::execute::{execute, observe_settled, ssh_ports};
use crate::outputs::{self};
use crate::plan::{Action, Plan, ResourceNames, desired, plan};
use crate::readiness;
use crate::spec::{Image, Node};
use nodes::inventory::{DnsRecord, Inventory, InventoryNode, InventoryPort, InventorySsh, SocketEndpoint};
use nodes::ssh::Identity;
use report::output;
use report::{Event, Failure, Reporter, exit_code};

/// Runs the command.
pub async fn run(cluster: ClusterArguments, arguments: CreateArguments) -> Result<(), Failure> {
    super::prepare::one_kind_of_output(&cluster.output)?;
    let reporter = reporter(&cluster.output)?;
    let start = Instant::now();
    // An end by the user is an event too.
    let hint = format!("azure-coreos-cluster {} goes on from here", cluster.name());
    let result = report::command::unless_interrupted(&hint, create(&cluster, &arguments, &reporter)).await;
    reporter.finish();
    let code = result.as_ref().err().map_or(exit_code::DONE, Failure::exit_code);
    reporter.event(Event::Finished { exit_code: code, seconds: start.elapsed().as_secs_f64() });
    let inventory = result?;
    output::result(cluster.output.output, &inventory, &outputs::summary(&inventory))
}

async fn create(
    cluster: &ClusterArguments,
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<Inventory, Failure> {
    // Everything that can be wrong is found before anything is written; keys are read again under the lock.
    let mut prepared = prepare(cluster)?;
    super::discovery::check_token(&prepared, reporter).await?;
    let connection = connect(&cluster.connection, &prepared.values, prepared.stored.as_ref(), reporter).await?;
    let name = prepared.spec.name.to_string();
    let hint = move |error: &ArmError| remedy(&name, error);
    let refused = |error: ArmError| Failure::azure(error.clone(), hint(&error));

    super::preflight::register_providers(&connection, &prepared, reporter).await?;
    super::preflight::settle(&connection, &mut prepared).await?;
    if prepared.spec.image_plan.is_some() {
        super::preflight::register_providers(&connection, &prepared, reporter).await?;
    }
    // Whether the key can be used is known before there are machines that wait for it.
    let identity = Identity::load(prepared.identity().filter(|file| file.exists()).as_deref());
    let identity = identity.map_err(|error| Failure::Usage(error.to_string()))?;
    if !arguments.no_wait && prepared.needs_agent() && matches!(identity, Identity::Agent) {
        Identity::check_agent().await.map_err(|error| Failure::Usage(error.to_string()))?;
    }
    let token = super::discovery::request_token(&prepared, reporter).await?;
    prepared.directory.create()?;
    let _lock = DirectoryLock::acquire(&prepared.directory)?;
    super::status::tell_damage(&prepared.directory, reporter);
    let asked = prepared.spec;
    let mut prepared = prepare(cluster)?;
    prepared.adopt(&asked)?;
    prepared.take_token(token)?;
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let desired = desired(&prepared.spec, &names, &prepared.first_boots);
    let observed = observe_settled(&connection.arm, &desired, reporter).await.map_err(refused)?;
    if let Err(failure) = super::plan::check_owner(&prepared, &desired, &observed) {
        prepared.directory.remove_unused()?;
        return Err(failure);
    }
    super::fitting_keys::check_for_later_machines(&connection, &prepared).await?;
    let plan = plan(&prepared.spec, desired, &observed);
    announce(&plan, reporter);
    if prepared.values.get(&BLOB_CONTAINER_URL).is_some() && !matches!(prepared.spec.image, Image::Vhd(_)) {
        reporter.note(
            "▴ --blob-container-url: disks are managed today and lie in no container; only a VHD of your own does",
        );
    }
    if plan.count(|action| matches!(action, Action::Create | Action::Replace { .. })) > 0 {
        let asked = super::preflight::before_creation(&connection, &prepared, &observed, reporter).await;
        if let Err(failure) = asked {
            prepared.directory.remove_unused()?;
            return Err(failure);
        }
    }
    if connection.cloud == Cloud::Azure && !arguments.yes {
        confirm_updates(&plan).await?;
    }
    prepared.store(&connection.subscription)?;
    if let Err(errors) = execute(&connection.arm, plan, reporter).await {
        super::first_failure::loosen(&connection, &prepared, &errors, reporter).await?;
        let mut hints: Vec<String> = errors.iter().map(hint).collect();
        hints.sort_unstable();
        hints.dedup();
        let hint = hints.join("\nhint: ");
        return Err(Failure::azure_all(errors, hint));
    }
    let inventory = inventory(&connection, &prepared, &names).await?;
    write(&prepared, &inventory)?;
    if prepared.spec.custom_data_only {
        reporter.note(
            "▴ the machines have nothing of ours, not even their host keys: whether they are ready is yours to ask",
        );
    } else if !arguments.no_wait {
        let identity = Identity::load(inventory.ssh.identity.as_deref());
        let identity = identity.map_err(|error| Failure::Other(anyhow::Error::new(error)))?;
        readiness::wait_until_ready(&inventory, &identity, prepared.spec.user_data_format, reporter).await?;
    }
    Ok(inventory)
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

/// Asks before resources that exist are changed; only where somebody can answer.
async fn confirm_updates(plan: &Plan) -> Result<(), Failure> {
    let updates = plan.count(|action| matches!(action, Action::Update { .. } | Action::Replace { .. }));
    if updates == 0 || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    if report::confirm(&format!("change {updates} resources that exist?")).await? {
        Ok(())
    } else {
        Err(Failure::Usage("nothing was changed".into()))
    }
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

async fn inventory(connection: &Connection, prepared: &Prepared, names: &ResourceNames) -> Result<Inventory, Failure> {
    let spec = &prepared.spec;
    let refused = |error: ArmError| Failure::azure(error.clone(), remedy(spec.name.as_str(), &error));
    let address_id = names.public_ip_address();
    let reading = async { tokio::try_join!(connection.arm.get(&address_id), ssh_ports(&connection.arm, spec, names)) };
    let (address, ports) = reading.await.map_err(refused)?;
    let address = address.unwrap_or_default();
    let text = |pointer: &str| address.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned);
    let public_address: Ipv4Addr = text("/properties/ipAddress")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::Other(anyhow::anyhow!("Azure returned the public IP address without an address")))?;
    let listeners = match &connection.emulator {
        Some(emulator) => emulator.listeners().await?,
        None => Vec::new(),
    };
    // The emulator says where a port really listens; Azure's ports are where they are.
    let endpoint = |port: u16| {
        let bound =
            listeners.iter().find(|listener| listener.public.ip() == public_address && listener.public.port() == port);
        match bound.and_then(|listener| listener.bound) {
            Some(bound) => SocketEndpoint { host: bound.ip().to_string(), port: bound.port() },
            None => SocketEndpoint { host: public_address.to_string(), port },
        }
    };
    let node = |node: Node| InventoryNode {
        ssh: endpoint(ports[&node.name]),
        host_key: prepared.material.node(&node.name).ssh_host_key.public.trim().to_owned(),
        private_address: node.address,
        etcd_member: node.etcd_member,
        data_disk: spec.data_disk_gib.is_some(),
        name: node.name,
    };
    let inventory_ports: Vec<InventoryPort> = spec
        .open_ports
        .iter()
        .map(|port| InventoryPort { name: port.name.clone(), port: port.port, endpoint: endpoint(port.port) })
        .collect();
    let record =
        |name: &str| DnsRecord { name: name.into(), record_type: "A".into(), value: public_address.to_string() };
    let dns_records = if inventory_ports.is_empty() { Vec::new() } else { vec![record("@"), record("*")] };
    Ok(Inventory {
        name: spec.name.to_string(),
        cloud: connection.cloud.as_str().into(),
        subscription: connection.subscription.to_string(),
        resource_group: spec.resource_group.to_string(),
        location: spec.location.to_string(),
        public_address,
        fqdn: text("/properties/dnsSettings/fqdn"),
        ssh: InventorySsh {
            user: "core".into(),
            identity: prepared.identity(),
            config: prepared.directory.ssh_config(),
            known_hosts: prepared.directory.known_hosts(),
        },
        nodes: spec.nodes().into_iter().map(node).collect(),
        ports: inventory_ports,
        dns_records,
    })
}

fn write(prepared: &Prepared, inventory: &Inventory) -> Result<(), Failure> {
    prepared.directory.store_inventory(inventory)?;
    Ok(())
}
