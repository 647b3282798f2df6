//! What each kind of request may be answered: a [`RawAnswer`] becomes a document, a page, a beginning or an end of an
//! operation, or ARM's refusal. All else is a [`Stranger`]'s: a web page, half a document, a redirect, another
//! resource's document. `request` reads every answer by one of these functions.
//!
//! <https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/common-api-details.md>

mod image;
mod machine;
mod network;
mod placement;
mod power;
mod raw;
mod refusal;
mod region;
mod resource;
mod shared;
mod sku;
mod state;
mod stranger;
mod subscription;

pub(crate) use image::{ImageDocument, ImageVersion, Terms};
pub(crate) use machine::{BootDiagnostics, InstanceView, VirtualMachine};
pub(crate) use network::{BackendAddressPool, PortMapping, PortMappings, PublicIpAddress, VirtualNetwork};
pub(crate) use placement::{Identity, PlacementGroup};
pub(crate) use power::PowerState;
pub(super) use raw::RawAnswer;
pub(crate) use refusal::ErrorDocument;
pub(crate) use region::{Availability, Provider, Region, Usage};
pub(crate) use resource::{Resource, Tags};
pub(crate) use shared::{NamedItem, SecurityRule, SecurityRuleProperties};
pub(crate) use sku::Sku;
pub(crate) use state::{OperationStatus, ProvisioningState};
pub(super) use stranger::{Stranger, message, shown};
pub(crate) use subscription::Subscription;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{ArmError, ArmErrorKind};
use super::id::ResourceId;

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page is.
    pub next_link: Option<String>,
}

/// What a PUT, POST or DELETE began, or did at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Begun {
    pub status: u16,
    pub azure_async_operation: Option<String>,
    pub location: Option<String>,
    pub retry_after: Option<std::time::Duration>,
    pub request_id: Option<String>,
    /// The resource's; none where the answer has no body, or an action's result.
    pub state: Option<ProvisioningState>,
    /// The resource, or the action's result; none where the answer has no body.
    pub document: Option<Value>,
}

/// ARM's refusal: an error document with a code.
pub(super) fn refusal(raw: &RawAnswer, doing: &str) -> Result<ArmError, Stranger> {
    let document = object(raw)?;
    let kind = if raw.status == 401 { ArmErrorKind::SignIn } else { ArmErrorKind::Refused };
    let error = ErrorDocument::read(&document).into_error(kind, doing, Some(raw.status), raw.request_id.clone());
    if error.code.is_none() {
        return Err(Stranger::new(raw, "an error without a `code`"));
    }
    // That something does not exist is what most hangs on; gateways say it in JSON too.
    if error.status == Some(404) && error.request_id.is_none() {
        return Err(Stranger::new(raw, "that something does not exist, without an `x-ms-request-id`"));
    }
    Ok(error)
}

/// GET of a resource: 200 with its document.
pub(super) fn resource(raw: &RawAnswer, id: &ResourceId) -> Result<Resource, Stranger> {
    demand(raw, &[200], "GET")?;
    document_of(raw, id)
}

/// The same as the type of its kind.
pub(super) fn resource_as<T: DeserializeOwned>(raw: &RawAnswer, id: &ResourceId) -> Result<T, Stranger> {
    decoded(raw, resource(raw, id)?.document)
}

/// GET of an operation: 200 with how it stands, or 202, which some services say as long as it runs.
pub(super) fn operation(raw: &RawAnswer) -> Result<(ProvisioningState, Value), Stranger> {
    demand(raw, &[200, 202], "GET of an operation")?;
    let document = object(raw)?;
    let OperationStatus { status } = decoded(raw, document.clone())?;
    Ok((status, document))
}

/// GET of something that has no id of its own: 200 with an object.
pub(super) fn document<T: DeserializeOwned>(raw: &RawAnswer) -> Result<T, Stranger> {
    demand(raw, &[200], "GET")?;
    decoded(raw, object(raw)?)
}

/// GET of a list: 200 with an object that holds the items in `value`.
pub(super) fn page<T: DeserializeOwned>(raw: &RawAnswer) -> Result<Page<T>, Stranger> {
    demand(raw, &[200], "GET")?;
    let mut list = object(raw)?;
    let Value::Array(items) = list["value"].take() else { return Err(Stranger::new(raw, "no list in `value`")) };
    let next_link = match list["nextLink"].take() {
        Value::Null => None,
        Value::String(link) => Some(link).filter(|link| !link.is_empty()),
        _ => return Err(Stranger::new(raw, "a `nextLink` that is no text")),
    };
    Ok(Page { items: all(raw, items)?, next_link })
}

/// GET of the few lists that Azure answers without an object around them.
pub(super) fn bare_list<T: DeserializeOwned>(raw: &RawAnswer) -> Result<Vec<T>, Stranger> {
    demand(raw, &[200], "GET")?;
    match json(raw)? {
        Value::Array(items) => all(raw, items),
        _ => Err(Stranger::new(raw, "no list")),
    }
}

fn all<T: DeserializeOwned>(raw: &RawAnswer, items: Vec<Value>) -> Result<Vec<T>, Stranger> {
    if !items.iter().all(Value::is_object) {
        return Err(Stranger::new(raw, "a list of something else than objects"));
    }
    decoded(raw, Value::Array(items))
}

/// PUT of a resource: 200 or 201 with its document; 202 may have none when it says what to follow.
pub(super) fn written(raw: &RawAnswer, id: &ResourceId) -> Result<Begun, Stranger> {
    demand(raw, &[200, 201, 202], "PUT")?;
    let has_monitor = raw.azure_async_operation.is_some() || raw.location.is_some();
    if raw.status == 202 && raw.is_empty() && has_monitor {
        return Ok(begun(raw, None));
    }
    let Resource { state, document, .. } = document_of(raw, id)?;
    Ok(Begun { state: Some(state), ..begun(raw, Some(document)) })
}

