//! ARM's error document. Only its code is needed: nothing that is odd about the rest may hide what Azure said, so what of
//! it cannot be read is left out.
//!
//! <https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/common-api-details.md#error-response-content>

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::arm::error::{ArmError, ArmErrorKind};

/// `{"code", "message", "details"}`, alone or as `error` of another document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorDocument {
    #[serde(deserialize_with = "as_far_as_readable")]
    pub code: Option<String>,
    #[serde(deserialize_with = "as_far_as_readable")]
    message: Option<String>,
    #[serde(deserialize_with = "as_far_as_readable")]
    details: Vec<ErrorDetail>,
}

/// One of the causes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ErrorDetail {
    #[serde(deserialize_with = "as_far_as_readable")]
    code: Option<String>,
    #[serde(deserialize_with = "as_far_as_readable")]
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wrapped {
    #[serde(deserialize_with = "as_far_as_readable")]
    error: Option<ErrorDocument>,
}

impl ErrorDocument {
    /// Reads a refusal, or an operation that failed.
    pub(crate) fn read(document: &Value) -> Self {
        let wrapped = Wrapped::deserialize(document).unwrap_or_default();
        let flat = || Self::deserialize(document).unwrap_or_default();
        let mut found = wrapped.error.unwrap_or_else(flat);
        let not_empty = |text: &mut Option<String>| *text = text.take().filter(|text| !text.is_empty());
        not_empty(&mut found.code);
        not_empty(&mut found.message);
        found
    }

    /// The error that it tells of; causes that say more than the outer message are appended.
    pub(crate) fn into_error(
        self,
        kind: ArmErrorKind,
        doing: impl Into<String>,
        status: Option<u16>,
        request_id: Option<String>,
    ) -> ArmError {
        let mut message = self.message.unwrap_or_else(|| match status {
            Some(status) => format!("HTTP status {status} without an explanation"),
            None => "no explanation was given".into(),
        });
        for detail in self.details {
            let code = detail.code.as_deref().unwrap_or("detail");
            if let Some(more) = detail.message.filter(|more| !message.contains(more)) {
                message.push_str(&format!(" ({code}: {more})"));
            }
        }
        ArmError { doing: doing.into(), kind, status, code: self.code, message, request_id }
    }
}

fn as_far_as_readable<'a, D: Deserializer<'a>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn azures_words_are_kept() {
        for (document, code, message) in [
            (json!({"error": {"code": "QuotaExceeded", "message": "no cores"}}), Some("QuotaExceeded"), "no cores"),
            (
                json!({"error": {"code": "InvalidTemplate", "message": "bad", "details": [{"code": "X", "message": "worse"}]}}),
                Some("InvalidTemplate"),
                "bad (X: worse)",
            ),
            (json!({"code": "Flat", "message": "old shape"}), Some("Flat"), "old shape"),
            (json!({"error": {"code": "X", "message": "y", "details": "odd"}}), Some("X"), "y"),
            (
                json!({"error": {"code": "X", "message": ["odd"], "details": null}}),
                Some("X"),
                "HTTP status 502 without an explanation",
            ),
            (json!({"error": {"code": 7, "message": "y"}}), None, "y"),
            (json!({"error": "odd"}), None, "HTTP status 502 without an explanation"),
            (json!(null), None, "HTTP status 502 without an explanation"),
        ] {
            let error = ErrorDocument::read(&document).into_error(ArmErrorKind::Refused, "x", Some(502), None);
            assert_eq!((error.code.as_deref(), error.message.as_str()), (code, message), "{document}");
        }
    }
}
