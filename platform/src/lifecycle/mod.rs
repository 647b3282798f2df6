//! A bundle's way through its life on a cluster: checked, installed, started, changed, removed. Every step can be
//! repeated; a run that was killed is completed by the same command.

mod health;
mod install;
mod instances;
pub(crate) mod name_resolution;
mod need_swarm;
mod preflight;
mod remove;
mod scale;
mod start;
mod state;
mod stop;
mod take_in;
mod upgrade;

pub(crate) use crate::installation::Installation;
pub(crate) use install::{Installed, install};
pub(crate) use instances::restart_instances;
pub(crate) use need_swarm::need_swarm;
pub(crate) use preflight::preflight;
pub(crate) use remove::uninstall;
pub(crate) use scale::{Scale, scale};
pub(crate) use start::{rolling_restart, start};
pub(crate) use state::{ComponentState, InstanceState, states};
pub(crate) use stop::stop;
pub(crate) use upgrade::upgrade;

use std::collections::BTreeSet;

/// Names of the components that a command is about.
pub(crate) type Selection = BTreeSet<String>;
