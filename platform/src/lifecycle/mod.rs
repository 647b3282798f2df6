//! A bundle's way through its life on a cluster: checked, installed, started, changed, removed. Every step can be
//! repeated; a run that was killed is completed by the same command.

mod health;
mod install;
mod instances;
mod name_resolution;
mod preflight;
mod remove;
mod scale;
mod start;
mod state;
mod stop;
mod upgrade;

pub use crate::installation::Installation;
pub use install::{BUNDLE_LABEL, Installed, install};
pub use instances::restart_instances;
pub use preflight::preflight;
pub use remove::uninstall;
pub use scale::{Scale, scale};
pub use start::{rolling_restart, start};
pub use state::{ComponentState, InstanceState, states};
pub use stop::stop;
pub use upgrade::upgrade;

use std::collections::BTreeSet;

/// Names of the components that a command is about.
pub type Selection = BTreeSet<String>;
