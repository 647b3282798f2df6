//! The subscription: whether it can be written to, and whether Azure's services are switched on in it.

use serde_json::{Value, json};

use crate::arm::{Arm, ArmError, Provider, Subscription};
use report::Finding;
use report::Reporter;

/// What clusters are made of.
const NAMESPACES: [&str; 2] = ["Microsoft.Compute", "Microsoft.Network"];
/// Of images with a plan.
const MARKETPLACE: &str = "Microsoft.MarketplaceOrdering";
/// <https://learn.microsoft.com/rest/api/resources/providers>
const API_VERSION: &str = "2021-04-01";
/// Azure needs minutes where a service is new to a subscription.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(10 * 60);
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_secs(2);

/// Whether a subscription in this state takes writes.
/// <https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states>
pub(super) fn judge(subscription: &Subscription) -> Option<Finding> {
    let message = format!("`{}` is `{}`", subscription.display_name, subscription.state);
    match subscription.state.as_str() {
        "Enabled" => None,
        "Warned" | "PastDue" => Some(Finding::warning(
            "subscription",
            message,
            "its bill is due: see Cost Management + Billing in the portal",
        )),
        _ => Some(Finding::refusal(
            "subscription",
            message,
            "choose another --subscription, or reactivate it in the portal",
        )),
    }
}

/// The namespaces that are not registered; `with_plan` when the image asks for terms.
pub(super) async fn unregistered(
    arm: &Arm,
    subscription: &str,
    with_plan: bool,
) -> Result<Vec<&'static str>, ArmError> {
    let namespaces = NAMESPACES.into_iter().chain(with_plan.then_some(MARKETPLACE));
    let states = namespaces
        .map(|namespace| async move { Ok::<_, ArmError>((namespace, state(arm, subscription, namespace).await?)) });
    let states = futures::future::try_join_all(states).await?;
    // A namespace that Azure does not show is none that it would refuse.
    let missing = states.into_iter().filter(|(_, state)| state.as_deref().is_some_and(|state| state != "Registered"));
    Ok(missing.map(|(namespace, _)| namespace).collect())
}

async fn state(arm: &Arm, subscription: &str, namespace: &str) -> Result<Option<String>, ArmError> {
    let path = format!("/subscriptions/{subscription}/providers/{namespace}");
    let provider: Option<Provider> =
        arm.get_path(&format!("reading the provider {namespace}"), &path, API_VERSION).await?;
    Ok(provider.map(|provider| provider.registration_state))
}

/// Registers namespaces and waits until Azure has done it.
pub(crate) async fn register(
    arm: &Arm,
    subscription: &str,
    namespaces: &[&'static str],
    reporter: &Reporter,
) -> Result<(), ArmError> {
    for namespace in namespaces {
        reporter.note(format!("● provider {namespace}: registering; the first time takes minutes"));
        let path = format!("/subscriptions/{subscription}/providers/{namespace}/register");
        arm.post_path::<Value>(&format!("registering the provider {namespace}"), &path, API_VERSION, &json!({}))
            .await?;
    }
    let start = tokio::time::Instant::now();
    for namespace in namespaces {
        while state(arm, subscription, namespace).await?.as_deref() != Some("Registered") {
            if start.elapsed() > DEADLINE {
                let message = format!("it is not registered after {} minutes", DEADLINE.as_secs() / 60);
                let doing = format!("registering the provider {namespace}");
                return Err(ArmError::local(crate::arm::ArmErrorKind::Unreachable, doing, message));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Severity;

    #[test]
    fn states() {
        for (state, expected) in [
            ("Enabled", None),
            ("Warned", Some(Severity::Warning)),
            ("PastDue", Some(Severity::Warning)),
            ("Disabled", Some(Severity::Refusal)),
            ("Deleted", Some(Severity::Refusal)),
        ] {
            let subscription = json!({
                "subscriptionId": "00000000-0000-4000-8000-000000000001", "displayName": "Production",
                "tenantId": "00000000-0000-4000-8000-000000000002", "state": state,
            });
            let found = judge(&serde_json::from_value(subscription).unwrap());
            assert_eq!(found.map(|finding| finding.severity), expected, "{state}");
        }
    }
}
