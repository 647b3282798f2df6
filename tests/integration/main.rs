//! Whole-program tests: the real binaries against the real emulator, comparing status, stdout, stderr and files.

mod apps;
mod azure;
mod bundles;
mod create;
mod directory;
mod discovery;
mod faults;
mod golden;
mod ignition;
mod images;
mod interrupted;
mod key_files;
mod keys;
mod local_daemon;
mod machines;
mod parameters;
mod platform;
mod preflight;
mod refusals;
mod removal;
mod request_bodies;
mod sandbox;
mod sign_in;
mod structure;
mod user_data;
