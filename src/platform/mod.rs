//! What `platformctl` does, without printing: bundles and Compose files in, a running platform out.

pub mod bundle;
pub mod compose;
