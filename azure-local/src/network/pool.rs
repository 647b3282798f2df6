//! Members of a load balancer's backend pool: IP configurations of network interfaces.

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::arm::document::{list, text};
use crate::arm::kind::Kind;
use crate::state::State;
use crate::state::resource::Resource;

/// The address of an IP configuration's document.
pub(crate) fn configuration_address(configuration: &Value) -> Option<Ipv4Addr> {
    text(configuration, "/properties/privateIPAddress")?.parse().ok()
}

/// The NICs whose IP configurations are members of a pool, with those configurations.
pub(crate) fn members<'a>(state: &'a State, pool_key: &'a str) -> impl Iterator<Item = (&'a Resource, &'a Value)> {
    state.of_kind(Kind::NetworkInterface).filter(|nic| nic.refers_to(pool_key)).flat_map(move |nic| {
        list(&nic.document, "/properties/ipConfigurations")
            .iter()
            .filter(move |entry| joins(entry, pool_key))
            .map(move |entry| (nic, entry))
    })
}

/// Whether an IP configuration is a member of a pool.
pub(crate) fn joins(configuration: &Value, pool_key: &str) -> bool {
    list(configuration, "/properties/loadBalancerBackendAddressPools")
        .iter()
        .any(|pool| text(pool, "/id").is_some_and(|id| id.eq_ignore_ascii_case(pool_key)))
}
