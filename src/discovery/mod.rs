//! etcd's discovery protocol, version 2, which etcd 2 to 3.6 speaks: members register with a token's directory and wait
//! there until as many have come as the cluster has.
//!
//! [`Registry`] is the service's memory, pure; [`serve`] puts it on HTTP; `client` asks such a service before a cluster
//! is made. Called by `cli`.
//! <https://etcd.io/docs/v3.5/dev-internal/discovery_protocol/>

mod answer;
mod client;
mod event;
mod registry;
mod service;
mod store;
mod token;

pub(crate) use client::{DiscoveryError, check, new_token};
pub(crate) use service::{ServiceOptions, serve};
pub(crate) use store::check as check_state;
