//! Refusals that Azure's providers give for many of their properties, in Compute's words.

use crate::arm::error::ArmError;

/// 400 `InvalidParameter`.
pub(crate) fn invalid(target: &str, message: impl Into<String>) -> ArmError {
    ArmError::bad("InvalidParameter", message).target(target)
}

/// 400 for a parameter that must be there.
pub(crate) fn missing(target: &str) -> ArmError {
    invalid(target, format!("Required parameter '{target}' is missing (null)."))
}
