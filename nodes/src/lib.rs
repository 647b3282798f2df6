//! Turns an inventory into nodes that can be talked to: SSH with pinned host keys, one connection per node that is made
//! again when it was lost, and over it commands, Docker, etcd and ports. `readiness` and the platform call it.

pub mod base_directory;
pub mod clock;
pub mod cluster;
pub mod clusters;
pub mod etcd;
pub mod inventory;
mod natural_order;
pub mod portable_path;
pub mod ports;
pub mod ssh;
pub mod system_state;

pub use natural_order::natural_order;
