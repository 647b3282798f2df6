//! The emulator over HTTP, as a client meets it: a daemon in this process, a temporary folder, no machines.

mod bodies;
mod deletion;
mod emulator;
mod faults;
mod machines;
mod operations;
mod ports;
mod refusals;

mod resources;
mod restart;
