//! SSH to nodes: one connection per node with a pinned host key, many commands over it.
//!
//! `readiness` and `platformctl` call it with what the inventory says.

mod conversation;
mod error;
mod identity;
mod session;

pub use conversation::{Conversation, Ending, Nudge, PseudoTerminal, WindowSize};
pub use error::SshError;
pub use identity::Identity;
pub use session::{CONNECT_TIMEOUT, Output, Session, Stream};
