//! Microsoft.Network: what each of its types demands of a PUT, and what it hands out.

pub mod address_availability;
pub mod interface;
pub mod load_balancer;
pub mod load_balancer_rules;
pub mod nat;
pub mod peering;
pub mod pool;
pub mod public_address;
pub mod security_group;
pub mod usage;
pub mod virtual_network;
