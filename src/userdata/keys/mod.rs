//! Judges the keys of a cloud-config: coreos-cloudinit's table, and what holds of a file that is laid over ours.

mod judge;
mod values;

pub(super) use cloudinit_rules::key::{Effect, Key, Reading, Section, Shape};
pub(super) use judge::judge;
