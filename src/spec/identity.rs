//! Managed identities of the machines: what they may do on Azure without a secret of theirs.
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview>

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::resource_id::has_shape;
use super::text::stands_as_text;

/// The id of a user-assigned identity.
const ID: &str = "/subscriptions/*/resourceGroups/*/providers/Microsoft.ManagedIdentity/userAssignedIdentities/*";

/// One identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MachineIdentity {
    /// Each machine's own, made and removed with it.
    System,
    /// A user-assigned identity that exists, by its id.
    User(String),
}

/// Why an identity was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "identity `{0}` is neither `system` nor the id of a user-assigned identity \
     (`/subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…`)"
)]
pub struct InvalidIdentity(String);

impl FromStr for MachineIdentity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        match text {
            _ if text.eq_ignore_ascii_case("system") => Ok(Self::System),
            _ if has_shape(text, ID) => Ok(Self::User(text.to_owned())),
            _ => Err(InvalidIdentity(text.to_owned())),
        }
    }
}

impl fmt::Display for MachineIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::System => "system",
            Self::User(id) => id,
        })
    }
}

stands_as_text!(MachineIdentity, InvalidIdentity);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x";
        for (text, good) in [
            ("system", true),
            ("System", true),
            (id, true),
            ("x", false),
            ("/subscriptions/s", false),
            (&format!("{id}/../y"), false),
            (&format!("{id}?api-version=1"), false),
        ] {
            assert_eq!(text.parse::<MachineIdentity>().is_ok(), good, "{text}");
        }
    }
}
