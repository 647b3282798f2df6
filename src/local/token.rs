//! Signs requests to the local emulator. `azure_core`'s own policy rightly refuses plain HTTP; this one allows it on the
//! loopback, to the daemon that wrote the token, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::Secret;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::proof::{Challenge, PATIENCE};

/// How long a proof holds. A daemon that ends lets its connections go, and a lost one ends the proof as well.
const PROOF_LIFETIME: Duration = Duration::from_secs(1);

/// Adds the emulator's bearer token.
#[derive(Debug)]
pub(super) struct LocalTokenPolicy {
    /// `http://127.0.0.1:<port>`.
    base: String,
    token: Secret,
    proven: Mutex<Option<Instant>>,
}

impl LocalTokenPolicy {
    /// A policy with the token of the daemon at `base`.
    pub(super) fn new(base: &str, token: Secret) -> Self {
        Self { base: base.to_owned(), token, proven: Mutex::new(None) }
    }

    /// Makes sure that the token's own daemon listens there.
    async fn prove(&self, context: &Context<'_>, next: &[Arc<dyn Policy>]) -> azure_core::Result<()> {
        let mut proven = self.proven.lock().await;
        if proven.is_some_and(|at| at.elapsed() < PROOF_LIFETIME) {
            return Ok(());
        }
        *proven = None;
        let asking = async {
            let challenge = Challenge::new(&self.base)?;
            let response = next[0].send(context, &mut challenge.request()?, &next[1..]).await?;
            challenge.check(&self.token, response).await
        };
        let asked = timeout(PATIENCE, asking).await;
        let asked = asked.unwrap_or_else(|_| Err(anyhow::anyhow!("{} does not answer", self.base)));
        asked.map_err(|error| Error::with_message(ErrorKind::Connection, format!("{error:#}")))?;
        *proven = Some(Instant::now());
        Ok(())
    }
}

#[async_trait::async_trait]
impl Policy for LocalTokenPolicy {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let is_daemon = self.base.parse::<Url>().is_ok_and(|base| base.origin() == request.url().origin());
        if !is_daemon || request.url().host_str() != Some("127.0.0.1") {
            let message = format!("the local token is not sent to `{}`", request.url().host_str().unwrap_or_default());
            return Err(Error::with_message(ErrorKind::Credential, message));
        }
        self.prove(context, next).await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", self.token.secret()));
        let answer = next[0].send(context, request, &next[1..]).await;
        if answer.is_err() {
            *self.proven.lock().await = None;
        }
        answer
    }
}
