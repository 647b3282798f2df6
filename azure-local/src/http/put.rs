//! PUT: a body is checked, stored, and its operation launched.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::arm::name;
use crate::compute::{availability_set, managed_image, proximity_group, scale_set, usage, virtual_machine};
use crate::draft::Draft;
use crate::identity;
use crate::network::{self, interface, load_balancer, nat, public_address, security_group, virtual_network};
use crate::provider;
use crate::removal::group_being_deleted;
use crate::render;
use crate::server::Server;
use crate::state::State;
use crate::state::clock::now_milliseconds;
use crate::state::operation::{Action, Operation, Outcome, Twist};
use crate::state::resource::{Provisioning, Resource};
use crate::work;

/// Creates or replaces a resource; `body` makes its document from the state as it is then.
pub(super) async fn put<'b>(
    server: &Arc<Server>,
    id: &ResourceId,
    body: impl FnOnce(&State) -> Result<Cow<'b, Value>, ArmError>,
    headers: &HeaderMap,
    twist: Option<Twist>,
) -> Result<Answer, ArmError> {
    let (status, operation) = {
        let mut state = server.state();
        check_allowed(server, &state, id)?;
        check_preconditions(&state, id, headers)?;
        let existing = state.get(&id.key()).cloned();
        // An id keeps the case it was first used in.
        let id = existing.as_ref().map_or(id, |existing| &existing.id);
        let busy = state.running_on(&id.key()).cloned();
        if let Some(operation) = busy.as_ref().filter(|_| id.kind != Kind::VirtualMachine) {
            return Err(in_progress(id, operation));
        }
        let change = draft(&state, id, existing.as_ref(), &*body(&state)?)?;
        let status = if existing.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        match (busy, change) {
            (None, Change::Nothing) => return Ok(Answer::ok(render_stored(&state, id)?)),
            (Some(operation), Change::Nothing) => {
                return Ok(Answer::ok(render_stored(&state, id)?).following(server, &operation));
            }
            (Some(operation), Change::Store(_)) => return Err(in_progress(id, &operation)),
            (None, Change::Store(change)) => (status, state.together(|state| store(server, state, *change, twist))),
        }
    };
    server.recorder.operation(&operation.id);
    let operation = match id.kind {
        // Its PUT is answered when it is done, and is done whether or not somebody still waits for the answer.
        Kind::ResourceGroup => work::finish(server, operation).await,
        _ => work::launch(server, operation).await,
    };
    if let (Kind::ResourceGroup, Some(Outcome::Failed(failure))) = (id.kind, &operation.outcome) {
        return Err(ArmError::conflict(&failure.code, &failure.message));
    }
    let state = server.state();
    let body = render_stored(&state, id)?;
    let answer = Answer::with(status, body);
    let is_done = state.get(&id.key()).is_some_and(|resource| resource.provisioning == Provisioning::Succeeded);
    Ok(if is_done { answer } else { answer.following(server, &operation) })
}

fn render_stored(state: &State, id: &ResourceId) -> Result<Value, ArmError> {
    let resource = state.get(&id.key()).ok_or_else(|| super::read::not_found(id))?;
    Ok(render::resource(state, resource))
}

/// What a PUT changes.
enum Change {
    Nothing,
    Store(Box<Stored>),
}

struct Stored {
    resource: Resource,
    attached: Vec<String>,
    new_disks: Vec<Resource>,
    nat_ports: Vec<(String, Vec<crate::state::resource::NatPort>)>,
}

fn draft(state: &State, id: &ResourceId, existing: Option<&Resource>, body: &Value) -> Result<Change, ArmError> {
    let mut draft = Draft::new(state, id, existing, body)?;
    match id.kind {
        Kind::ResourceGroup => {}
        Kind::UserAssignedIdentity => identity::complete(&mut draft),
        Kind::ProximityPlacementGroup => proximity_group::complete(&mut draft)?,
        Kind::AvailabilitySet => availability_set::complete(&mut draft)?,
        Kind::ScaleSet => scale_set::complete(&mut draft)?,
        Kind::Image => managed_image::complete(&mut draft)?,
        Kind::NetworkSecurityGroup => security_group::complete(&mut draft)?,
        Kind::PublicIpAddress => public_address::complete(&mut draft)?,
        Kind::VirtualNetwork => virtual_network::complete(&mut draft)?,
        Kind::LoadBalancer => load_balancer::complete(&mut draft)?,
        Kind::NetworkInterface => interface::complete(&mut draft)?,
        Kind::VirtualMachine => virtual_machine::complete(&mut draft)?,
        Kind::Disk => {
            return Err(ArmError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "Disks come into being with their virtual machine.",
            ));
        }
    }
    if existing.is_none() {
        usage::check_count(state, id, draft.location())?;
        network::usage::check_count(state, id, draft.location())?;
    }
    let is_at_rest = existing.is_some_and(|existing| existing.provisioning != Provisioning::Failed);
    if is_at_rest && draft.is_stored() {
        return Ok(Change::Nothing);
    }
    let mut resource = match existing {
        Some(existing) => Resource {
            provisioning: Provisioning::Updating,
            generation: existing.generation + 1,
            changed_milliseconds: Some(now_milliseconds()),
            ..existing.clone()
        },
        None => Resource::new(id.clone(), json!({})),
    };
    let nat_ports = match id.kind {
        Kind::LoadBalancer => nat::reassign(state, &id.key(), &draft.document)?,
        _ => Vec::new(),
    };
    let Draft { document, references, custom_data, attached, new_disks, .. } = draft;
    resource.document = document;
    resource.references = references;
    resource.custom_data = custom_data;
    resource.nat_ports = draft.nat_ports;
    Ok(Change::Store(Box::new(Stored { resource, attached, new_disks, nat_ports })))
}

