//! A Compose file as Docker Swarm can run it: text to a typed [`Stack`], and a stack to the specs that the Engine's API
//! takes. Read by bundles and by apps. Pure.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/spec.md>

mod duration;
mod interpolation;
mod naming;
mod read;
mod render;
mod service;
mod size;
mod stack;

pub use duration::{InvalidDuration, parse_duration};
pub use interpolation::{Variable, fill_in};
pub use naming::Naming;
pub use render::{NAMESPACE_LABEL, Rendered, RenderedConfig, RenderedService};
pub use service::{
    BindOptions, ConfigUse, Device, FileUse, HealthTest, Healthcheck, Logging, Mode, Mount, MountKind, NetworkUse,
    Order, Placement, Port, Propagation, Protocol, PublishMode, Resources, RestartCondition, RestartPolicy, SecretUse,
    Service, TmpfsOptions, Ulimit, UpdateConfig, UpdateFailureAction, VolumeOptions,
};
pub use size::{InvalidSize, in_units, parse_size};
pub(super) use stack::Examined;
pub use stack::{Config, Network, Parsed, Secret, Stack, Volume, Warning};

#[cfg(test)]
mod tests;
