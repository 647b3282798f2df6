//! Deletions: what still stands in the way, what happens to machines and disks, and what vanishes from the state.

use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;

use crate::arm::document::{children_mut, list, text};
use crate::arm::error::{ArmError, Failure};
use crate::arm::id::{ResourceId, key, resource_part};
use crate::arm::kind::Kind;
use crate::network::virtual_network;
use crate::power::disks_to_delete;
use crate::server::Server;
use crate::state::State;
use crate::state::operation::Outcome;
use crate::state::resource::Resource;

/// Refuses the deletion of what is in use, with each type's own code.
pub(crate) fn check(state: &State, resource: &Resource) -> Result<(), ArmError> {
    let id = resource.id.text();
    let resource_key = resource.id.key();
    let holder = resource.managed_by.as_deref().and_then(|holder| state.get(holder)).map(|holder| holder.id.text());
    let user = state.referrers(&resource_key).next();
    let user_id = user.map(|user| user.id.text()).unwrap_or_default();
    match (resource.id.kind, user, holder) {
        (Kind::PublicIpAddress, Some(_), _) => Err(ArmError::bad(
            "PublicIPAddressCannotBeDeleted",
            format!(
                "Public IP address {id} can not be deleted since it is still allocated to resource {user_id}. In order to delete the public IP, disassociate/detach the Public IP address from the resource."
            ),
        )),
        (Kind::NetworkSecurityGroup, Some(_), _) => Err(ArmError::bad(
            "InUseNetworkSecurityGroupCannotBeDeleted",
            format!(
                "Network security group {id} cannot be deleted because it is in use by the following resources: {user_id}. In order to delete the Network security group, remove the association with the resource(s)."
            ),
        )),
        (Kind::VirtualNetwork, Some(user), _) => {
            let subnet = user
                .references
                .iter()
                .find(|reference| resource_part(reference) == resource_key)
                .map_or("", String::as_str);
            Err(virtual_network::in_use(subnet, virtual_network::subnet_name(subnet), &user_id))
        }
        (Kind::NetworkInterface, _, Some(holder)) => Err(ArmError::bad(
            "NicInUse",
            format!(
                "Network Interface {id} is used by existing resource {holder}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic."
            ),
        )),
        (Kind::Disk, _, Some(holder)) => Err(ArmError::conflict(
            "OperationNotAllowed",
            format!("Disk {} is attached to VM {holder}.", resource.id.name),
        )),
        (Kind::AvailabilitySet, Some(_), _) => Err(ArmError::conflict(
            "OperationNotAllowed",
            format!(
                "Availability Set '{}' cannot be deleted. Before deleting an Availability Set please ensure that it does not contain any VM.",
                resource.id.name
            ),
        )),
        (Kind::ScaleSet, Some(_), _) => Err(ArmError::conflict(
            "OperationNotAllowed",
            format!(
                "Virtual Machine Scale Set '{}' cannot be deleted. Before deleting it please ensure that it does not contain any VM: {user_id}.",
                resource.id.name
            ),
        )),
        (Kind::ProximityPlacementGroup, Some(_), _) => Err(ArmError::conflict(
            "OperationNotAllowed",
            format!(
                "Proximity Placement Group '{}' cannot be deleted. Before deleting it please ensure that no resource uses it: {user_id}.",
                resource.id.name
            ),
        )),
        _ => Ok(()),
    }
}

/// Why a resource group's deletion fails: something in it is used by what is outside of it. On Azure the rest goes all
/// the same; here everything stays.
pub(crate) fn blocked(state: &State, group: &ResourceId) -> Option<Failure> {
    let group_key = group.key();
    let is_outside = |user: &Resource| user.id.group_key() != group_key;
    let is_used = |resource: &&Resource| {
        let holder = resource.managed_by.as_deref().and_then(|holder| state.get(holder));
        holder.is_some_and(is_outside) || state.referrers(&resource.id.key()).any(is_outside)
    };
    let used: Vec<String> = state
        .in_group(&group_key)
        .filter(is_used)
        .map(|resource| format!("{}/{}", resource.id.kind.full_name(), resource.id.name))
        .collect();
    (!used.is_empty()).then(|| Failure {
        code: "ResourceGroupDeletionBlocked".to_owned(),
        message: format!(
            "Deletion of resource group '{}' failed as resources with identifiers '{}' could not be deleted. The provisioning state of the resource group will be rolled back. Please check audit logs for more details.",
            group.group,
            used.join(",")
        ),
    })
}

/// Ends the operations that are at work on a resource or a group's content, because it is being deleted.
pub(crate) fn preempt(state: &mut State, id: &ResourceId) {
    let of_it = |resource: &ResourceId| {
        resource.key() == id.key() || (id.kind == Kind::ResourceGroup && resource.group_key() == id.key())
    };
    for operation in state.running().into_iter().filter(|operation| of_it(&operation.resource)) {
        let message = "Operation execution has been preempted by a more recent operation.".to_owned();
        state.finish(&operation.id, Outcome::Failed(Failure { code: "OperationPreempted".to_owned(), message }));
    }
}

