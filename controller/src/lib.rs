//! The platform's service on the cluster. It follows the services of the swarm and the certificates in etcd, and serves one configuration to
//! every router: services -> sites, documents -> certificates, both -> configuration of Caddy. It orders certificates when it is told to.
//!
//! It runs on managers, where Docker's socket knows the whole swarm. Routers ask it once a second; it never asks them.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod acme;
pub mod ask;
pub mod asked;
pub mod caddy;
pub mod certificate;
pub mod certificates;
pub mod cli;
pub mod engine;
pub mod etcd;
pub mod follow;
pub mod outbound;
mod proxy;
pub mod server;
pub mod shown;
pub mod site;
