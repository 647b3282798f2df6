//! Judges the keys of a cloud-config: coreos-cloudinit's table, and what holds of a file that is laid over ours.

mod content;
mod judge;
mod unit;
mod values;

pub(super) use cloudinit_rules::key::{Effect, Key, Reading, Section, Shape};
pub(super) use judge::{Judgement, judge};
