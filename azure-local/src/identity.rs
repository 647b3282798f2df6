//! Managed identities: user-assigned ones as resources, and the `identity` of a virtual machine.
//! Sources: <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities>,
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview>

use serde_json::{Map, Value, json};

use crate::arm::document::{choice, text};
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, key};
use crate::arm::kind::Kind;
use crate::arm::refusal::invalid;
use crate::draft::Draft;
use crate::latency::stable_hash;
use crate::state::State;
use crate::state::resource::Resource;
use crate::subscription;

/// Completes the draft of a user-assigned identity: all of it is computed.
pub(crate) fn complete(draft: &mut Draft<'_>) {
    if let Some(properties) = draft.document["properties"].as_object_mut() {
        for computed in ["tenantId", "principalId", "clientId"] {
            properties.remove(computed);
        }
    }
}

/// Checks the `identity` of a VM's draft, and takes out of it what Azure computes.
pub(crate) fn complete_member(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    let Some(identity) = draft.document.get("identity").cloned() else {
        return Ok(());
    };
    let mut given = identity.clone();
    if let Some(kind) = text(&identity, "/type") {
        // Azure takes the two in one with and without the space.
        given["type"] = json!(kind.split(',').map(str::trim).collect::<Vec<_>>().join(", "));
    }
    let allowed = ["None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned"];
    let kind = choice(&given, "/type", &allowed, None)
        .map_err(|error| invalid("resourceIdentity.type", error.failure.message))?;
    let mut assigned: Vec<&String> =
        identity["userAssignedIdentities"].as_object().into_iter().flatten().map(|(id, _)| id).collect();
    assigned.sort_unstable();
    if kind.contains("UserAssigned") == assigned.is_empty() {
        return Err(invalid(
            "resourceIdentity.identityIds",
            if assigned.is_empty() {
                format!("ResourceIdentity identityIds must be provided if the type is \"{kind}\".")
            } else {
                format!("ResourceIdentity identityIds should not be provided if the type is \"{kind}\".")
            },
        ));
    }
    for id in &assigned {
        // An identity may be in any group and region.
        let is_there = ResourceId::parse(id).is_some_and(|parsed| parsed.kind == Kind::UserAssignedIdentity)
            && draft.state.get(&key(id)).is_some();
        if !is_there {
            return Err(ArmError::bad(
                "FailedIdentityOperation",
                format!(
                    "Identity operation for resource '{}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{{\"error\":{{\"code\":\"BadRequest\",\"message\":\"Resource '{id}' was not found.\"}}}}'.'.",
                    draft.id.text()
                ),
            ));
        }
    }
    let mut stored = json!({ "type": kind });
    if !assigned.is_empty() {
        stored["userAssignedIdentities"] =
            Value::Object(assigned.into_iter().map(|id| (id.clone(), json!({}))).collect::<Map<_, _>>());
    }
    if let Some(document) = draft.document.as_object_mut() {
        document.remove("identity");
        if kind != "None" {
            document.insert("identity".to_owned(), stored);
        }
    }
    Ok(())
}

/// A GUID that follows from a resource and a purpose.
fn guid(resource: &Resource, purpose: &str) -> String {
    let half = |side: &str| stable_hash(&format!("{}/{purpose}/{side}", resource.unique_id)).to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&half("first"));
    bytes[8..].copy_from_slice(&half("second"));
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Adds what Azure computes for a user-assigned identity.
pub(crate) fn render(state: &State, identity: &Resource, answer: &mut Value) {
    answer["properties"]["tenantId"] = json!(subscription::tenant(state, &identity.id.subscription));
    answer["properties"]["principalId"] = json!(guid(identity, "principal"));
    answer["properties"]["clientId"] = json!(guid(identity, "client"));
}

/// Adds what Azure computes for the `identity` of a resource.
pub(crate) fn render_member(state: &State, resource: &Resource, answer: &mut Value) {
    let Some(identity) = answer.get_mut("identity") else {
        return;
    };
    if text(identity, "/type").is_some_and(|kind| kind.starts_with("SystemAssigned")) {
        identity["principalId"] = json!(guid(resource, "principal"));
        identity["tenantId"] = json!(subscription::tenant(state, &resource.id.subscription));
    }
    for (id, entry) in identity.get_mut("userAssignedIdentities").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(assigned) = state.get(&key(id)) {
            *entry = json!({ "principalId": guid(assigned, "principal"), "clientId": guid(assigned, "client") });
        }
    }
}
