//! Sends requests and follows operations to their end.

use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{
    ClientOptions, Context, Method, Pipeline, Request, RetryOptions, Url, request::options::ClientRequestId,
};
use serde_json::Value;
use tokio::time::Instant;

use super::bucket::Buckets;
use super::endpoint::Endpoint;
use super::error::{ArmError, ArmErrorKind};
use super::id::ResourceId;
use super::operation::{self, Answer, Monitor, Outcome};
use super::retry;

/// Compute allows 15 reads of one operation a minute.
/// <https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/troubleshooting-throttling-errors>
const VIRTUAL_MACHINE_POLL: Duration = Duration::from_secs(4);
/// Wait between two polls when Azure names none.
const DEFAULT_POLL: Duration = Duration::from_secs(2);
/// A shorter `Retry-After` than this is not meant as an invitation to spin.
const SHORTEST_POLL: Duration = Duration::from_millis(50);
/// Longest time an operation may take; Azure itself gives up on a machine's provisioning after 40 minutes.
const OPERATION_DEADLINE: Duration = Duration::from_secs(60 * 60);
/// Good answers in a row after which every replica of ARM is taken to know a new resource group.
const CONSISTENT_ANSWERS: u32 = 3;
/// Wait between two such questions.
const CONSISTENCY_POLL: Duration = Duration::from_millis(200);
/// A group that stays unknown this long is not late but gone.
const CONSISTENCY_DEADLINE: Duration = Duration::from_secs(120);

const AZURE_ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");
const LOCATION: HeaderName = HeaderName::from_static("location");
const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

/// A signed-in client for one subscription.
#[derive(Clone, Debug)]
pub struct Arm {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pipeline: Pipeline,
    base: Url,
    buckets: Buckets,
    correlation_id: String,
}

/// What a PUT led to.
#[derive(Clone, Debug)]
pub struct Written {
    /// The resource as Azure returned it when the request was accepted.
    pub document: Value,
}

impl Arm {
    /// A client of `endpoint`.
    pub fn new(endpoint: &Endpoint) -> Self {
        // Azure's own rules decide what is tried again (`retry`): azure_core knows neither lock conflicts nor our
        // deadlines.
        let options = ClientOptions { retry: RetryOptions::none(), ..ClientOptions::default() };
        let pipeline = Pipeline::new(
            Some("azure-coreos-cluster"),
            Some(env!("CARGO_PKG_VERSION")),
            options,
            Vec::new(),
            vec![endpoint.authorization()],
            None,
        );
        let correlation_id = azure_core::Uuid::new_v4().to_string();
        Self {
            inner: Arc::new(Inner { pipeline, base: endpoint.base().clone(), buckets: Buckets::new(), correlation_id }),
        }
    }

    /// The resource's document; none when Azure says that it does not exist.
    pub async fn get(&self, id: &ResourceId) -> Result<Option<Value>, ArmError> {
        self.get_path(&format!("reading {id}"), id.path(), id.api_version()).await
    }

