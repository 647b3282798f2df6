//! Provisions clusters of CoreOS-style machines on Azure and bootstraps what runs on them.
//!
//! One direction, one type per stage: flags make a `config::ClusterInput`, validation a `spec::ClusterSpec`, what
//! Azure answers a `spec::SettledSpec`, comparison with Azure a `plan::Plan`, execution what Azure holds, and that a
//! `nodes::inventory::Inventory`. `config`, `spec`, `plan`, `userdata` and `outputs` are pure; `arm`, `discovery`, `execute` and
//! `readiness` are async; only `cli` prints.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub(crate) mod arm;
pub mod cli;
pub mod config;
pub(crate) mod directory;
pub(crate) mod discovery;
pub(crate) mod execute;
pub mod local;
pub(crate) mod membership;
pub mod outputs;
pub mod pki;
pub mod plan;
pub(crate) mod preflight;
pub(crate) mod readiness;
pub mod spec;
pub mod userdata;
