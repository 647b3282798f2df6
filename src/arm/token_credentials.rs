//! `AZURE_TOKEN_CREDENTIALS`: which credentials a machine's owner lets programs take, in the names that Azure's libraries share.
//! `credential` asks it of each way of signing in.
//!
//! <https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains>

use std::str::FromStr;

/// Its name.
pub(crate) const TOKEN_CREDENTIALS: &str = "AZURE_TOKEN_CREDENTIALS";

/// What it can be, as far as there are such credentials here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenCredentials {
    /// Those of developers.
    Dev,
    /// Those of services that run.
    Prod,
    Environment,
    WorkloadIdentity,
    ManagedIdentity,
    AzureCli,
    AzureDeveloperCli,
}

const ALL: [(TokenCredentials, &str); 7] = [
    (TokenCredentials::Dev, "dev"),
    (TokenCredentials::Prod, "prod"),
    (TokenCredentials::Environment, "EnvironmentCredential"),
    (TokenCredentials::WorkloadIdentity, "WorkloadIdentityCredential"),
    (TokenCredentials::ManagedIdentity, "ManagedIdentityCredential"),
    (TokenCredentials::AzureCli, "AzureCliCredential"),
    (TokenCredentials::AzureDeveloperCli, "AzureDeveloperCliCredential"),
];

/// Another text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is none of {}", diagnostics::quoted(text), ALL.map(|(_, name)| format!("`{name}`")).join(", "))]
pub(crate) struct UnknownTokenCredentials {
    text: String,
}

impl TokenCredentials {
    /// As Azure's libraries write it.
    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, name)| name)
    }

    /// Whether a credential of this name may be taken.
    pub(super) fn admits(self, credential: Self) -> bool {
        match self {
            Self::Dev => matches!(credential, Self::AzureCli | Self::AzureDeveloperCli),
            Self::Prod => matches!(credential, Self::Environment | Self::WorkloadIdentity | Self::ManagedIdentity),
            one => one == credential,
        }
    }
}

impl FromStr for TokenCredentials {
    type Err = UnknownTokenCredentials;

    fn from_str(text: &str) -> Result<Self, UnknownTokenCredentials> {
        let found = ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(text.trim()));
        found.map(|(one, _)| *one).ok_or_else(|| UnknownTokenCredentials { text: text.to_owned() })
    }
}