/// PUT of something that has no id of its own and is done at once: 200 or 201 with an object.
pub(super) fn stored(raw: &RawAnswer) -> Result<Value, Stranger> {
    demand(raw, &[200, 201], "PUT")?;
    object(raw)
}

/// DELETE: 200 when it is done, 202 when it goes on, 204 when there was nothing; a body is an object or empty.
pub(super) fn deleted(raw: &RawAnswer) -> Result<Begun, Stranger> {
    demand(raw, &[200, 202, 204], "DELETE")?;
    if raw.is_empty() {
        empty(raw)?;
        return Ok(begun(raw, None));
    }
    let Resource { state, document, .. } = read(raw, object(raw)?)?;
    Ok(Begun { state: Some(state), ..begun(raw, Some(document)) })
}

/// POST of an action: 200 with its result, or 202 when it goes on.
pub(super) fn acted(raw: &RawAnswer) -> Result<Begun, Stranger> {
    demand(raw, &[200, 202], "POST")?;
    let document = match raw.status {
        200 => Some(object(raw)?),
        _ if raw.is_empty() => empty(raw).map(|()| None)?,
        _ => Some(object(raw)?),
    };
    Ok(begun(raw, document))
}

/// POST of an action that has no result: 200 when it is done, 202 when it goes on; a body is an object or empty.
pub(super) fn acted_without_result(raw: &RawAnswer) -> Result<Begun, Stranger> {
    demand(raw, &[200, 202], "POST")?;
    if raw.is_empty() {
        empty(raw)?;
        return Ok(begun(raw, None));
    }
    object(raw).map(|document| begun(raw, Some(document)))
}

/// The document as the type that it must be; an answer that lacks a field is named with that field.
pub(super) fn decoded<T: DeserializeOwned>(raw: &RawAnswer, document: Value) -> Result<T, Stranger> {
    decode(&document).map_err(|why| unreadable(raw, &why))
}

/// The same for the result of an operation, whose answer has gone by.
pub(super) fn result<T: DeserializeOwned>(doing: &str, document: &Value) -> Result<T, ArmError> {
    decode(document).map_err(|why| {
        let message = format!("the answer is not Azure Resource Manager's: a document that cannot be read: {why}");
        ArmError::local(ArmErrorKind::NotAzure, doing, message)
    })
}

/// Azure writes lists that hold nothing as `[]`, as `null`, or not at all.
fn absent_as_none<'a, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'a>,
    T: serde::Deserialize<'a> + Default,
{
    Ok(<Option<T> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or_default())
}

fn decode<T: DeserializeOwned>(document: &Value) -> Result<T, String> {
    serde_path_to_error::deserialize(document).map_err(|error| {
        let why = shown(&error.inner().to_string());
        match error.path().to_string().as_str() {
            "." => why,
            path => format!("{why} at `{}`", shown(path)),
        }
    })
}

/// A status that this kind of request has.
pub(super) fn demand(raw: &RawAnswer, statuses: &[u16], method: &str) -> Result<(), Stranger> {
    if statuses.contains(&raw.status) {
        return Ok(());
    }
    Err(Stranger::new(raw, format!("which Azure does not answer to {method}")))
}

/// A body that is an object.
pub(super) fn object(raw: &RawAnswer) -> Result<Value, Stranger> {
    match json(raw)? {
        document @ Value::Object(_) => Ok(document),
        Value::Array(_) => Err(Stranger::new(raw, "a list where an object belongs")),
        _ => Err(Stranger::new(raw, "no object")),
    }
}

/// No body: nothing tells it from a stranger's but ARM's request id.
pub(super) fn empty(raw: &RawAnswer) -> Result<(), Stranger> {
    match raw.request_id {
        Some(_) => Ok(()),
        None => Err(Stranger::new(raw, "no body and no `x-ms-request-id`")),
    }
}

/// The document of this resource and of no other one; Azure writes ids in cases of its own.
pub(super) fn document_of(raw: &RawAnswer, id: &ResourceId) -> Result<Resource, Stranger> {
    let document = object(raw)?;
    let Some(found) = document["id"].as_str() else { return Err(Stranger::new(raw, "no `id` in it")) };
    if !found.eq_ignore_ascii_case(id.path()) {
        return Err(Stranger::new(raw, format!("the document of `{}`", shown(found))));
    }
    read(raw, document)
}

fn read(raw: &RawAnswer, document: Value) -> Result<Resource, Stranger> {
    Resource::read(document).map_err(|why| unreadable(raw, &why))
}

fn unreadable(raw: &RawAnswer, why: &str) -> Stranger {
    Stranger::new(raw, format!("a document that cannot be read: {why}"))
}

fn json(raw: &RawAnswer) -> Result<Value, Stranger> {
    if raw.is_cut {
        return Err(Stranger::new(raw, "too long"));
    }
    if raw.is_empty() {
        return Err(Stranger::new(raw, "no body"));
    }
    serde_json::from_slice(&raw.body)
        .map_err(|error| Stranger::new(raw, if error.is_eof() { "JSON that ends too early" } else { "no JSON" }))
}

fn begun(raw: &RawAnswer, document: Option<Value>) -> Begun {
    Begun {
        status: raw.status,
        azure_async_operation: raw.azure_async_operation.clone(),
        location: raw.location.clone(),
        retry_after: raw.retry_after,
        request_id: raw.request_id.clone(),
        state: None,
        document,
    }
}

#[cfg(test)]
mod tests;
