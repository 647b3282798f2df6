//! Subscriptions and tenants as the control endpoints set them, and which of them take writes.
//! Source: <https://learn.microsoft.com/rest/api/resources/subscriptions>

use axum::http::Method;
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::state::State;
use crate::state::settings::{Subscription, SubscriptionState};

/// Checks subscriptions that a control request sets: ids are GUIDs, no two the same.
pub(crate) fn check_setting(mut subscriptions: Vec<Subscription>) -> Result<Vec<Subscription>, String> {
    let mut seen: Vec<String> = Vec::new();
    for subscription in &mut subscriptions {
        subscription.id.make_ascii_lowercase();
        if uuid::Uuid::try_parse(&subscription.id).is_err() || subscription.id.len() != 36 {
            return Err(format!("`{}` is not a GUID", subscription.id));
        }
        if seen.contains(&subscription.id) {
            return Err(format!("`{}` is there twice", subscription.id));
        }
        seen.push(subscription.id.clone());
    }
    Ok(subscriptions)
}

/// Refuses a subscription that is not there, and what changes one that is read-only. Deletions stay possible.
pub(crate) fn check_access(state: &State, id: &str, method: &Method) -> Result<(), ArmError> {
    let subscription = find(state, id)?;
    let is_read_only = matches!(subscription.state, SubscriptionState::Disabled | SubscriptionState::Deleted);
    if is_read_only && (*method == Method::PUT || *method == Method::POST || *method == Method::PATCH) {
        return Err(ArmError::conflict(
            "ReadOnlyDisabledSubscription",
            format!(
                "The subscription '{id}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled."
            ),
        ));
    }
    Ok(())
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Subscription, ArmError> {
    state.settings().subscription(id).ok_or_else(|| {
        ArmError::missing("SubscriptionNotFound", format!("The subscription '{id}' could not be found."))
    })
}

/// The tenant of a subscription; that of none is empty.
pub(crate) fn tenant<'a>(state: &'a State, id: &str) -> &'a str {
    state.settings().subscription(id).map_or("", |subscription| subscription.tenant_id.as_str())
}

/// `GET /subscriptions/{id}`.
pub(crate) fn document(state: &State, id: &str) -> Result<Value, ArmError> {
    find(state, id).map(entry)
}

/// `GET /subscriptions`.
pub(crate) fn list(state: &State) -> Value {
    let subscriptions = &state.settings().subscriptions;
    json!({
        "value": subscriptions.iter().map(entry).collect::<Vec<_>>(),
        "count": { "type": "Total", "value": subscriptions.len() },
    })
}

/// `GET /tenants`: those of the subscriptions.
pub(crate) fn tenants(state: &State) -> Value {
    let mut ids: Vec<&str> =
        state.settings().subscriptions.iter().map(|subscription| subscription.tenant_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let tenants = ids.into_iter().map(|id| {
        json!({
            "id": format!("/tenants/{id}"),
            "tenantId": id,
            "tenantCategory": "Home",
            "displayName": "azure-local",
            "defaultDomain": "azure-local.onmicrosoft.com",
            "domains": ["azure-local.onmicrosoft.com"],
            "tenantType": "AAD",
        })
    });
    json!({ "value": tenants.collect::<Vec<_>>() })
}

fn entry(subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant_id,
        "displayName": subscription.display_name,
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": subscription.quota_id,
            "spendingLimit": "Off",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_have_different_guids() {
        let guid = "00000000-0000-4000-8000-00000000000A";
        let table = [
            (json!([]), true),
            (json!([{ "id": guid }]), true),
            (json!([{ "id": guid }, { "id": guid.to_lowercase() }]), false),
            (json!([{ "id": "00000000000040008000000000000001" }]), false),
            (json!([{ "id": "mine" }]), false),
        ];
        for (subscriptions, good) in table {
            let parsed = serde_json::from_value(subscriptions.clone()).expect("subscriptions");
            assert_eq!(check_setting(parsed).is_ok(), good, "{subscriptions}");
        }
    }
}
