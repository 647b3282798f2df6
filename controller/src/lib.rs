//! The platform's service on the cluster. It follows the services of the swarm, and serves one configuration to every router:
//! services -> sites -> configuration of Caddy.
//!
//! It runs on managers, where Docker's socket knows the whole swarm. Routers ask it once a second; it never asks them.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod ask;
pub mod asked;
pub mod caddy;
pub mod cli;
pub mod engine;
pub mod follow;
mod proxy;
pub mod server;
pub mod site;
