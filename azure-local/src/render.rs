//! Stored resources become ARM's answers: read-only members and back references are added here, and nowhere stored.

use serde_json::{Value, json};

use crate::arm::document::{children_mut, list, text};
use crate::arm::id::key;
use crate::arm::kind::Kind;
use crate::identity;
use crate::machine::PowerState;
use crate::network::{nat, peering, pool, security_group};
use crate::state::State;
use crate::state::resource::{Provisioning, Resource};

/// What GET and PUT answer.
pub(crate) fn resource(state: &State, resource: &Resource) -> Value {
    let mut answer = resource.document.clone();
    let kind = resource.id.kind;
    let id = resource.id.text();
    answer["id"] = json!(id);
    answer["name"] = json!(resource.id.name);
    answer["type"] = json!(kind.full_name());
    let provisioning = resource.provisioning.text();
    // Availability sets, proximity placement groups and identities have no provisioning state while all is well.
    let is_stateless =
        matches!(kind, Kind::AvailabilitySet | Kind::ProximityPlacementGroup | Kind::UserAssignedIdentity);
    if !is_stateless || resource.provisioning == Provisioning::Failed {
        answer["properties"]["provisioningState"] = json!(provisioning);
    }
    if kind.is_network() {
        let etag = format!("W/\"{}-{}\"", resource.unique_id, resource.generation);
        answer["etag"] = json!(etag);
        answer["properties"]["resourceGuid"] = json!(resource.unique_id);
        for collection in kind.children() {
            for child in children_mut(&mut answer, collection) {
                child["etag"] = json!(etag);
                child["type"] = json!(format!("{}/{collection}", kind.full_name()));
                child["properties"]["provisioningState"] = json!(provisioning);
            }
        }
    }
    match kind {
        Kind::ResourceGroup => answer["type"] = json!("Microsoft.Resources/resourceGroups"),
        Kind::NetworkSecurityGroup => security_group(state, resource, &id, &mut answer),
        Kind::PublicIpAddress => public_address(state, resource, &mut answer),
        Kind::VirtualNetwork => {
            virtual_network(state, &mut answer);
            peering::render(state, &resource.id, &mut answer);
        }
        Kind::LoadBalancer => load_balancer(state, resource, &mut answer),
        Kind::NetworkInterface => network_interface(state, resource, &mut answer),
        Kind::UserAssignedIdentity => identity::render(state, resource, &mut answer),
        Kind::ProximityPlacementGroup => {
            for (member, kind) in [
                ("virtualMachines", Kind::VirtualMachine),
                ("availabilitySets", Kind::AvailabilitySet),
                ("virtualMachineScaleSets", Kind::ScaleSet),
            ] {
                let group = resource.id.key();
                answer["properties"][member] = ids(state.referrers(&group).filter(|user| user.is(kind)));
            }
        }
        Kind::ScaleSet => answer["properties"]["uniqueId"] = json!(resource.unique_id),
        Kind::Image => {}
        Kind::AvailabilitySet => {
            let set = resource.id.key();
            answer["properties"]["virtualMachines"] =
                ids(state.referrers(&set).filter(|user| user.is(Kind::VirtualMachine)));
            if resource.failure.is_some() {
                answer["properties"]["statuses"] = json!([provisioning_status(resource)]);
            }
        }
        Kind::VirtualMachine => {
            // Azure gives it only when asked to, and it may hold more than a log should.
            if let Some(properties) = answer["properties"].as_object_mut() {
                properties.remove("userData");
            }
            if resource.power == Some(PowerState::Deallocated) {
                leave_out_disks(&mut answer);
            }
            identity::render_member(state, resource, &mut answer);
            answer["properties"]["vmId"] = json!(resource.unique_id);
            answer["etag"] = json!(format!("\"{}\"", resource.generation));
        }
        Kind::Disk => {
            let holder = resource.managed_by.as_deref().and_then(|holder| state.get(holder));
            answer["properties"]["diskState"] = json!(if holder.is_some() { "Attached" } else { "Unattached" });
            answer["properties"]["uniqueId"] = json!(resource.unique_id);
            if let Some(holder) = holder {
                answer["managedBy"] = json!(holder.id.text());
            }
        }
    }
    answer
}

/// Azure does not tell the size and type of a deallocated machine's disks; the disks themselves do.
/// Source: <https://github.com/Azure/azure-powershell/issues/13213>
fn leave_out_disks(vm: &mut Value) {
    let leave_out = |disk: &mut Value| {
        for (parent, member) in [("", "diskSizeGB"), ("/managedDisk", "storageAccountType")] {
            if let Some(parent) = disk.pointer_mut(parent).and_then(Value::as_object_mut) {
                parent.remove(member);
            }
        }
    };
    vm.pointer_mut("/properties/storageProfile/osDisk").into_iter().for_each(leave_out);
    let data_disks = vm.pointer_mut("/properties/storageProfile/dataDisks").and_then(Value::as_array_mut);
    data_disks.into_iter().flatten().for_each(leave_out);
}

/// A line of a list of a group's resources.
pub(crate) fn summary(resource: &Resource) -> Value {
    let mut line = json!({
        "id": resource.id.text(),
        "name": resource.id.name,
        "type": resource.id.kind.full_name(),
        "location": resource.location(),
    });
    for member in ["tags", "sku", "zones"] {
        if let Some(value) = resource.document.get(member) {
            line[member] = value.clone();
        }
    }
    line
}

fn ids<'a>(resources: impl Iterator<Item = &'a Resource>) -> Value {
    resources.map(|resource| json!({ "id": resource.id.text() })).collect()
}

