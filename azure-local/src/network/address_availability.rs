//! `virtualNetworks/{v}/CheckIPAddressAvailability`: whether a NIC could have an address, and what else is free.
//! Source: <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/check-ip-address-availability>

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::arm::document::{list, text};
use crate::arm::error::ArmError;
use crate::arm::id::key;
use crate::network::interface::taken_addresses;
use crate::network::virtual_network::{is_reserved, subnet_range};
use crate::state::State;
use crate::state::resource::Resource;

/// Addresses that are named when the one asked for cannot be had.
const SUGGESTIONS: usize = 5;

/// The answer for `address`, which must be in one of the network's subnets.
pub(crate) fn document(state: &State, network: &Resource, address: &str) -> Result<Value, ArmError> {
    let wanted: Ipv4Addr = address.parse().map_err(|_| {
        ArmError::bad("InvalidIPAddressFormat", format!("The IP address {address} is not a valid IPv4 address."))
            .target("ipAddress")
    })?;
    let (subnet, range) = list(&network.document, "/properties/subnets")
        .iter()
        .filter_map(|subnet| Some((subnet, subnet_range(subnet)?)))
        .find(|(_, range)| range.contains(&wanted))
        .ok_or_else(|| {
            ArmError::bad(
                "PrivateIPAddressNotInAnySubnet",
                format!(
                    "Private static IP address {wanted} does not belong to the range of any subnet in the virtual network {}.",
                    network.id.text()
                ),
            )
        })?;
    let subnet_key = key(text(subnet, "/id").unwrap_or_default());
    let taken: Vec<Ipv4Addr> = taken_addresses(state, &subnet_key, None).map(|(address, _)| address).collect();
    let is_platforms = is_reserved(range, wanted);
    if !is_platforms && !taken.contains(&wanted) {
        return Ok(json!({ "available": true, "isPlatformReserved": false }));
    }
    let free: Vec<String> = range
        .hosts()
        .filter(|other| !is_reserved(range, *other) && !taken.contains(other))
        .take(SUGGESTIONS)
        .map(|other| other.to_string())
        .collect();
    Ok(json!({ "available": false, "availableIPAddresses": free, "isPlatformReserved": is_platforms }))
}
