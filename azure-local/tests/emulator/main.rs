//! The emulator over HTTP, as a client meets it: a daemon in this process, a temporary folder, no machines.

mod account;
mod authority;
mod bodies;
mod deletion;
mod emulator;
mod faults;
mod images;
mod limits;
mod machines;
mod networks;
mod operations;
mod placement;
mod ports;
mod refusals;
mod replaced;
mod resources;
mod restart;
