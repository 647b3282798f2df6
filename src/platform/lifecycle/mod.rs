//! A bundle's way through its life on a cluster: checked, installed, started, changed, removed. Every step can be
//! repeated; a run that was killed is completed by the same command.

mod preflight;

pub use preflight::preflight;
