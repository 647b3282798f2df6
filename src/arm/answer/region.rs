//! What Azure says of a region, and of names and addresses in it.

use serde::Deserialize;

/// A region of the subscription's.
/// <https://learn.microsoft.com/rest/api/resources/subscriptions/list-locations>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Region {
    /// `westeurope`.
    pub name: String,
}

/// How much of something is used, and how much may be.
/// <https://learn.microsoft.com/rest/api/compute/usage/list>, <https://learn.microsoft.com/rest/api/virtualnetwork/usages/list>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    pub name: UsageName,
    pub current_value: u64,
    pub limit: u64,
}

/// Of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UsageName {
    /// `cores`.
    pub value: String,
}

/// Whether a DNS label, or an address of a subnet, is free.
/// <https://learn.microsoft.com/rest/api/virtualnetwork/check-dns-name-availability>,
/// <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/check-ip-address-availability>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Availability {
    pub available: bool,
}

/// A service of Azure's, as the subscription has it.
/// <https://learn.microsoft.com/rest/api/resources/providers/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provider {
    /// `Registered`, `Registering`, `NotRegistered`, ….
    pub registration_state: String,
}