fn security_group(state: &State, group: &Resource, id: &str, answer: &mut Value) {
    let group_key = group.id.key();
    answer["properties"]["defaultSecurityRules"] = security_group::default_rules(id);
    let users = || state.referrers(&group_key);
    let interfaces = ids(users().filter(|user| user.is(Kind::NetworkInterface)));
    let subnets: Vec<Value> = users()
        .flat_map(|network| list(&network.document, "/properties/subnets"))
        .filter(|subnet| {
            text(subnet, "/properties/networkSecurityGroup/id").is_some_and(|id| id.eq_ignore_ascii_case(&group_key))
        })
        .map(|subnet| json!({ "id": subnet["id"] }))
        .collect();
    for (member, value) in [("networkInterfaces", interfaces), ("subnets", json!(subnets))] {
        if value.as_array().is_some_and(|entries| !entries.is_empty()) {
            answer["properties"][member] = value;
        }
    }
}

fn public_address(state: &State, address: &Resource, answer: &mut Value) {
    let address_key = address.id.key();
    let user = state.referrers(&address_key).next();
    let configuration = user.and_then(|user| {
        ["frontendIPConfigurations", "ipConfigurations"]
            .into_iter()
            .flat_map(|collection| list(&user.document, &format!("/properties/{collection}")))
            .find(|entry| {
                text(entry, "/properties/publicIPAddress/id").is_some_and(|id| id.eq_ignore_ascii_case(&address_key))
            })
    });
    if let Some(configuration) = configuration {
        answer["properties"]["ipConfiguration"] = json!({ "id": configuration["id"] });
    }
}

fn virtual_network(state: &State, answer: &mut Value) {
    for subnet in children_mut(answer, "subnets") {
        let subnet_key = key(text(subnet, "/id").unwrap_or_default());
        let users: Vec<Value> = state
            .of_kind(Kind::NetworkInterface)
            .filter(|nic| nic.refers_to(&subnet_key))
            .flat_map(|nic| list(&nic.document, "/properties/ipConfigurations"))
            .filter(|entry| text(entry, "/properties/subnet/id").is_some_and(|id| id.eq_ignore_ascii_case(&subnet_key)))
            .map(|entry| json!({ "id": entry["id"] }))
            .collect();
        if !users.is_empty() {
            subnet["properties"]["ipConfigurations"] = json!(users);
        }
    }
}

fn load_balancer(state: &State, balancer: &Resource, answer: &mut Value) {
    for pool in children_mut(answer, "backendAddressPools") {
        let pool_key = key(text(pool, "/id").unwrap_or_default());
        let members: Vec<_> = pool::members(state, &pool_key).collect();
        if members.is_empty() {
            continue;
        }
        let configurations: Vec<Value> = members.iter().map(|(_, entry)| json!({ "id": entry["id"] })).collect();
        let addresses: Vec<Value> = members
            .iter()
            .map(|(nic, entry)| {
                let name = text(entry, "/name").unwrap_or_default();
                let id = text(entry, "/id").unwrap_or_default();
                json!({
                    "name": format!("{}_{}{name}", nic.id.group, nic.id.name),
                    "properties": {
                        "provisioningState": nic.provisioning.text(),
                        "networkInterfaceIPConfiguration": { "id": id },
                        "inboundNatRulesPortMapping": nat::mappings(balancer, nic, id),
                    },
                })
            })
            .collect();
        pool["properties"]["backendIPConfigurations"] = json!(configurations);
        pool["properties"]["loadBalancerBackendAddresses"] = json!(addresses);
    }
}

fn network_interface(state: &State, nic: &Resource, answer: &mut Value) {
    if let Some(vm) = nic.managed_by.as_deref().and_then(|holder| state.get(holder)) {
        answer["properties"]["virtualMachine"] = json!({ "id": vm.id.text() });
        answer["properties"]["primary"] = json!(true);
    }
}

/// An `InstanceViewStatus` that tells how the last operation on a resource ended.
fn provisioning_status(resource: &Resource) -> Value {
    let (level, display) = match resource.provisioning {
        Provisioning::Succeeded => ("Info", "Provisioning succeeded"),
        Provisioning::Failed => ("Error", "Provisioning failed"),
        _ => ("Info", "In progress"),
    };
    let code = match &resource.failure {
        Some(failure) => format!("ProvisioningState/failed/{}", failure.code),
        None => format!("ProvisioningState/{}", resource.provisioning.text().to_ascii_lowercase()),
    };
    let mut status = json!({ "code": code, "level": level, "displayStatus": display });
    if let Some(failure) = &resource.failure {
        status["message"] = json!(failure.message);
    }
    status
}

/// `properties.instanceView` and the answer of `/instanceView`.
///
/// Without machines nothing runs, whatever was asked for last; Azure's word for a power state that it cannot tell is
/// `PowerState/unknown`.
pub(crate) fn instance_view(vm: &Resource, has_machines: bool) -> Value {
    let mut statuses = vec![provisioning_status(vm)];
    if let Some(power) = vm.power {
        let (code, display) = match power {
            PowerState::Running if !has_machines => ("PowerState/unknown", "VM without a machine (--vms none)"),
            PowerState::Running => ("PowerState/running", "VM running"),
            PowerState::Stopped => ("PowerState/stopped", "VM stopped"),
            PowerState::Deallocated => ("PowerState/deallocated", "VM deallocated"),
        };
        statuses.push(json!({ "code": code, "level": "Info", "displayStatus": display }));
    }
    json!({
        "computerName": vm.document["properties"]["osProfile"]["computerName"],
        "hyperVGeneration": "V2",
        "statuses": statuses,
    })
}
