//! Faults of the platform: every call of every command goes wrong in every way, once, against machines in memory. A command that
//! says that it is done has done it, and the same command again ends as one that nothing disturbed.

mod apps;
mod database;
mod engine;
mod etcd;
mod faults;
mod lifecycle;
mod machines;
mod node;
mod objects;
mod services;
mod tasks;
mod wires;
