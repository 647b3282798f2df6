//! Whole-program tests: the real binaries against the real emulator, comparing status, stdout, stderr and files.

mod apps;
mod azure;
mod bundles;
mod create;
mod discovery;
mod faults;
mod golden;
mod ignition;
mod images;
mod interrupted;
mod machines;
mod nodes;
mod parameters;
mod platform;
mod preflight;
mod refusals;
mod removal;
mod request_bodies;
mod sandbox;
mod sign_in;
mod ssh_server;
mod structure;
mod user_data;
