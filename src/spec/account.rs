//! Who signs in, and to what: ids that become parts of URLs, checked before they do.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// A subscription's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubscriptionId(String);

/// A directory (tenant), by its id or by one of its domains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(String);

/// An application (client) of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

/// Why an id was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` is not {wanted}; {hint}")]
pub struct InvalidAccount {
    what: &'static str,
    value: String,
    wanted: &'static str,
    hint: &'static str,
}

const GUID: &str = "an id such as 00000000-0000-0000-0000-000000000000";

impl FromStr for SubscriptionId {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        let hint = "az account list --output table shows them";
        let invalid = || InvalidAccount { what: "subscription", value: text.to_owned(), wanted: GUID, hint };
        if is_guid(text) { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }
}

impl FromStr for TenantId {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        let (wanted, hint) =
            ("an id such as 00000000-0000-0000-0000-000000000000, nor a domain", "az account show --query tenantId");
        let invalid = || InvalidAccount { what: "tenant", value: text.to_owned(), wanted, hint };
        if is_guid(text) || is_domain(text) { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }
}

impl FromStr for ClientId {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        let hint = "az ad sp list --display-name NAME --query \"[].appId\"";
        let invalid = || InvalidAccount { what: "client", value: text.to_owned(), wanted: GUID, hint };
        if is_guid(text) { Ok(Self(text.to_owned())) } else { Err(invalid()) }
    }
}

macro_rules! reads_as_text {
    ($($type:ty),*) => {$(
        impl Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

reads_as_text!(SubscriptionId, TenantId, ClientId);
stands_as_text!(SubscriptionId, InvalidAccount);
stands_as_text!(TenantId, InvalidAccount);

/// Eight, four, four, four and twelve hexadecimal digits.
pub(super) fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Labels of letters, digits and hyphens with full stops between them: `contoso.onmicrosoft.com`.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_no_paths() {
        let guid = "00000000-0000-4000-8000-0000000000aA";
        for (text, is_id, is_tenant) in [
            (guid, true, true),
            ("contoso.onmicrosoft.com", false, true),
            ("../..", false, false),
            ("", false, false),
            ("Production", false, false),
            ("00000000-0000-4000-8000-0000000000a", false, false),
            ("00000000-0000-4000-8000-0000000000ag", false, false),
            ("00000000-0000-4000-8000-0000000000aa/..", false, false),
            ("contoso..com", false, false),
            ("-contoso.com", false, false),
            ("contoso.com/common", false, false),
        ] {
            assert_eq!(text.parse::<SubscriptionId>().is_ok(), is_id, "{text}");
            assert_eq!(text.parse::<ClientId>().is_ok(), is_id, "{text}");
            assert_eq!(text.parse::<TenantId>().is_ok(), is_tenant, "{text}");
        }
        let error = "../..".parse::<SubscriptionId>().unwrap_err().to_string();
        assert!(error.starts_with("subscription `../..` is not an id such as 0000"), "{error}");
    }
}
