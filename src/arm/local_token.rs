//! Signs requests to the local emulator. azure_core's own policy rightly refuses plain HTTP; this one allows it on the
//! loopback and nowhere else.

use std::sync::Arc;

use azure_core::credentials::Secret;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};

/// Adds the emulator's bearer token.
#[derive(Debug)]
pub struct LocalTokenPolicy {
    token: Secret,
    /// The emulator's address, which alone is given the token.
    base: Url,
}

impl LocalTokenPolicy {
    /// A policy with this token for the emulator at `base`.
    pub fn new(token: Secret, base: Url) -> Self {
        Self { token, base }
    }
}

#[async_trait::async_trait]
impl Policy for LocalTokenPolicy {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if request.url().origin() != self.base.origin() {
            let message = format!("the local token is not sent to `{}`", request.url().origin().ascii_serialization());
            return Err(Error::with_message(ErrorKind::Credential, message));
        }
        request.insert_header(AUTHORIZATION, format!("Bearer {}", self.token.secret()));
        next[0].send(context, request, &next[1..]).await
    }
}
