//! Virtual machines in motion: the resource becomes a machine's specification, and operations start, stop and end it.

use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::arm::document::{child, list, text};
use crate::arm::error::Failure;
use crate::arm::id::{child_part, key, resource_part};
use crate::compute::custom_data;
use crate::machine::{Administrator, DataDisk, Disk, MachineError, MachineSpec, NetworkInterface, PowerState};
use crate::network::virtual_network::subnet_range;
use crate::server::Server;
use crate::state::State;
use crate::state::operation::{Action, Operation};
use crate::state::resource::Resource;

/// What the machine host must build for a stored VM; `None` when something it refers to is gone.
pub(crate) fn machine_spec(state: &State, vm: &Resource) -> Option<MachineSpec> {
    let size = |entry: &Value| entry.get("diskSizeGB").and_then(Value::as_u64).and_then(|size| size.try_into().ok());
    let disk = |entry: &Value| Some(Disk { id: key(text(entry, "/managedDisk/id")?), size_gib: size(entry) });
    let data_disks = list(&vm.document, "/properties/storageProfile/dataDisks")
        .iter()
        .map(|entry| Some(DataDisk { lun: entry.get("lun")?.as_u64()?.try_into().ok()?, disk: disk(entry)? }))
        .collect::<Option<_>>()?;
    let network_interfaces = list(&vm.document, "/properties/networkProfile/networkInterfaces")
        .iter()
        .map(|entry| interface(state, state.get(&key(text(entry, "/id")?))?))
        .collect::<Option<_>>()?;
    Some(MachineSpec {
        id: vm.id.key(),
        name: vm.id.name.clone(),
        computer_name: vm.text("/properties/osProfile/computerName")?.to_owned(),
        custom_data: vm.custom_data.as_ref().and_then(|encoded| STANDARD.decode(encoded).ok()),
        administrator: administrator(&vm.document),
        os_disk: disk(vm.document.pointer("/properties/storageProfile/osDisk")?)?,
        data_disks,
        network_interfaces,
    })
}

fn administrator(document: &Value) -> Option<Administrator> {
    let keys = list(document, "/properties/osProfile/linuxConfiguration/ssh/publicKeys").iter();
    let ssh_public_keys = keys.filter_map(|key| Some(key["keyData"].as_str()?.trim().to_owned())).collect();
    Some(Administrator { name: text(document, "/properties/osProfile/adminUsername")?.to_owned(), ssh_public_keys })
}

fn interface(state: &State, nic: &Resource) -> Option<NetworkInterface> {
    let configurations = list(&nic.document, "/properties/ipConfigurations");
    let configuration =
        configurations.iter().find(|entry| entry["properties"]["primary"] == true).or(configurations.first())?;
    let subnet = key(text(configuration, "/properties/subnet/id")?);
    let network = state.get(resource_part(&subnet))?;
    let range = subnet_range(child(&network.document, "subnets", child_part(&subnet)?.1)?)?;
    Some(NetworkInterface {
        network: network.id.key(),
        address: text(configuration, "/properties/privateIPAddress")?.parse::<Ipv4Addr>().ok()?,
        prefix_length: range.prefix_len(),
        mac_address: nic.text("/properties/macAddress")?.to_owned(),
    })
}

/// Disks that go with a VM when it is deleted (`deleteOption: Delete`), as keys.
pub(crate) fn disks_to_delete(vm: &Resource) -> Vec<String> {
    let profile = "/properties/storageProfile";
    let os_disk = vm.document.pointer(&format!("{profile}/osDisk"));
    os_disk
        .into_iter()
        .chain(list(&vm.document, &format!("{profile}/dataDisks")))
        .filter(|entry| text(entry, "/deleteOption") == Some("Delete"))
        .filter_map(|entry| text(entry, "/managedDisk/id").map(key))
        .collect()
}

/// The failure of an operation as Compute reports a machine that could not do its part.
fn failure(vm: &Resource, error: &MachineError) -> Failure {
    let name = &vm.id.name;
    match error {
        MachineError::Unusable(reason) => Failure {
            code: "OSProvisioningClientError".to_owned(),
            message: format!("OS provisioning failed for VM '{name}': {reason}"),
        },
        MachineError::NeverReady(_) => timed_out(name),
        MachineError::Ended(_) | MachineError::NotRunning => Failure {
            code: "OSProvisioningInternalError".to_owned(),
            message: format!("OS Provisioning failed for VM '{name}' due to an internal error: {error}"),
        },
        MachineError::Host(cause) => Failure {
            code: "InternalExecutionError".to_owned(),
            message: format!("An internal execution error occurred while starting VM '{name}': {cause:#}"),
        },
    }
}

/// `OSProvisioningTimedOut` in Azure's words.
pub(crate) fn timed_out(name: &str) -> Failure {
    Failure {
        code: "OSProvisioningTimedOut".to_owned(),
        message: format!(
            "OS Provisioning for VM '{name}' did not finish in the allotted time. The VM may still finish provisioning successfully. Please check provisioning state later. For details on how to check current provisioning state of Linux VMs, refer to https://aka.ms/LinuxVMLifecycle."
        ),
    }
}

/// The same of a machine whose Ignition stopped, with the reason, which on Azure stands on the serial console.
fn never_booted(name: &str, reason: &str) -> Failure {
    let Failure { code, message } = timed_out(name);
    Failure { code, message: format!("{message} Serial console: Ignition refused osProfile.customData: {reason}.") }
}

/// Does what a VM operation does, apart from deletion, and leaves the power state it leads to.
pub(crate) async fn perform(server: &Server, operation: &Operation) -> Result<(), Failure> {
    let vm_key = operation.resource.key();
    let (vm, spec) = {
        let state = server.state();
        let Some(vm) = state.get(&vm_key).cloned() else {
            return Ok(());
        };
        let spec = machine_spec(&state, &vm);
        (vm, spec)
    };
    let failed = |error: MachineError| failure(&vm, &error);
    let machines = &server.machines;
    if matches!(operation.action, Action::PowerOff | Action::Deallocate | Action::Restart)
        && machines.is_running(&vm_key)
    {
        machines.stop(&vm_key).await.map_err(failed)?;
    }
    let power = match operation.action {
        Action::PowerOff => PowerState::Stopped,
        Action::Deallocate => PowerState::Deallocated,
        // A PUT leaves a machine that was switched off as it is.
        Action::Put
            if vm.failure.is_none() && matches!(vm.power, Some(PowerState::Stopped | PowerState::Deallocated)) =>
        {
            return Ok(());
        }
        _ => {
            let spec = spec.ok_or_else(|| Failure {
                code: "InternalExecutionError".to_owned(),
                message: format!("A disk or network interface of VM '{}' is gone.", vm.id.name),
            })?;
            if let Some(reason) = custom_data::refusal(&vm.document, spec.custom_data.as_deref()) {
                return Err(never_booted(&vm.id.name, &reason));
            }
            // From here on a restarted daemon starts the machine again.
            server.state().update(&vm_key, |vm| vm.power = Some(PowerState::Running));
            let booted = match machines.start(&spec).await {
                Ok(()) => machines.wait_until_ready(&vm_key, server.boot_timeout).await,
                Err(error) => Err(error),
            };
            if let Err(error) = booted {
                let power = machines.is_running(&vm_key).then_some(PowerState::Running);
                server.state().update(&vm_key, |vm| vm.power = power);
                return Err(failed(error));
            }
            PowerState::Running
        }
    };
    server.state().update(&vm_key, |vm| vm.power = Some(power));
    Ok(())
}
