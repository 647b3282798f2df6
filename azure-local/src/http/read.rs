//! GET and HEAD: resources, lists and catalogues.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::arm::document::child;
use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::http::parameter;
use crate::http::resource_filter::ResourceFilter;
use crate::http::route::{Route, Routed};
use crate::network::address_availability;
use crate::provider;
use crate::render;
use crate::server::Server;
use crate::state::State;
use crate::state::clock;
use crate::state::operation::Outcome;
use crate::state::resource::Resource;
use crate::subscription;

/// Answers a GET.
pub(super) fn get(
    server: &Server,
    routed: &Routed,
    query: &HashMap<String, String>,
    path: &str,
) -> Result<Answer, ArmError> {
    let here = format!("{}{path}", server.endpoint);
    let mut state = server.state();
    let subscription = routed.subscription.as_str();
    let body = match &routed.route {
        Route::Subscriptions => subscription::list(&state),
        Route::Tenants => subscription::tenants(&state),
        Route::Subscription => subscription::document(&state, subscription)?,
        Route::Locations => location::document(subscription),
        Route::Groups => {
            let is_here = |group: &&Resource| group.id.subscription == subscription;
            let filter = ResourceFilter::of_groups(filter_text(query))?;
            let groups = state.of_kind(Kind::ResourceGroup).filter(is_here).filter(|group| filter.takes(group));
            let groups = groups.map(|group| render::resource(&state, group)).collect();
            parameter::page(groups, query, &here)?
        }
        Route::Resources => {
            let here = format!("/subscriptions/{subscription}");
            let resources = state.in_group(&here).filter(|resource| !resource.is(Kind::ResourceGroup));
            parameter::page(lines(&state, resources, query)?, query, &here)?
        }
        Route::GroupResources(group) => {
            check_group(server, &state, group)?;
            parameter::page(lines(&state, state.in_group(&group.key()), query)?, query, &here)?
        }
        Route::Collection(group, kind) => {
            check_group(server, &state, group)?;
            let key = group.key();
            let resources = state.in_group(&key).filter(|resource| resource.is(*kind));
            json!({ "value": resources.map(|resource| model(server, &state, resource, query)).collect::<Vec<_>>() })
        }
        Route::Everywhere(kind) => {
            let is_here = |resource: &&Resource| resource.id.subscription == subscription;
            let resources = state.of_kind(*kind).filter(is_here);
            json!({ "value": resources.map(|resource| model(server, &state, resource, query)).collect::<Vec<_>>() })
        }
        Route::Providers => provider::list(&state, subscription),
        Route::Provider(namespace) => provider::get(&mut state, subscription, namespace)?,
        Route::Resource(id) => resource(server, &state, id, query)?,
        Route::Children(id, collection) => {
            let resource = resource(server, &state, id, query)?;
            let properties = resource["properties"].as_object().into_iter().flatten();
            let entries =
                properties.filter(|(name, _)| name.eq_ignore_ascii_case(collection)).map(|(_, entries)| entries);
            json!({ "value": entries.clone().next().cloned().unwrap_or(json!([])) })
        }
        Route::Child(id, collection, name) => {
            let resource = resource(server, &state, id, query)?;
            child(&resource, collection, name).cloned().ok_or_else(|| {
                ArmError::missing("NotFound", format!("Resource {}/{collection}/{name} not found.", id.text()))
            })?
        }
        Route::Action(id, action) => computed(server, &state, id, action, query)?,
        Route::Operation(id) => return operation(server, &state, id),
        Route::OperationResult(id) => return operation_result(server, &state, id),
        Route::Catalogue(catalogue) => catalogue.read(&state, subscription, query)?,
        Route::QueryPortMapping(..) | Route::RegisterProvider(_) => return Err(method_not_allowed("GET")),
    };
    Ok(Answer::ok(body))
}

fn filter_text(query: &HashMap<String, String>) -> &str {
    query.get("$filter").map_or("", String::as_str)
}

/// Lines of a list of resources, those that `$filter` takes.
fn lines<'a>(
    state: &State,
    resources: impl Iterator<Item = &'a Resource>,
    query: &HashMap<String, String>,
) -> Result<Vec<Value>, ArmError> {
    let filter = ResourceFilter::of_resources(filter_text(query))?;
    let lines = resources.filter(|resource| filter.takes(resource)).map(|resource| {
        let mut line = line(state, resource, query);
        if let Some(line) = line.as_object_mut().filter(|_| filter.hides_tags()) {
            line.remove("tags");
        }
        line
    });
    Ok(lines.collect())
}

/// What is computed from a resource when it is asked for.
fn computed(
    server: &Server,
    state: &State,
    id: &ResourceId,
    action: &str,
    query: &HashMap<String, String>,
) -> Result<Value, ArmError> {
    let is = |name: &str| action.eq_ignore_ascii_case(name);
    let is_known = match id.kind {
        Kind::VirtualMachine => is("instanceView"),
        Kind::VirtualNetwork => is("CheckIPAddressAvailability"),
        _ => false,
    };
    if !is_known {
        return Err(method_not_allowed("GET"));
    }
    check_group(server, state, id)?;
    let resource = state.get(&id.key()).ok_or_else(|| not_found(id))?;
    if id.kind == Kind::VirtualMachine {
        return Ok(render::instance_view(resource, server.machines.has_machines()));
    }
    let address = query.get("ipAddress").ok_or_else(|| ArmError::required("ipAddress"))?;
    address_availability::document(state, resource, address)
}

