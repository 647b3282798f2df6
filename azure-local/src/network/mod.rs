//! Microsoft.Network: what each of its types demands of a PUT, and what it hands out.

pub(crate) mod address_availability;
pub(crate) mod interface;
pub(crate) mod load_balancer;
pub(crate) mod load_balancer_rules;
pub(crate) mod nat;
pub(crate) mod peering;
pub(crate) mod pool;
pub(crate) mod public_address;
pub(crate) mod security_group;
pub(crate) mod usage;
pub(crate) mod virtual_network;
