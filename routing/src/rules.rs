//! What an app may ask of routers beyond being found.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The largest [`Rules::body_bytes`]: Caddy passes numbers on as floating point while it reads a document, and refuses the whole
/// of it when one has become another number.
pub const MOST_BODY_BYTES: u64 = 1 << 53;

/// Rules of one app; what is not said is as every router has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Seconds until the first byte of an answer must have come; without a limit when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_seconds: Option<u32>,
    /// Largest body of a request, in bytes, 1 to [`MOST_BODY_BYTES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// Addresses that may ask; everybody when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<IpNet>,
    /// A page says that the app is being worked on, and nothing reaches it.
    #[serde(skip_serializing_if = "is_off")]
    pub maintenance: bool,
    /// Plain HTTP is answered with the address of the same page over TLS.
    #[serde(skip_serializing_if = "is_off")]
    pub https_only: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_off(value: &bool) -> bool {
    !value
}

impl Rules {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
