//! Turns what the user wrote, and what an earlier run settled, into a [`ClusterSpec`](crate::spec::ClusterSpec); finds
//! every mistake at once.
//!
//! Precedence: default < earlier run of the same cluster < cluster.yaml < environment < flag. Pure: files were read by the
//! caller.

mod availability;
mod discovery;
mod environment;
mod file;
mod given;
mod input;
mod machine;
mod network;
mod origins;
pub mod parameter;
mod ports;
mod reference;
mod resolve;
mod resolver;
mod schema;
mod settled;
mod user_data;

pub use environment::{OTHER_VARIABLES, from_environment};
pub use file::from_file;
pub use given::{Given, Values};
pub use input::{ClusterInput, InputFile};
pub use origins::{Resolved, origins};
pub use reference::reference;
pub use resolve::{resolve, resolve_before_machines};
pub use schema::{schema, schema_text};
