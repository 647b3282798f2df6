//! How apps tell routers which requests are theirs. `platformctl` writes a [`Route`] as labels on an app's public service, and
//! `platform-controller` reads the same labels; what both keep in etcd of domains' certificates is here too. One type each, so that
//! the two never disagree. Pure.

mod certificate;
mod domain;
mod labels;
mod ordered;
mod route;
mod rules;

pub use certificate::{
    CERTIFICATES, CertificateName, CertifiedName, InvalidCertificateName, LONGEST_CHAIN, ORDERED, StoredCertificate,
    UPLOADED,
};
pub use domain::{Domain, InvalidDomain};
pub use labels::{InvalidPrefix, LabelPrefix};
pub use ordered::{ORDER_STATES, ORDERS_PAUSED, OrderState, Refusal, order_state_key};
pub use route::{InvalidRoute, Route, Upstream};
pub use rules::{MOST_BODY_BYTES, Rules};