    /// The document at a path that is not a plain resource; `path` may carry a query.
    pub async fn get_path(&self, doing: &str, path: &str, api_version: &str) -> Result<Option<Value>, ArmError> {
        let url = self.url(path, api_version)?;
        match self.send(doing, Method::Get, url, None).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if error.status == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates or replaces the resource and waits for the end of the operation.
    pub async fn put(&self, id: &ResourceId, body: &Value) -> Result<Written, ArmError> {
        let doing = format!("creating {id}");
        let answer = self.send(&doing, Method::Put, self.url(id.path(), id.api_version())?, Some(body)).await?;
        let document = answer.body.clone();
        if let Some(monitor) = operation::begin(&doing, &answer).map_err(|error| *error)? {
            self.follow(&doing, id, monitor, answer.retry_after, false).await?;
        }
        Ok(Written { document })
    }

    /// Deletes the resource and waits until it is gone; a resource that does not exist is gone.
    pub async fn delete(&self, id: &ResourceId) -> Result<(), ArmError> {
        let doing = format!("deleting {id}");
        let answer = match self.send(&doing, Method::Delete, self.url(id.path(), id.api_version())?, None).await {
            Ok(answer) => answer,
            Err(error) if error.status == Some(404) => return Ok(()),
            Err(error) => return Err(error),
        };
        match operation::begin(&doing, &answer).map_err(|error| *error)? {
            Some(monitor) => self.follow(&doing, id, monitor, answer.retry_after, true).await.map(drop),
            None => Ok(()),
        }
    }

    /// Runs an action of a resource and returns its result.
    pub async fn post(&self, id: &ResourceId, action: &str, body: Option<&Value>) -> Result<Value, ArmError> {
        let doing = format!("asking {id} for `{action}`");
        let url = self.url(&format!("{}/{action}", id.path()), id.api_version())?;
        let answer = self.send(&doing, Method::Post, url, Some(body.unwrap_or(&Value::Null))).await?;
        if answer.status != 202 {
            return Ok(answer.body);
        }
        // The result of an action lies at `Location`; the operation's own URL only tells how it stands.
        let Some(location) = answer.location.clone() else {
            let monitor = operation::begin(&doing, &answer).map_err(|error| *error)?.unwrap_or(Monitor::Resource);
            return self.follow(&doing, id, monitor, answer.retry_after, false).await;
        };
        self.follow(&doing, id, Monitor::Location(location), answer.retry_after, false).await
    }

    /// Asks a path that is not a plain resource to do something; the answer's document.
    pub async fn post_path(&self, doing: &str, path: &str, api_version: &str, body: &Value) -> Result<Value, ArmError> {
        Ok(self.send(doing, Method::Post, self.url(path, api_version)?, Some(body)).await?.body)
    }

    /// Writes a document at a path that is not a plain resource and is done at once.
    pub async fn put_path(&self, doing: &str, path: &str, api_version: &str, body: &Value) -> Result<(), ArmError> {
        self.send(doing, Method::Put, self.url(path, api_version)?, Some(body)).await.map(drop)
    }

    /// The text behind a URL that Azure signed itself, such as that of a serial console; no token is sent there.
    pub async fn download(&self, url: &str) -> Result<String, ArmError> {
        let doing = "downloading a console log";
        let failed = |error: &dyn std::error::Error| ArmError::local(ArmErrorKind::Unreachable, doing, chain(error));
        let url: Url =
            url.parse().map_err(|_| ArmError::local(ArmErrorKind::Unexpected, doing, "Azure named no URL"))?;
        let client = azure_core::http::new_http_client(None);
        let response = client.execute_request(&Request::new(url, Method::Get)).await.map_err(|error| failed(&error))?;
        let response = response.try_into_raw_response().await.map_err(|error| failed(&error))?;
        Ok(String::from_utf8_lossy(response.body()).into_owned())
    }

    /// Waits for the end of an operation that an earlier run began, by the resource's own state.
    pub async fn wait_for(&self, id: &ResourceId) -> Result<(), ArmError> {
        self.follow(&format!("waiting for {id}"), id, Monitor::Resource, None, false).await.map(drop)
    }

    /// Waits for the end of a deletion that somebody else began.
    pub async fn wait_until_gone(&self, id: &ResourceId) -> Result<(), ArmError> {
        self.follow(&format!("waiting until {id} is gone"), id, Monitor::Resource, None, true).await.map(drop)
    }

    /// Waits until every replica of ARM knows a resource group that was just made.
    /// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found>
    pub async fn wait_until_consistent(&self, id: &ResourceId) -> Result<(), ArmError> {
        let deadline = Instant::now() + CONSISTENCY_DEADLINE;
        let mut good = 0;
        while good < CONSISTENT_ANSWERS {
            good = if self.get(id).await?.is_some() { good + 1 } else { 0 };
            if good == 0 {
                if Instant::now() >= deadline {
                    let message = "it was created, but Azure still says that it does not exist";
                    return Err(ArmError::local(ArmErrorKind::Unreachable, format!("reading {id}"), message));
                }
                tokio::time::sleep(CONSISTENCY_POLL).await;
            }
        }
        Ok(())
    }

    /// Polls until the operation has ended; the last answer's body.
    async fn follow(
        &self,
        doing: &str,
        id: &ResourceId,
        monitor: Monitor,
        first_wait: Option<Duration>,
        deleting: bool,
    ) -> Result<Value, ArmError> {
        let shortest = if id.is_virtual_machine() && !deleting { VIRTUAL_MACHINE_POLL } else { SHORTEST_POLL };
        let url = match &monitor {
            Monitor::AsyncOperation(url) | Monitor::Location(url) => url.parse().map_err(|_| {
                ArmError::local(ArmErrorKind::Unexpected, doing, format!("Azure named `{url}` to follow the operation"))
            })?,
            Monitor::Resource => self.url(id.path(), id.api_version())?,
        };
        let deadline = Instant::now() + OPERATION_DEADLINE;
        let mut wait = first_wait.unwrap_or(DEFAULT_POLL);
        let mut missing_since = None;
        while Instant::now() < deadline {
            tokio::time::sleep(wait.max(shortest)).await;
            let answer = match self.send(doing, Method::Get, url.clone(), None).await {
                Ok(answer) => answer,
                Err(error) if error.status == Some(404) => Answer { status: 404, ..Answer::default() },
                Err(error) => return Err(error),
            };
            if answer.status != 404 {
                missing_since = None;
            } else if missing_since.get_or_insert_with(Instant::now).elapsed() > CONSISTENCY_DEADLINE {
                let message = "it has disappeared: Azure says that it does not exist";
                return Err(ArmError::local(ArmErrorKind::OperationFailed, doing, message));
            }
            match operation::poll(doing, &monitor, &answer, deleting) {
                Outcome::Running => wait = answer.retry_after.unwrap_or(DEFAULT_POLL),
                Outcome::Succeeded => return Ok(answer.body),
                Outcome::Failed(error) => return Err(self.explain(id, &monitor, *error).await),
            }
        }
        let message = format!("the operation has not ended within {} minutes", OPERATION_DEADLINE.as_secs() / 60);
        Err(ArmError::local(ArmErrorKind::Unreachable, doing, message))
    }

    /// A resource that ended Failed does not say why; a virtual machine's instance view does.
    async fn explain(&self, id: &ResourceId, monitor: &Monitor, mut error: ArmError) -> ArmError {
        if *monitor != Monitor::Resource || error.code.is_some() || !id.is_virtual_machine() {
            return error;
        }
        let Ok(Some(view)) = self.get(&id.child("instanceView")).await else { return error };
        let statuses = view.get("statuses").and_then(Value::as_array).into_iter().flatten();
        for status in statuses.filter(|status| status["level"].as_str() == Some("Error")) {
            let code = status["code"].as_str().unwrap_or_default();
            error.code = Some(code.rsplit('/').next().unwrap_or(code).to_owned());
            error.message = status["message"].as_str().unwrap_or(&error.message).to_owned();
        }
        error
    }

    fn url(&self, path: &str, api_version: &str) -> Result<Url, ArmError> {
        let mut url = self.inner.base.join(path).map_err(|error| {
            ArmError::local(ArmErrorKind::Unexpected, format!("building the URL of `{path}`"), error.to_string())
        })?;
        if url.origin() != self.inner.base.origin() {
            let message = format!("Azure named `{url}`, which is not where it was asked");
            return Err(ArmError::local(ArmErrorKind::Unexpected, format!("following `{path}`"), message));
        }
        // The link to a list's next page is complete.
        if !url.query_pairs().any(|(name, _)| name == "api-version") {
            url.query_pairs_mut().append_pair("api-version", api_version);
        }
        Ok(url)
    }

    /// Sends until there is an answer that is not worth asking again for.
    async fn send(&self, doing: &str, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, ArmError> {
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            self.inner.buckets.acquire(method == Method::Get).await;
            let result = self.send_once(doing, method, url.clone(), body).await;
            attempt += 1;
            let (error, retry_after, deadline) = match result {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err((error, retry_after))) => {
                    let late_replica = method == Method::Put && error.has_code("ResourceGroupNotFound");
                    if !late_replica && !retry::is_retryable(error.status.unwrap_or_default(), error.code.as_deref()) {
                        return Err(error);
                    }
                    (error, retry_after, retry::REQUEST_DEADLINE)
                }
                Err(error) if error.kind == ArmErrorKind::SignIn => return Err(error),
                Err(error) => (error, None, retry::UNREACHABLE_DEADLINE),
            };
            let wait = retry::wait(attempt, retry_after);
            if start.elapsed() + wait > deadline && attempt >= retry::LEAST_ATTEMPTS {
                return Err(error);
            }
            tracing::debug!(%error, ?wait, attempt, "trying again");
            tokio::time::sleep(wait).await;
        }
    }

