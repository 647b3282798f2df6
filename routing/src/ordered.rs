//! How orders of certificates stand, as etcd keeps it: `platform-controller` writes it, `platformctl` tells it.

use serde::{Deserialize, Serialize};

use crate::Domain;

/// Below this, one document a domain.
pub const ORDER_STATES: &str = "/platform/.acme/domains/";
/// One document: what keeps all orders from being made, such as a limit of the authority's.
pub const ORDERS_PAUSED: &str = "/platform/.acme/paused";

/// How the certificate of one domain stands. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// When its certificate ends; none before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<i64>,
    /// When it is renewed, two thirds into its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_at: Option<i64>,
    /// Why the last order came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// Why an order came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The authority's words, or why it could not be asked.
    pub said: String,
    /// Seconds since 1970.
    pub at: i64,
    /// How many orders failed one after the other; 1 or more.
    pub failures: u32,
    /// When it is ordered again, seconds since 1970.
    pub next_try: i64,
}

/// Where the state of a domain's order is.
pub fn order_state_key(domain: &Domain) -> String {
    format!("{ORDER_STATES}{domain}")
}
