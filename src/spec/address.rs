//! The cluster's private addresses, fixed before anything exists so that etcd's members can name each other.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Addresses of a subnet that Azure keeps for itself: the network's own and the next three; the last one as well.
/// <https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq>
const RESERVED_FIRST_ADDRESSES: u32 = 4;

/// The one virtual network that a cluster gets.
///
/// It keeps clear of 10.0.0.0/12 (what most office and peered networks use, and Swarm's default pool begins there) and
/// of 172.16.0.0/12 and 192.168.0.0/16 (Docker's default bridges).
pub struct NodeNetwork;

impl NodeNetwork {
    /// The virtual network's address space.
    pub fn address_space() -> Ipv4Net {
        Ipv4Net::new_assert(Ipv4Addr::new(10, 32, 0, 0), 16)
    }

    /// The subnet of the nodes: 4091 usable addresses.
    pub fn subnet() -> Ipv4Net {
        Ipv4Net::new_assert(Ipv4Addr::new(10, 32, 0, 0), 20)
    }

    /// The static address of the node with this index, 0 to 999.
    pub fn address(index: u32) -> Ipv4Addr {
        let first = u32::from(Self::subnet().network()) + RESERVED_FIRST_ADDRESSES;
        Ipv4Addr::from(first + index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_start_behind_what_azure_keeps() {
        for (index, address) in
            [(0, "10.32.0.4"), (1, "10.32.0.5"), (251, "10.32.0.255"), (252, "10.32.1.0"), (999, "10.32.3.235")]
        {
            assert_eq!(NodeNetwork::address(index).to_string(), address);
            assert!(NodeNetwork::subnet().contains(&NodeNetwork::address(index)));
        }
    }
}
