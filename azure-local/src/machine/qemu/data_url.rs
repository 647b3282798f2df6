//! Content to the URL that Ignition reads it from (RFC 2397).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The URL of this content, in base64.
pub(super) fn data_url(content: &str) -> String {
    format!("data:;base64,{}", STANDARD.encode(content))
}
