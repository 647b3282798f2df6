//! A subscription, as Azure shows it to who is signed in.
//! <https://learn.microsoft.com/rest/api/resources/subscriptions/get>

use serde::Deserialize;

use crate::spec::{SubscriptionId, TenantId};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    #[serde(rename = "subscriptionId")]
    pub id: SubscriptionId,
    pub display_name: String,
    pub tenant_id: TenantId,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    pub state: String,
}
