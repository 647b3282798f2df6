//! One request: its tries, until ARM says yes or a no that stands, or a bound is reached. `client` and `follow` ask by
//! it; `answer` says what an answer is.

use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::HeaderName;
use azure_core::http::request::options::ClientRequestId;
use azure_core::http::{ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, RetryOptions, Url};
use serde_json::Value;
use tokio::time::Instant;

use super::answer::{self, RawAnswer, Stranger};
use super::bucket::{Buckets, Traffic};
use super::endpoint::Endpoint;
use super::error::{ArmError, ArmErrorKind};
use super::patience::Patience;
use super::retry::{FailedTry, Next, Reason, next};
use super::token;
use super::wait::{Then, Told, Wait, WaitListener, clock};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

/// What is asked, and where.
#[derive(Clone, Debug)]
pub(super) struct ArmRequest<'a> {
    /// In words: ``creating load balancer `x` ``.
    pub doing: &'a str,
    pub method: Method,
    pub url: Url,
    pub body: Option<&'a Value>,
}

/// Sends requests to one endpoint, signed, below ARM's limits.
#[derive(Debug)]
pub(super) struct Sender {
    pipeline: Pipeline,
    pub endpoint: Endpoint,
    pub patience: Patience,
    buckets: Buckets,
    listener: Arc<dyn WaitListener>,
    told: Told,
    correlation_id: String,
}

impl Sender {
    /// A sender to `endpoint`; `listener` is told of long waits.
    pub(super) fn new(endpoint: &Endpoint, patience: Patience, listener: Arc<dyn WaitListener>) -> Self {
        // Azure's own rules decide what is tried again (`retry`): azure_core knows neither lock conflicts nor our
        // deadlines. Its HTTP client follows no redirect, which would take the token along.
        let options = ClientOptions { retry: RetryOptions::none(), ..ClientOptions::default() };
        let pipeline = Pipeline::new(
            Some("azure-coreos-cluster"),
            Some(env!("CARGO_PKG_VERSION")),
            options,
            Vec::new(),
            vec![endpoint.authorization()],
            None,
        );
        Self {
            pipeline,
            endpoint: endpoint.clone(),
            patience,
            buckets: Buckets::new(),
            listener,
            told: Told::default(),
            correlation_id: azure_core::Uuid::new_v4().to_string(),
        }
    }

    /// Sends until there is an answer of ARM's that stands. `read` says what may be answered.
    pub(super) async fn send<T>(
        &self,
        request: &ArmRequest<'_>,
        read: impl Fn(&RawAnswer) -> Result<T, Stranger>,
    ) -> Result<T, ArmError> {
        let traffic = if request.method == Method::Get { Traffic::Read } else { Traffic::Write };
        self.buckets.acquire(traffic).await;
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            let failed = match self.attempt(request, &read).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            attempt += 1;
            match next(&failed, attempt, start.elapsed(), &self.patience) {
                Next::End => return Err(failed.error),
                Next::TooLate(asked) => return Err(self.too_late(failed.error, asked)),
                Next::Again(wait) => {
                    let error = &failed.error;
                    tracing::debug!(%error, ?wait, attempt, "trying again");
                    let is_worrying =
                        attempt > 1 && !matches!(failed.reason, Reason::Refused { .. } | Reason::LateReplica);
                    self.wait(error, wait, is_worrying).await;
                    self.buckets.acquire(traffic).await;
                }
            }
        }
    }

    /// Says that something is waited for that Azure asked for, when that is long.
    pub(super) async fn wait(&self, error: &ArmError, wait: Duration, is_worrying: bool) {
        let reason = match &error.code {
            Some(code) => format!("Azure says {code}: {}", answer::message(&error.message)),
            None => answer::message(&error.message),
        };
        let wait = Wait { doing: error.doing.clone(), reason, remaining: wait, then: Then::Again };
        self.told.sleep(wait, is_worrying, &self.patience, &*self.listener).await;
    }

    fn too_late(&self, mut error: ArmError, asked: Duration) -> ArmError {
        let seconds = asked.as_secs();
        let most = self.patience.request.as_secs();
        error.message.push_str(&format!(
            "; Azure asks to come back at {} (in {seconds} s), and a request is tried for {most} s",
            clock(asked)
        ));
        error
    }

    /// One try.
    async fn attempt<T>(
        &self,
        request: &ArmRequest<'_>,
        read: impl Fn(&RawAnswer) -> Result<T, Stranger>,
    ) -> Result<T, FailedTry> {
        let doing = request.doing;
        let raw = self.exchange(request).await?;
        let stranger = |stranger: Stranger| FailedTry {
            error: stranger.error(doing),
            reason: Reason::Stranger { status: raw.status, retry_after: raw.retry_after },
        };
        if raw.status < 400 {
            return read(&raw).map_err(stranger);
        }
        let error = answer::refusal(&raw, doing).map_err(stranger)?;
        let is_late = request.method == Method::Put && error.has_code("ResourceGroupNotFound");
        let reason = if is_late { Reason::LateReplica } else { Reason::Refused { retry_after: raw.retry_after } };
        Err(FailedTry { error, reason })
    }

    /// Sends once and reads the whole answer, within its time; a long silence is told meanwhile.
    async fn exchange(&self, request: &ArmRequest<'_>) -> Result<RawAnswer, FailedTry> {
        let exchange = async {
            let response = self.transmit(request).await?;
            RawAnswer::read(response).await
        };
        let doing = request.doing;
        let unanswered = |message: String| FailedTry {
            error: ArmError::local(ArmErrorKind::Unreachable, doing, message),
            reason: Reason::Unanswered,
        };
        tokio::pin!(exchange);
        let deadline = Instant::now() + self.patience.answer;
        let mut reminder = Instant::now() + self.patience.silence;
        loop {
            tokio::select! {
                result = &mut exchange => return result.map_err(|error| token::failed_try(&error, doing)),
                () = tokio::time::sleep_until(deadline) => {
                    let seconds = self.patience.answer.as_secs();
                    return Err(unanswered(format!("no whole answer came within {seconds} s")));
                }
                () = tokio::time::sleep_until(reminder) => {
                    let remaining = deadline.saturating_duration_since(Instant::now());
                    let reason = "no answer yet".to_owned();
                    let wait = Wait { doing: doing.to_owned(), reason, remaining, then: Then::GiveUp };
                    self.told.tell(wait, &self.patience, &*self.listener);
                    reminder += self.patience.reminder;
                }
            }
        }
    }

    async fn transmit(&self, request: &ArmRequest<'_>) -> azure_core::Result<azure_core::http::AsyncRawResponse> {
        if !self.endpoint.owns(&request.url) {
            let message = format!("the token is not sent to `{}`", request.url.origin().ascii_serialization());
            return Err(azure_core::Error::with_message(ErrorKind::Other, message));
        }
        let mut sent = Request::new(request.url.clone(), request.method);
        sent.insert_header(CORRELATION_ID, self.correlation_id.clone());
        if let Some(body) = request.body {
            sent.insert_header("content-type", "application/json");
            sent.set_body(if body.is_null() { String::new() } else { body.to_string() });
        }
        let mut context = Context::new();
        context.insert(ClientRequestId::new(azure_core::Uuid::new_v4().to_string()));
        let options = PipelineStreamOptions { skip_checks: true, ..PipelineStreamOptions::default() };
        self.pipeline.stream(&context, &mut sent, Some(options)).await
    }
}
