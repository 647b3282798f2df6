//! The cluster's private addresses, fixed before anything exists so that etcd's members can name each other.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// Addresses of a subnet that Azure keeps for itself: the network's own and the next three.
/// <https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq>
pub const RESERVED_FIRST_ADDRESSES: u32 = 4;
/// The last one as well.
const RESERVED_ADDRESSES: u32 = RESERVED_FIRST_ADDRESSES + 1;
/// The nodes' subnet is no larger than this: 4091 usable addresses.
const SUBNET_PREFIX_BITS: u8 = 20;
/// Azure's smallest subnet.
const LONGEST_PREFIX_BITS: u8 = 29;
/// Azure's largest address space.
const SHORTEST_PREFIX_BITS: u8 = 8;

/// The address space of a virtual network that is the cluster's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressSpace(Ipv4Net);

/// Why an address space was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("address space `{text}` {why}")]
pub struct InvalidAddressSpace {
    text: String,
    why: &'static str,
}

impl Default for AddressSpace {
    /// It keeps clear of 10.0.0.0/12 (what most office and peered networks use, and Swarm's default pool begins there) and
    /// of 172.16.0.0/12 and 192.168.0.0/16 (Docker's default bridges).
    fn default() -> Self {
        Self(Ipv4Net::new_assert(Ipv4Addr::new(10, 32, 0, 0), 16))
    }
}

impl AddressSpace {
    /// The whole of it.
    pub fn range(self) -> Ipv4Net {
        self.0
    }

    /// The subnet of the nodes, the first part of it.
    pub fn subnet(self) -> Ipv4Net {
        Ipv4Net::new(self.0.network(), self.0.prefix_len().max(SUBNET_PREFIX_BITS)).unwrap_or(self.0)
    }

    /// How many nodes have room.
    pub fn nodes(self) -> u32 {
        usable_addresses(self.subnet())
    }

    /// The static address of the node with this index, below [`nodes`](Self::nodes).
    pub fn address(self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.0.network()) + RESERVED_FIRST_ADDRESSES + index)
    }
}

/// How many addresses of a subnet machines can have.
pub fn usable_addresses(subnet: Ipv4Net) -> u32 {
    let all = 1_u64 << (32 - u32::from(subnet.prefix_len()));
    u32::try_from(all.saturating_sub(RESERVED_ADDRESSES.into())).unwrap_or(u32::MAX)
}

impl FromStr for AddressSpace {
    type Err = InvalidAddressSpace;

    fn from_str(text: &str) -> Result<Self, InvalidAddressSpace> {
        let invalid = |why| Err(InvalidAddressSpace { text: text.to_owned(), why });
        let Ok(range) = text.parse::<Ipv4Net>() else {
            return invalid("is not an IPv4 range such as 10.32.0.0/16");
        };
        if range.trunc() != range {
            return invalid("has bits behind its prefix");
        }
        if !(SHORTEST_PREFIX_BITS..=LONGEST_PREFIX_BITS).contains(&range.prefix_len()) {
            return invalid("must have a prefix of 8 to 29 bits");
        }
        let private = [(10, 0, 8), (172, 16, 12), (192, 168, 16), (100, 64, 10)];
        let is_private =
            |(first, second, bits)| Ipv4Net::new_assert(Ipv4Addr::new(first, second, 0, 0), bits).contains(&range);
        match private.into_iter().any(is_private) {
            true => Ok(Self(range)),
            false => invalid("is not private: choose from 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"),
        }
    }
}

impl fmt::Display for AddressSpace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

stands_as_text!(AddressSpace, InvalidAddressSpace);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_start_behind_what_azure_keeps() {
        let space = AddressSpace::default();
        assert_eq!((space.subnet().to_string().as_str(), space.nodes()), ("10.32.0.0/20", 4091));
        for (index, address) in
            [(0, "10.32.0.4"), (1, "10.32.0.5"), (251, "10.32.0.255"), (252, "10.32.1.0"), (999, "10.32.3.235")]
        {
            assert_eq!(space.address(index).to_string(), address);
            assert!(space.subnet().contains(&space.address(index)));
        }
    }

    #[test]
    fn spaces() {
        for (text, expected) in [
            ("192.168.7.0/28", Ok(("192.168.7.0/28", 11))),
            ("172.20.0.0/14", Ok(("172.20.0.0/20", 4091))),
            ("10.0.0.1/8", Err("bits behind its prefix")),
            ("10.0.0.0/30", Err("8 to 29 bits")),
            ("8.8.0.0/16", Err("is not private")),
            ("ten", Err("is not an IPv4 range")),
        ] {
            match (text.parse::<AddressSpace>(), expected) {
                (Ok(space), Ok(expected)) => {
                    assert_eq!((space.subnet().to_string().as_str(), space.nodes()), expected);
                }
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
