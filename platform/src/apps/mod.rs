//! Apps: what a platform is for. An app has a name, domains, a configuration and numbered releases; its services run in
//! the swarm behind the platform's router. Its document is in etcd, everything else in the swarm.
//!
//! `cli/platform/apps` calls it. Every change is first recorded and then rolled out, so that the same command again goes
//! on where one was cut short.

mod app;
mod compose_file;
mod config;
mod configure;
mod create;
mod deploy;
mod destroy;
mod image;
mod image_on_node;
mod images;
mod name;
mod outdated;
mod port;
mod processes;
mod record;
mod release;
mod render;
mod restart;
mod roll_out;
mod rollback;
mod route;
pub(crate) mod rules;
mod scale;
mod scaling;
mod vanguard;
mod volumes;

pub use app::{App, Begun, NoRollback};
pub use config::{Config, ConfigChange, InvalidConfig};
pub use deploy::Deployment;
pub use destroy::Destroyed;
pub use image::title as image_title;
pub use name::{AppName, InvalidAppName, target_name};
pub(crate) use outdated::Outdated;
pub use processes::{Process, ServiceState};
pub use record::Apps;
pub use release::{Content, ImageOptions, Release, ReleaseState, Source};
pub use render::render;
pub use roll_out::Wait;
pub use routing::{Domain, InvalidDomain, Rules};
