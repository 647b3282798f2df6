//! What went wrong between this program and ARM, with everything that ARM said about it.

use std::fmt;

use report::{ServiceError, exit_code};

/// Who refused, and so what the caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmErrorKind {
    /// There is no usable credential, or ARM does not accept it.
    SignIn,
    /// ARM answered, and the answer is no.
    Refused,
    /// An operation that ARM had accepted ended badly.
    OperationFailed,
    /// No answer in time.
    Unreachable,
    /// Somebody else answered: a proxy, a captive portal; or what came is half an answer.
    NotAzure,
    /// An answer that this program cannot read.
    Unexpected,
}

/// What Azure calls it that something does not exist: ARM of a resource and its group, and providers of what is within a
/// resource (`NotFound`: subnets, peerings, pools, versions of images).
/// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found>
const ABSENT: [&str; 7] = [
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "ParentResourceNotFound",
    "NotFound",
    "ImageNotFound",
    "PlatformImageNotFound",
    "GalleryImageNotFound",
];

/// A request or operation that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmError {
    /// What we were doing, in words: ``creating virtual machine `x` ``.
    pub doing: String,
    pub kind: ArmErrorKind,
    /// HTTP status of ARM's answer, when ARM answered.
    pub status: Option<u16>,
    /// Azure's code, such as `QuotaExceeded`.
    pub code: Option<String>,
    /// Azure's message, or the transport's.
    pub message: String,
    /// `x-ms-request-id`, which Azure's support asks for.
    pub request_id: Option<String>,
}

impl ArmError {
    /// An error without an answer of ARM.
    pub fn local(kind: ArmErrorKind, doing: impl Into<String>, message: impl Into<String>) -> Self {
        Self { doing: doing.into(), kind, status: None, code: None, message: message.into(), request_id: None }
    }

    /// Whether Azure's code is `code`, case aside.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(code))
    }

    /// Whether ARM says that what was asked for does not exist, in its own words and with its request id: a proxy's 404 says
    /// nothing of Azure, and some of ARM's own are about something else. `is_subscription` when that itself was asked for.
    /// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors>
    pub fn says_absent(&self, is_subscription: bool) -> bool {
        let about_it =
            ABSENT.iter().any(|code| self.has_code(code)) || (is_subscription && self.has_code("SubscriptionNotFound"));
        self.status == Some(404) && self.kind == ArmErrorKind::Refused && self.request_id.is_some() && about_it
    }

    /// Whether a quota or a capacity stands in the way.
    pub fn is_quota(&self) -> bool {
        let by_code = ["QuotaExceeded", "SkuNotAvailable", "AllocationFailed", "ZonalAllocationFailed"];
        by_code.iter().any(|code| self.has_code(code))
            || (self.has_code("OperationNotAllowed") && self.message.contains("uota"))
    }
}

impl fmt::Display for ArmError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.doing)?;
        if let Some(code) = &self.code {
            write!(formatter, "{code}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ArmError {}

impl From<ArmError> for ServiceError {
    fn from(error: ArmError) -> Self {
        let exit_code = match error.kind {
            ArmErrorKind::SignIn => exit_code::SIGN_IN,
            ArmErrorKind::Refused | ArmErrorKind::OperationFailed => exit_code::AZURE_REFUSED,
            ArmErrorKind::Unreachable | ArmErrorKind::NotAzure => exit_code::AZURE_UNREACHABLE,
            ArmErrorKind::Unexpected => exit_code::UNEXPECTED,
        };
        let ArmError { doing, code, message, request_id, .. } = error;
        Self { doing, code, message, request_id, exit_code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str, message: &str) -> ArmError {
        let error = ArmError::local(ArmErrorKind::Refused, "x", message);
        ArmError { status: Some(status), code: Some(code.to_owned()), ..error }
    }

    #[test]
    fn not_every_404_says_that_something_does_not_exist() {
        for (status, code, request_id, is_subscription, absent) in [
            (404, "ResourceNotFound", Some("r"), false, true),
            (404, "ResourceNotFound", None, false, false),
            (404, "ResourceGroupNotFound", Some("r"), false, true),
            (404, "ParentResourceNotFound", Some("r"), false, true),
            (404, "NotFound", Some("r"), false, true),
            (404, "SubscriptionNotFound", Some("r"), false, false),
            (404, "SubscriptionNotFound", Some("r"), true, true),
            (404, "SubscriptionNotFound", None, true, false),
            (404, "InvalidResourceType", Some("r"), false, false),
            (404, "NOT_FOUND", Some("r"), false, false),
            (404, "RouteNotFound", Some("r"), false, false),
            (403, "AuthorizationFailed", Some("r"), false, false),
            (403, "ResourceGroupNotFound", Some("r"), false, false),
        ] {
            let error = ArmError { request_id: request_id.map(str::to_owned), ..refusal(status, code, "x") };
            assert_eq!(error.says_absent(is_subscription), absent, "{error:?}");
        }
    }

    #[test]
    fn quotas_are_told_from_other_refusals() {
        for (code, message, quota) in [
            ("OperationNotAllowed", "exceeding approved standardDASv5Family Cores quota", true),
            ("OperationNotAllowed", "the VM is deallocated", false),
            ("SkuNotAvailable", "x", true),
            ("RequestDisallowedByPolicy", "x", false),
        ] {
            assert_eq!(refusal(409, code, message).is_quota(), quota, "{code} {message}");
        }
    }
}
