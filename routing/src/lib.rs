//! How apps tell routers which requests are theirs. `platformctl` writes a [`Route`] as labels on an app's public service, and
//! `platform-controller` reads the same labels: one type, so that the two never disagree. Pure.

mod domain;
mod labels;
mod route;
mod rules;

pub use domain::{Domain, InvalidDomain};
pub use labels::{InvalidPrefix, LabelPrefix};
pub use route::{InvalidRoute, Route, Upstream};
pub use rules::{MOST_BODY_BYTES, Rules};
