//! A local Azure Resource Manager: the other side of every request that the provisioning library sends.
//!
//! It shares no type with the client: documents are raw JSON, and the rules are Azure's, written down a second time.

mod answer;
mod arm;
mod authority;
mod bucket;
mod compute;
mod control;
pub mod daemon;
pub mod directory;
mod draft;
mod fault;
pub mod frontend;
mod http;
mod identity;
pub mod image;
pub mod latency;
mod lock;
pub mod machine;
mod network;
mod power;
mod proof;
mod provider;
mod quota;
mod recorder;
mod removal;
mod render;
pub mod schema;
pub mod segment;
mod server;
mod shell_word;
mod state;
mod subscription;
mod suspension;
mod throttle;
pub mod time;
mod work;