/// Lets go of the machines and disks behind a resource or a group's content.
pub(crate) async fn release(server: &Server, id: &ResourceId) -> Result<(), Failure> {
    let (machines, disks) = {
        let state = server.state();
        match id.kind {
            Kind::VirtualMachine => {
                (state.get(&id.key()).map(|vm| (vm.id.key(), disks_to_delete(vm))).into_iter().collect(), Vec::new())
            }
            Kind::Disk => (Vec::new(), vec![id.key()]),
            Kind::ResourceGroup => {
                let group_key = id.key();
                let in_group = || state.in_group(&group_key);
                let disks_of = |vm: &Resource| {
                    let vm_key = vm.id.key();
                    in_group()
                        .filter(|disk| disk.is(Kind::Disk) && disk.managed_by.as_ref() == Some(&vm_key))
                        .map(|disk| disk.id.key())
                        .collect()
                };
                let machines = in_group()
                    .filter(|vm| vm.is(Kind::VirtualMachine))
                    .map(|vm| (vm.id.key(), disks_of(vm)))
                    .collect::<Vec<_>>();
                let free = in_group()
                    .filter(|disk| disk.is(Kind::Disk) && disk.managed_by.is_none())
                    .map(|disk| disk.id.key())
                    .collect();
                (machines, free)
            }
            _ => return Ok(()),
        }
    };
    let host = &server.machines;
    let machines = join_all(machines.iter().map(|(machine, disks)| host.delete(machine, disks))).await;
    let disks = join_all(disks.iter().map(|disk| host.delete_disk(disk))).await;
    machines.into_iter().chain(disks).collect::<Result<(), _>>().map_err(|error| Failure {
        code: "InternalExecutionError".to_owned(),
        message: format!("deleting `{}`: {error}", id.text()),
    })
}

/// Removes a resource from the state, with what goes with it.
pub(crate) fn apply(state: &mut State, id: &ResourceId) {
    match id.kind {
        Kind::ResourceGroup => {
            let mut content: Vec<ResourceId> = state.in_group(&id.key()).map(|resource| resource.id.clone()).collect();
            content.sort_by_key(|id| std::cmp::Reverse(id.kind));
            for resource in content {
                state.remove(&resource.key());
            }
        }
        Kind::VirtualMachine => free_parts(state, id),
        Kind::LoadBalancer => leave_pools(state, &id.key()),
        _ => {}
    }
    state.remove(&id.key());
}

/// A VM's NICs and disks go with it or stay without it, as their `deleteOption` says.
fn free_parts(state: &mut State, id: &ResourceId) {
    let Some(vm) = state.get(&id.key()).cloned() else {
        return;
    };
    let mut going = disks_to_delete(&vm);
    for entry in list(&vm.document, "/properties/networkProfile/networkInterfaces") {
        let Some(nic) = text(entry, "/id").map(key).and_then(|nic| state.get(&nic)) else {
            continue;
        };
        if text(entry, "/properties/deleteOption") == Some("Delete") {
            let deleted = |configuration: &&Value| {
                text(configuration, "/properties/publicIPAddress/properties/deleteOption") == Some("Delete")
            };
            let addresses = list(&nic.document, "/properties/ipConfigurations").iter().filter(deleted);
            going.extend(addresses.filter_map(|entry| text(entry, "/properties/publicIPAddress/id").map(key)));
            going.push(nic.id.key());
        }
    }
    let vm_key = id.key();
    let held: Vec<String> = [Kind::NetworkInterface, Kind::Disk]
        .into_iter()
        .flat_map(|kind| state.of_kind(kind))
        .filter(|part| part.managed_by.as_ref() == Some(&vm_key))
        .map(|part| part.id.key())
        .collect();
    for part in going.iter().chain(&held) {
        if going.contains(part) {
            state.remove(part);
        } else {
            state.update(part, |part| part.managed_by = None);
        }
    }
}

/// The members of a load balancer that goes lose their membership and their ports.
fn leave_pools(state: &mut State, balancer: &str) {
    let members: Vec<String> = state
        .referrers(balancer)
        .filter(|member| member.is(Kind::NetworkInterface))
        .map(|member| member.id.key())
        .collect();
    let is_of_it = |reference: &str| resource_part(&key(reference)) == balancer;
    for member in members {
        state.update(&member, |nic| {
            nic.references.retain(|reference| !is_of_it(reference));
            nic.nat_ports.retain(|port| !is_of_it(&port.rule));
            for configuration in children_mut(&mut nic.document, "ipConfigurations") {
                if let Some(pools) = configuration
                    .pointer_mut("/properties/loadBalancerBackendAddressPools")
                    .and_then(Value::as_array_mut)
                {
                    pools.retain(|pool| !text(pool, "/id").is_some_and(is_of_it));
                }
            }
        });
    }
}

/// The refusal of anything that would write into a group that is being deleted.
pub(crate) fn group_being_deleted(group: &str) -> ArmError {
    ArmError::new(
        StatusCode::CONFLICT,
        "ResourceGroupBeingDeleted",
        format!("The resource group '{group}' is in deprovisioning state and cannot perform this operation."),
    )
}
