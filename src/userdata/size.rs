//! How large a machine's user-data may be, and what to say when it is larger.

use super::UserDataError;

/// Most bytes that Azure accepts as `osProfile.customData` before its base64.
/// <https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update#osprofile>
pub const CUSTOM_DATA_BYTES: usize = 65_535;
/// So many parts are named.
const NAMED_PARTS: usize = 5;

/// A file or a unit in a rendered text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// As rendered.
    pub bytes: usize,
    /// A path or a unit's name.
    pub name: String,
}

/// `text`, unless it is larger than customData can be; `parts` are what it is made of, in any order.
pub(super) fn checked(text: String, node: &str, mut parts: Vec<Part>) -> Result<String, UserDataError> {
    if text.len() <= CUSTOM_DATA_BYTES {
        return Ok(text);
    }
    parts.sort_by(|a, b| b.cmp(a));
    let named: Vec<String> =
        parts.iter().take(NAMED_PARTS).map(|part| format!("`{}` {}", part.name, part.bytes)).collect();
    let largest = if named.is_empty() { String::new() } else { format!("; largest parts: {}", named.join(", ")) };
    Err(UserDataError::TooLarge { node: node.to_owned(), bytes: text.len(), largest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_last_size_that_fits() {
        let part = |bytes, name: &str| Part { bytes, name: name.into() };
        let text = |bytes| "x".repeat(bytes);
        assert!(checked(text(CUSTOM_DATA_BYTES), "n", Vec::new()).is_ok());
        let parts = vec![part(1, "/small"), part(65_000, "/large"), part(9, "b.service")];
        let error = checked(text(CUSTOM_DATA_BYTES + 1), "n", parts).unwrap_err().to_string();
        let expected = "the user-data of `n` has 65536 bytes, 65535 is the most Azure takes; \
                        largest parts: `/large` 65000, `b.service` 9, `/small` 1";
        assert_eq!(error, expected);
        let error = checked(text(CUSTOM_DATA_BYTES + 1), "n", Vec::new()).unwrap_err().to_string();
        assert!(error.ends_with("the most Azure takes"), "{error}");
    }
}
