//! The client against a server that answers wrongly, on the loopback.

pub(super) mod server;
mod strange;
mod waits;
