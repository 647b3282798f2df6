//! The platform on a cluster: an engine (Docker Swarm), settings (etcd), bundles of components, and apps.
//!
//! `cli/platform` calls it with an inventory; everything travels over SSH. Nothing here prints.

pub mod cluster;
pub mod store;
pub mod swarm;
