//! Answers on their way to the client: a status, a JSON body, and the headers of long-running operations.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::server::Server;
use crate::state::operation::Operation;

/// Content type of everything that ARM itself sends.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// An answer that is not yet a response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Option<Value>,
    /// Sent as it is, with its content type, when there is no `body`.
    raw: Option<(&'static str, Body)>,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self::with(StatusCode::OK, body)
    }

    /// A status with a body.
    pub(crate) fn with(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), raw: None, headers: Vec::new() }
    }

    /// 200 with plain text.
    pub(crate) fn text(text: String) -> Self {
        Self::raw(StatusCode::OK, "text/plain; charset=utf-8", Body::from(text))
    }

    /// A status with anything at all; the content type may be empty.
    pub(crate) fn raw(status: StatusCode, content_type: &'static str, body: Body) -> Self {
        Self { status, body: None, raw: Some((content_type, body)), headers: Vec::new() }
    }

    /// A status alone.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: None, raw: None, headers: Vec::new() }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds what a client follows an operation with: `Azure-AsyncOperation`, and `Location` where there is no body.
    pub(crate) fn following(self, server: &Server, operation: &Operation) -> Self {
        let kind = operation.resource.kind;
        let url = |collection: &str| {
            let version = kind.api_versions()[0];
            let (endpoint, id) = (&server.endpoint, &operation.id);
            let subscription = &operation.resource.subscription;
            match kind {
                Kind::ResourceGroup => {
                    format!("{endpoint}/subscriptions/{subscription}/operationresults/{id}?api-version={version}")
                }
                _ => format!(
                    "{endpoint}/subscriptions/{subscription}/providers/{}/locations/{}/{collection}/{id}?api-version={version}",
                    kind.namespace(),
                    operation.location
                ),
            }
        };
        // What has ended needs no wait.
        let retry_after = match operation.is_running() {
            true => server.latency.retry_after_seconds(operation.action, kind),
            false => 0,
        };
        let mut answer = self.header("retry-after", retry_after.to_string());
        if kind != Kind::ResourceGroup {
            answer = answer.header("azure-asyncoperation", url("operations"));
        }
        if answer.body.is_none() {
            answer = answer.header("location", url("operationResults"));
        }
        answer
    }

    /// Names the next page of a list; anything else stays as it is.
    pub(crate) fn continued_at(mut self, url: &str) -> Self {
        if let Some(body) = self.body.as_mut().filter(|body| body["value"].is_array()) {
            body["nextLink"] = json!(url);
        }
        self
    }

    /// Moves what a client follows an operation with to another origin; what has ended is to be followed there as well.
    pub(crate) fn polled_at(mut self, origin: &str, target: &str) -> Self {
        let mut is_followed = false;
        for (name, url) in &mut self.headers {
            if ["azure-asyncoperation", "location"].contains(name) {
                let path = url.match_indices('/').nth(2).map_or("", |(start, _)| &url[start..]);
                *url = format!("{origin}{path}");
                is_followed = true;
            }
        }
        if is_followed { self } else { self.header("azure-asyncoperation", format!("{origin}{target}")) }
    }

    /// The answer of a DELETE that was done as a change of something else: 202 while that goes on, or else 200.
    pub(crate) fn without_body(mut self) -> Self {
        self.body = None;
        let following = self.headers.iter().find(|(name, _)| *name == "azure-asyncoperation");
        match following.map(|(_, url)| url.replace("/operations/", "/operationResults/")) {
            Some(url) => {
                self.status = StatusCode::ACCEPTED;
                self.header("location", url)
            }
            None => Self { status: StatusCode::OK, ..self },
        }
    }

    /// The response.
    pub(crate) fn into_response(self) -> Response<Body> {
        let (content_type, body) = match (self.body, self.raw) {
            (Some(body), _) => (JSON, Body::from(body.to_string())),
            (None, Some(raw)) => raw,
            (None, None) => ("", Body::empty()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

impl From<ArmError> for Answer {
    fn from(error: ArmError) -> Self {
        let answer = Self::with(error.status, error.body());
        match error.retry_after {
            Some(seconds) => answer.header("retry-after", seconds.to_string()),
            None => answer,
        }
    }
}
