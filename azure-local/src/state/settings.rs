//! What the control endpoints set: the account's subscriptions, providers, limits and catalogues.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arm::id::SUBSCRIPTION;

/// Everything that can be set. A journal that lacks a member gets its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The subscriptions that the token can see.
    pub subscriptions: Vec<Subscription>,
    /// Lower-case namespaces that no subscription is registered for.
    pub unregistered_providers: Vec<String>,
    /// Lower-case namespaces that are being registered, with the number of GETs that still see that.
    pub registering_providers: BTreeMap<String, u32>,
    /// Sizes that the subscription may not use.
    pub sku_restrictions: Vec<SkuRestriction>,
    /// What galleries and community galleries hold.
    pub gallery_images: Vec<GalleryImage>,
    /// Limits by lower-case name of the usage, or by `region/name`; `cores` is the one over all families.
    pub quotas: BTreeMap<String, u64>,
    /// DNS labels that count as taken by somebody else.
    pub reserved_dns_labels: Vec<String>,
    /// Types whose creation a policy denies.
    pub policies: Vec<Policy>,
    /// Marketplace agreements that were accepted, as `subscription/publisher/offer/plan` in lower case.
    pub accepted_terms: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            subscriptions: vec![Subscription::first()],
            unregistered_providers: Vec::new(),
            registering_providers: BTreeMap::new(),
            sku_restrictions: Vec::new(),
            gallery_images: vec![GalleryImage::flatcar()],
            quotas: BTreeMap::new(),
            reserved_dns_labels: Vec::new(),
            policies: Vec::new(),
            accepted_terms: Vec::new(),
        }
    }
}

impl Settings {
    /// The subscription with this id, in any case.
    pub(crate) fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id))
    }
}

/// `state` of a subscription.
/// Source: <https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SubscriptionState {
    Enabled,
    Warned,
    PastDue,
    Disabled,
    Deleted,
}

/// A subscription as the control endpoint takes and shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    /// A GUID in lower case.
    pub id: String,
    #[serde(default = "default_display_name")]
    pub display_name: String,
    #[serde(default = "enabled")]
    pub state: SubscriptionState,
    #[serde(default = "default_tenant")]
    pub tenant_id: String,
    /// The offer behind it, such as `FreeTrial_2014-09-01`.
    #[serde(default = "default_quota_id")]
    pub quota_id: String,
}

impl Subscription {
    fn first() -> Self {
        Self {
            id: SUBSCRIPTION.to_owned(),
            display_name: default_display_name(),
            state: enabled(),
            tenant_id: default_tenant(),
            quota_id: default_quota_id(),
        }
    }
}

fn default_display_name() -> String {
    "azure-local".to_owned()
}

fn enabled() -> SubscriptionState {
    SubscriptionState::Enabled
}

fn default_tenant() -> String {
    "00000000-0000-4000-8000-000000000002".to_owned()
}

fn default_quota_id() -> String {
    "PayAsYouGo_2014-09-01".to_owned()
}

/// Why a size may not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RestrictionReason {
    /// The offer behind the subscription has no such size.
    QuotaId,
    NotAvailableForSubscription,
}

/// A size that the subscription may not use in a region or in some of its zones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkuRestriction {
    pub size: String,
    pub location: String,
    /// The whole region when empty.
    #[serde(default)]
    pub zones: Vec<String>,
    #[serde(default = "not_available")]
    pub reason: RestrictionReason,
}

fn not_available() -> RestrictionReason {
    RestrictionReason::NotAvailableForSubscription
}

/// An image definition of a gallery, with its versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GalleryImage {
    /// The group of a gallery of one's own; a community gallery has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// The gallery's name, or the public name of a community gallery.
    pub gallery: String,
    pub image: String,
    /// Oldest first.
    pub versions: Vec<String>,
    /// The regions it was replicated to; all when empty.
    #[serde(default)]
    pub locations: Vec<String>,
    /// `x64` or `Arm64`.
    #[serde(default = "x64")]
    pub architecture: String,
    /// `V1` or `V2`.
    #[serde(default = "second_generation")]
    pub hyper_v_generation: String,
}

impl GalleryImage {
    /// Flatcar's community gallery.
    /// Source: <https://www.flatcar.org/docs/latest/installing/cloud/azure/>
    fn flatcar() -> Self {
        Self {
            resource_group: None,
            gallery: "flatcar-23485951-527a-48d6-9d11-6931ff0afc2e".to_owned(),
            image: "flatcar-stable-amd64".to_owned(),
            versions: vec!["4459.2.3".to_owned(), "4593.2.5".to_owned()],
            locations: Vec::new(),
            architecture: x64(),
            hyper_v_generation: second_generation(),
        }
    }
}

fn x64() -> String {
    "x64".to_owned()
}

fn second_generation() -> String {
    "V2".to_owned()
}

/// A policy that denies the creation of a type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// Such as `Microsoft.Network/publicIPAddresses`.
    #[serde(rename = "type")]
    pub resource_type: String,
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_journal_has_the_defaults_of_what_it_does_not_know() {
        let older = r#"{"quotas":{"regional":4},"reserved_dns_labels":["taken"],"policies":[],"accepted_terms":[]}"#;
        let settings: Settings = serde_json::from_str(older).expect("settings");
        assert_eq!(settings.reserved_dns_labels, ["taken"]);
        assert_eq!(settings.subscriptions, Settings::default().subscriptions);
        assert!(settings.subscription(&SUBSCRIPTION.to_uppercase()).is_some());
    }
}
