//! GET and HEAD: resources, lists and catalogues.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::arm::document::child;
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, SUBSCRIPTION};
use crate::arm::kind::Kind;
use crate::arm::location::{self, LOCATIONS};
use crate::compute::{image, quota, size};
use crate::http::answer::Answer;
use crate::http::route::Route;
use crate::network::public_address;
use crate::render;
use crate::server::Server;
use crate::state::State;
use crate::state::operation::Outcome;

/// The providers whose registration can be asked for.
const PROVIDERS: &[&str] =
    &["Microsoft.Compute", "Microsoft.Network", "Microsoft.Resources", "Microsoft.MarketplaceOrdering"];

/// Answers a GET.
pub fn get(server: &Server, route: &Route, query: &HashMap<String, String>) -> Result<Answer, ArmError> {
    let state = server.state();
    let body = match route {
        Route::Subscription => subscription(),
        Route::Locations => locations(),
        Route::Groups => {
            json!({ "value": state.of_kind(Kind::ResourceGroup).map(|group| render::resource(&state, group)).collect::<Vec<_>>() })
        }
        Route::GroupResources(group) => {
            let id = ResourceId::of_group(group);
            check_group(server, &state, &id)?;
            json!({ "value": state.in_group(&id.key()).map(render::summary).collect::<Vec<_>>() })
        }
        Route::Collection(group, kind) => {
            let id = ResourceId::of_group(group);
            check_group(server, &state, &id)?;
            json!({ "value": state.in_group(&id.key()).filter(|resource| resource.is(*kind)).map(|resource| render::resource(&state, resource)).collect::<Vec<_>>() })
        }
        Route::Provider(namespace) => provider(namespace)?,
        Route::Resource(id) => resource(server, &state, id, query)?,
        Route::Child(id, collection, name) => {
            let resource = resource(server, &state, id, query)?;
            child(&resource, collection, name).cloned().ok_or_else(|| {
                ArmError::missing("NotFound", format!("Resource {}/{collection}/{name} not found.", id.text()))
            })?
        }
        Route::Action(id, action) if id.kind == Kind::VirtualMachine && action.eq_ignore_ascii_case("instanceView") => {
            check_group(server, &state, id)?;
            render::instance_view(state.get(&id.key()).ok_or_else(|| not_found(id))?)
        }
        Route::Operation(id) => return operation(server, &state, id),
        Route::OperationResult(id) => return operation_result(server, &state, id),
        Route::DnsNameAvailability(location) => {
            let label = query.get("domainNameLabel").ok_or_else(|| ArmError::required("domainNameLabel"))?;
            public_address::availability(&state, location, label)
        }
        Route::NetworkUsages(location) => quota::network_usages(&state, location),
        Route::ComputeUsages(location) => quota::compute_usages(&state, location),
        Route::ComputeSkus => skus(query.get("$filter").map(String::as_str))?,
        Route::ImageVersions { location, offer, sku } => {
            let top = query.get("$top").and_then(|top| top.parse().ok());
            let descending = query.get("$orderby").is_some_and(|order| order.to_ascii_lowercase().ends_with("desc"));
            image::versions(location, offer, sku, top, descending)?
        }
        Route::ImageVersion { location, offer, sku, version } => image::version(location, offer, sku, version)?,
        Route::Terms { publisher, offer, plan } => image::terms(&state, publisher, offer, plan)?,
        Route::Action(..) | Route::QueryPortMapping(..) | Route::RegisterProvider(_) => {
            return Err(method_not_allowed("GET"));
        }
    };
    Ok(Answer::ok(body))
}

/// Answers a HEAD on a resource group: 204 or 404.
pub fn head(server: &Server, route: &Route) -> Result<Answer, ArmError> {
    match route {
        Route::Resource(id) if id.kind == Kind::ResourceGroup => {
            check_group(server, &server.state(), id)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(method_not_allowed("HEAD")),
    }
}

/// The refusal of a method that a path does not have.
pub fn method_not_allowed(method: &str) -> ArmError {
    ArmError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        format!("The requested resource does not support http method '{method}'."),
    )
}

/// Refuses what is asked of a group that is not there, or not yet there for this replica.
pub fn check_group(server: &Server, state: &State, id: &ResourceId) -> Result<(), ArmError> {
    if state.get(&id.group_key()).is_none() || server.is_unseen(&id.group_key()) {
        Err(group_not_found(&id.group))
    } else {
        Ok(())
    }
}

/// 404 for a resource group.
pub fn group_not_found(group: &str) -> ArmError {
    ArmError::missing("ResourceGroupNotFound", format!("Resource group '{group}' could not be found."))
}

/// 404 for a resource.
pub fn not_found(id: &ResourceId) -> ArmError {
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
    let mut body = render::resource(state, resource);
    if id.kind == Kind::VirtualMachine
        && query.get("$expand").is_some_and(|expand| expand.eq_ignore_ascii_case("instanceView"))
    {
        body["properties"]["instanceView"] = render::instance_view(resource);
    }
    Ok(body)
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

fn subscription() -> Value {
    json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}"),
        "subscriptionId": SUBSCRIPTION,
        "tenantId": "00000000-0000-4000-8000-000000000002",
        "displayName": "azure-local",
        "state": "Enabled",
        "subscriptionPolicies": { "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off" },
        "authorizationSource": "RoleBased",
    })
}

fn locations() -> Value {
    let value: Vec<Value> = LOCATIONS
        .iter()
        .map(|(name, title)| {
            json!({
                "id": format!("/subscriptions/{SUBSCRIPTION}/locations/{name}"),
                "name": name,
                "type": "Region",
                "displayName": title,
                "regionalDisplayName": title,
                "metadata": { "regionType": "Physical", "regionCategory": "Recommended" },
                "availabilityZoneMappings": location::zones(name).iter().map(|zone| json!({ "logicalZone": zone, "physicalZone": format!("{name}-az{zone}") })).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "value": value })
}

/// A provider: all are registered.
pub fn provider(namespace: &str) -> Result<Value, ArmError> {
    let name = PROVIDERS.iter().find(|known| known.eq_ignore_ascii_case(namespace)).ok_or_else(|| {
        ArmError::missing("InvalidResourceNamespace", format!("The resource namespace '{namespace}' is invalid."))
    })?;
    Ok(json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/providers/{name}"),
        "namespace": name,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": [],
    }))
}

fn skus(filter: Option<&str>) -> Result<Value, ArmError> {
    let Some(filter) = filter else {
        return Err(ArmError::bad(
            "InvalidParameter",
            "A $filter of the form \"location eq 'westeurope'\" is needed here.",
        )
        .target("$filter"));
    };
    let wanted = filter
        .split_once(" eq ")
        .filter(|(property, _)| property.trim() == "location")
        .map(|(_, value)| value.trim().trim_matches('\''));
    let location = wanted.and_then(location::canonical);
    // A region that does not exist has no SKUs.
    Ok(location.map_or_else(|| json!({ "value": [] }), size::skus))
}
