//! Resource providers: their registration, and the refusal of what belongs to one that is not registered.
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types>

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::state::State;

/// The providers that there are, and whether they need no registration.
const PROVIDERS: &[(&str, bool)] = &[
    ("Microsoft.Compute", false),
    ("Microsoft.ManagedIdentity", false),
    ("Microsoft.MarketplaceOrdering", true),
    ("Microsoft.Network", false),
    ("Microsoft.Resources", true),
];

/// GETs that still answer `Registering` after a registration was asked for; on Azure it takes minutes.
const POLLS_WHILE_REGISTERING: u32 = 2;

/// The name of a provider in ARM's case; 404 when there is none.
pub(crate) fn find(namespace: &str) -> Result<&'static str, ArmError> {
    known(namespace).map(|(name, _)| *name).ok_or_else(|| {
        ArmError::missing("InvalidResourceNamespace", format!("The resource namespace '{namespace}' is invalid."))
    })
}

fn known(namespace: &str) -> Option<&'static (&'static str, bool)> {
    PROVIDERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(namespace))
}

/// Checks the namespaces that a control request takes the registration from.
pub(crate) fn check_setting(namespaces: Vec<String>) -> Result<Vec<String>, String> {
    match namespaces.iter().find(|namespace| known(namespace).is_none_or(|(_, is_free)| *is_free)) {
        Some(bad) => Err(format!("`{bad}` is not a provider that needs a registration")),
        None => Ok(namespaces.into_iter().map(|namespace| namespace.to_ascii_lowercase()).collect()),
    }
}

/// Refuses what belongs to a provider whose registration has not ended.
pub(crate) fn check_registered(state: &State, namespace: &str) -> Result<(), ArmError> {
    let namespace_key = namespace.to_ascii_lowercase();
    let settings = state.settings();
    if !settings.unregistered_providers.contains(&namespace_key)
        && !settings.registering_providers.contains_key(&namespace_key)
    {
        return Ok(());
    }
    let name = find(namespace)?;
    let message = format!(
        "The subscription is not registered to use namespace '{name}'. See https://aka.ms/rps-not-found for how to register subscriptions."
    );
    Err(ArmError::conflict("MissingSubscriptionRegistration", message.as_str())
        .target(name)
        .detail("MissingSubscriptionRegistration", message))
}

fn registration(state: &State, name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    let settings = state.settings();
    if settings.registering_providers.contains_key(&name) {
        "Registering"
    } else if settings.unregistered_providers.contains(&name) {
        "NotRegistered"
    } else {
        "Registered"
    }
}

/// `GET /subscriptions/{subscription}/providers`.
pub(crate) fn list(state: &State, subscription: &str) -> Value {
    json!({ "value": PROVIDERS.iter().map(|(name, _)| document(state, subscription, name)).collect::<Vec<_>>() })
}

/// `GET /subscriptions/{subscription}/providers/{namespace}`; brings a registration one step further.
pub(crate) fn get(state: &mut State, subscription: &str, namespace: &str) -> Result<Value, ArmError> {
    let name = find(namespace)?;
    let answer = document(state, subscription, name);
    let key = name.to_ascii_lowercase();
    if let Some(polls) = state.settings().registering_providers.get(&key).copied() {
        state.change_settings(|settings| {
            if polls > 1 {
                settings.registering_providers.insert(key, polls - 1);
            } else {
                settings.registering_providers.remove(&key);
            }
        });
    }
    Ok(answer)
}

/// `POST …/register`.
pub(crate) fn register(state: &mut State, subscription: &str, namespace: &str) -> Result<Value, ArmError> {
    let name = find(namespace)?;
    let key = name.to_ascii_lowercase();
    if state.settings().unregistered_providers.contains(&key) {
        state.change_settings(|settings| {
            settings.unregistered_providers.retain(|unregistered| *unregistered != key);
            settings.registering_providers.insert(key, POLLS_WHILE_REGISTERING);
        });
    }
    Ok(document(state, subscription, name))
}

fn document(state: &State, subscription: &str, name: &str) -> Value {
    let regions: Vec<&str> = location::REGIONS.iter().map(|region| location::title(region.name)).collect();
    let types: Vec<Value> = Kind::of_namespace(name)
        .map(|kind| {
            let mut entry = json!({
                "resourceType": kind.collection(),
                "locations": regions,
                "apiVersions": kind.api_versions().iter().rev().collect::<Vec<_>>(),
                "capabilities": "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SupportsTags, SupportsLocation",
            });
            if kind.has_zones() {
                let mappings = location::REGIONS.iter().filter_map(|region| {
                    let zones = location::zones(region.name);
                    (!zones.is_empty()).then(|| json!({ "location": location::title(region.name), "zones": zones }))
                });
                entry["zoneMappings"] = json!(mappings.collect::<Vec<_>>());
            }
            entry
        })
        .collect();
    let is_free = known(name).is_some_and(|(_, is_free)| *is_free);
    json!({
        "id": format!("/subscriptions/{subscription}/providers/{name}"),
        "namespace": name,
        "registrationState": registration(state, name),
        "registrationPolicy": if is_free { "RegistrationFree" } else { "RegistrationRequired" },
        "resourceTypes": types,
    })
}
