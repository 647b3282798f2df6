//! The client against a server that answers wrongly, on the loopback.

mod server;
mod strange;
mod waits;
