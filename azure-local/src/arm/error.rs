//! Refusals in ARM's shape: `{"error":{"code","message","target","details","additionalInfo"}}` and a status.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Azure's code and message, as an operation that failed carries them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub code: String,
    pub message: String,
}

/// What only some refusals carry.
#[derive(Clone, Debug, Default, PartialEq)]
struct Extras {
    target: Option<String>,
    details: Vec<Failure>,
    additional_info: Option<Value>,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArmError {
    pub status: StatusCode,
    pub failure: Failure,
    /// Boxed to keep results small.
    extras: Box<Extras>,
    /// Whole seconds for the `Retry-After` header.
    pub retry_after: Option<u64>,
}

impl ArmError {
    /// A refusal with `status`.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            failure: Failure { code: code.to_owned(), message: message.into() },
            extras: Box::default(),
            retry_after: None,
        }
    }

    /// 400.
    pub(crate) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404.
    pub(crate) fn missing(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 409.
    pub(crate) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 429 as Microsoft.Network sends it while something else is at work: not throttling, told apart by its code.
    pub(crate) fn retryable(detail_code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RetryableError", "A retryable error occurred.")
            .detail(detail_code, detail)
    }

    /// 400 for a property that must be there.
    pub(crate) fn required(property: &str) -> Self {
        Self::bad("InvalidRequestFormat", format!("Required property '{property}' not found in JSON.")).target(property)
    }

    /// Names the property the refusal is about.
    pub(crate) fn target(mut self, target: &str) -> Self {
        self.extras.target = Some(target.to_owned());
        self
    }

    /// Adds an entry to `details`.
    pub(crate) fn detail(mut self, code: &str, message: impl Into<String>) -> Self {
        self.extras.details.push(Failure { code: code.to_owned(), message: message.into() });
        self
    }

    /// Adds `additionalInfo`.
    pub(crate) fn additional_info(mut self, info: Value) -> Self {
        self.extras.additional_info = Some(info);
        self
    }

    /// Adds a `Retry-After` header.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({ "code": self.failure.code, "message": self.failure.message });
        if let Some(target) = &self.extras.target {
            error["target"] = json!(target);
        }
        if !self.extras.details.is_empty() {
            error["details"] = json!(self.extras.details);
        }
        if let Some(info) = &self.extras.additional_info {
            error["additionalInfo"] = info.clone();
        }
        json!({ "error": error })
    }
}
