//! The extra interface by which a guest reaches the world, and the host reaches the guest: QEMU's user network.
//!
//! Its addresses are from the range for benchmarks (RFC 2544), which no virtual network uses.

use std::net::Ipv4Addr;

use super::folder::short_hash;

/// The user network.
pub(super) const NETWORK: &str = "198.18.0.0/24";

/// The host's loopback as a guest sees it, and its default gateway.
pub const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);

/// QEMU's name server, which asks the host's. `etc/resolv.conf` of the image names it.
pub(super) const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 3);

/// The guest itself.
pub(super) const GUEST_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 15);

/// Length of the network's prefix.
pub(super) const PREFIX_LENGTH: u8 = 24;

/// QEMU's name for the network.
pub(super) const NETDEV: &str = "out";

/// The interface's address, stable for a machine and locally administered.
pub(super) fn mac_address(id: &str) -> String {
    let hash = short_hash(id);
    format!("52:54:00:{}:{}:{}", &hash[..2], &hash[2..4], &hash[4..6])
}