/// Answers a HEAD on a resource group: 204 or 404.
pub(super) fn head(server: &Server, route: &Route) -> Result<Answer, ArmError> {
    match route {
        Route::Resource(id) if id.kind == Kind::ResourceGroup => {
            check_group(server, &server.state(), id)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(method_not_allowed("HEAD")),
    }
}

/// The refusal of a method that a path does not have.
pub(super) fn method_not_allowed(method: &str) -> ArmError {
    ArmError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        format!("The requested resource does not support http method '{method}'."),
    )
}

/// Refuses what is asked of a group that is not there, or not yet there for this replica.
pub(super) fn check_group(server: &Server, state: &State, id: &ResourceId) -> Result<(), ArmError> {
    if state.get(&id.group_key()).is_none() || server.is_unseen(&id.group_key()) {
        Err(group_not_found(&id.group))
    } else {
        Ok(())
    }
}

/// 404 for a resource group.
pub(super) fn group_not_found(group: &str) -> ArmError {
    ArmError::missing("ResourceGroupNotFound", format!("Resource group '{group}' could not be found."))
}

/// 404 for a resource.
pub(super) fn not_found(id: &ResourceId) -> ArmError {
    ArmError::missing(
        "ResourceNotFound",
        format!(
            "The Resource '{}/{}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            id.kind.full_name(),
            id.name,
            id.group
        ),
    )
}

fn resource(
    server: &Server,
    state: &State,
    id: &ResourceId,
    query: &HashMap<String, String>,
) -> Result<Value, ArmError> {
    check_group(server, state, id)?;
    let resource = state.get(&id.key()).ok_or_else(|| not_found(id))?;
    Ok(model(server, state, resource, query))
}

/// A resource, and of a machine its state where that is asked for.
fn model(server: &Server, state: &State, resource: &Resource, query: &HashMap<String, String>) -> Value {
    let mut body = render::resource(state, resource);
    let shows_state = parameter::expands(query, "instanceView") || parameter::status_only(query);
    if resource.is(Kind::VirtualMachine) && shows_state {
        body["properties"]["instanceView"] = render::instance_view(resource, server.machines.has_machines());
    }
    if resource.is(Kind::VirtualMachine)
        && parameter::expands(query, "userData")
        && let Some(user_data) = resource.document.pointer("/properties/userData")
    {
        body["properties"]["userData"] = user_data.clone();
    }
    body
}

/// A resource's line in a list, with what `$expand` names of what is known.
fn line(state: &State, resource: &Resource, query: &HashMap<String, String>) -> Value {
    let mut line = render::summary(resource);
    if parameter::expands(query, "provisioningState") {
        let whole = render::resource(state, resource);
        if let Some(provisioning_state) = whole.pointer("/properties/provisioningState") {
            line["provisioningState"] = provisioning_state.clone();
        }
    }
    let times = [("createdTime", resource.created_milliseconds), ("changedTime", resource.changed_milliseconds)];
    for (name, milliseconds) in times.into_iter().filter(|(name, _)| parameter::expands(query, name)) {
        if let Some(text) = milliseconds.and_then(clock::text) {
            line[name] = json!(text);
        }
    }
    line
}

fn operation(server: &Server, state: &State, id: &str) -> Result<Answer, ArmError> {
    let operation =
        state.operation(id).ok_or_else(|| ArmError::missing("NotFound", format!("Operation {id} not found.")))?;
    if operation.resource.kind == Kind::VirtualMachine {
        server.throttle.take_poll(&operation.resource.key())?;
    }
    let answer = Answer::ok(operation.status_document());
    if !operation.is_running() {
        return Ok(answer);
    }
    let retry_after = server.latency.retry_after_seconds(operation.action, operation.resource.kind);
    Ok(answer.header("retry-after", retry_after.to_string()))
}

fn operation_result(server: &Server, state: &State, id: &str) -> Result<Answer, ArmError> {
    let operation =
        state.operation(id).ok_or_else(|| ArmError::missing("NotFound", format!("Operation {id} not found.")))?;
    if operation.resource.kind == Kind::VirtualMachine {
        server.throttle.take_poll(&operation.resource.key())?;
    }
    match (&operation.outcome, &operation.result) {
        (None, _) => Ok(Answer::empty(StatusCode::ACCEPTED).following(server, operation)),
        (Some(Outcome::Succeeded), Some(result)) => Ok(Answer::ok(result.clone())),
        (Some(Outcome::Succeeded), None) if operation.resource.kind == Kind::ResourceGroup => {
            Ok(Answer::empty(StatusCode::OK))
        }
        (Some(Outcome::Succeeded), None) => Ok(Answer::empty(StatusCode::NO_CONTENT)),
        (Some(Outcome::Failed(failure)), _) => Err(ArmError::conflict(&failure.code, &failure.message)),
    }
}