fn store(server: &Server, state: &mut State, change: Stored, twist: Option<Twist>) -> Operation {
    let Stored { resource, attached, new_disks, nat_ports } = change;
    let key = resource.id.key();
    let planned = server.latency.duration(Action::Put, &resource.id);
    let mut operation = Operation::new(Action::Put, &resource.id, resource.location(), planned.as_millis() as u64);
    operation.references.clone_from(&resource.references);
    operation.twist = twist;
    state.put(resource);
    for disk in new_disks {
        if state.get(&disk.id.key()).is_none() {
            state.put(disk);
        }
    }
    for part in attached {
        if state.get(&part).is_some_and(|part| part.managed_by.as_ref() != Some(&key)) {
            state.update(&part, |part| part.managed_by = Some(key.clone()));
        }
    }
    for (nic, ports) in nat_ports {
        if state.get(&nic).is_some_and(|nic| nic.nat_ports != ports) {
            state.update(&nic, |nic| nic.nat_ports = ports);
        }
    }
    state.begin(operation.clone());
    operation
}

/// The group must be there and stay, the name fit, and no policy object.
fn check_allowed(server: &Server, state: &State, id: &ResourceId) -> Result<(), ArmError> {
    name::check(id.kind, &id.name)?;
    let group = state.get(&id.group_key());
    if group.is_some_and(|group| group.provisioning == Provisioning::Deleting) {
        return Err(group_being_deleted(&id.group));
    }
    if id.kind != Kind::ResourceGroup && (group.is_none() || server.is_unseen(&id.group_key())) {
        return Err(super::read::group_not_found(&id.group));
    }
    provider::check_registered(state, id.kind.namespace())?;
    let full_name = id.kind.full_name();
    let denied = state.settings().policies.iter().find(|policy| policy.resource_type.eq_ignore_ascii_case(&full_name));
    let Some(policy) = denied.filter(|_| state.get(&id.key()).is_none()) else {
        return Ok(());
    };
    Err(ArmError::new(
        StatusCode::FORBIDDEN,
        "RequestDisallowedByPolicy",
        format!("Resource '{}' was disallowed by policy. Reasons: '{}'. See error details for policy resource IDs.", id.name, policy.message),
    )
    .target(&id.name)
    .additional_info(json!([{
        "type": "PolicyViolation",
        "info": { "policyDefinitionDisplayName": policy.message, "policyDefinitionEffect": "deny", "policyAssignmentDisplayName": policy.message },
    }])))
}

/// `If-None-Match: *` and `If-Match`, which Compute honours for virtual machines.
fn check_preconditions(state: &State, id: &ResourceId, headers: &HeaderMap) -> Result<(), ArmError> {
    if id.kind != Kind::VirtualMachine {
        return Ok(());
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let etag = state.get(&id.key()).map(|vm| format!("\"{}\"", vm.generation));
    let is_met = match (header("if-none-match"), header("if-match")) {
        (Some("*"), _) => etag.is_none(),
        (_, Some(wanted)) => etag.is_some_and(|etag| wanted == "*" || wanted == etag),
        _ => true,
    };
    if is_met {
        Ok(())
    } else {
        Err(ArmError::new(
            StatusCode::PRECONDITION_FAILED,
            "ConditionNotMet",
            format!("The precondition given in the request headers was not met for '{}'.", id.text()),
        ))
    }
}

/// The refusal of a write while another is at work.
pub(super) fn in_progress(id: &ResourceId, operation: &Operation) -> ArmError {
    ArmError::conflict(
        "AnotherOperationInProgress",
        format!(
            "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: {} (operation {}).",
            id.text(),
            operation.id
        ),
    )
}
