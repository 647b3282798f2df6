//! Refusals that Compute gives for many of its properties, in its words.

use crate::arm::error::ArmError;
use crate::draft::Draft;

/// 400 `InvalidParameter`.
pub fn invalid(target: &str, message: impl Into<String>) -> ArmError {
    ArmError::bad("InvalidParameter", message).target(target)
}

/// 400 for a parameter that must be there.
pub fn missing(target: &str) -> ArmError {
    invalid(target, format!("Required parameter '{target}' is missing (null)."))
}

/// Refuses a NIC or disk that another machine holds.
pub fn check_free(draft: &Draft<'_>, holder: Option<&str>, refusal: impl FnOnce() -> ArmError) -> Result<(), ArmError> {
    if holder.is_none_or(|holder| holder == draft.id.key()) { Ok(()) } else { Err(refusal()) }
}