    /// One try: an answer that says yes, an answer that says no with its `Retry-After`, or no answer.
    #[allow(clippy::type_complexity)]
    async fn send_once(
        &self,
        doing: &str,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Result<Answer, (ArmError, Option<Duration>)>, ArmError> {
        let mut request = Request::new(url, method);
        request.insert_header(CORRELATION_ID, self.inner.correlation_id.clone());
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(if body.is_null() { String::new() } else { body.to_string() });
        }
        let mut context = Context::new();
        context.insert(ClientRequestId::new(azure_core::Uuid::new_v4().to_string()));
        let options = azure_core::http::PipelineSendOptions { skip_checks: true, ..Default::default() };
        let response = self.inner.pipeline.send(&context, &mut request, Some(options)).await.map_err(|error| {
            let kind = match error.kind() {
                ErrorKind::Credential => ArmErrorKind::SignIn,
                _ => ArmErrorKind::Unreachable,
            };
            ArmError::local(kind, doing, chain(&error))
        })?;
        let (status, headers, body) = response.deconstruct();
        let status = u16::from(status);
        let text = |name: &HeaderName| headers.get_optional_str(name).map(str::to_owned);
        let answer = Answer {
            status,
            azure_async_operation: text(&AZURE_ASYNC_OPERATION),
            location: text(&LOCATION),
            retry_after: retry_after(&headers),
            request_id: text(&REQUEST_ID),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        };
        if status < 400 {
            return Ok(Ok(answer));
        }
        let kind = if status == 401 { ArmErrorKind::SignIn } else { ArmErrorKind::Refused };
        let error = ArmError::from_document(kind, doing, Some(status), &answer.body, answer.request_id);
        Ok(Err((error, answer.retry_after)))
    }
}

/// ARM sends whole seconds only.
fn retry_after(headers: &Headers) -> Option<Duration> {
    headers.get_optional_str(&RETRY_AFTER)?.trim().parse().ok().map(Duration::from_secs)
}

/// The error with its sources, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
