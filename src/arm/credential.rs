//! Which identity signs in to Azure, decided by the environment; all token work is azure_identity's.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::{
    ClientSecretCredential, DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};

use super::error::{ArmError, ArmErrorKind};

/// What was chosen, in words for people.
pub type CredentialName = &'static str;

/// The credential to use, in this order:
///
/// 1. a service principal, when `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET` are set;
/// 2. a managed identity, when the environment offers one (`IDENTITY_ENDPOINT`, or `AZURE_TOKEN_CREDENTIALS` set to
///    `ManagedIdentityCredential`); `AZURE_CLIENT_ID` then names a user-assigned one;
/// 3. the developer tools' sign-in: `az login`, else `azd auth login`.
///
/// `variable` looks a variable of the environment up.
pub fn credential(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(Arc<dyn TokenCredential>, CredentialName), ArmError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let refused =
        |error: azure_core::Error| ArmError::local(ArmErrorKind::SignIn, "choosing a credential", error.to_string());
    if let Some(secret) = set("AZURE_CLIENT_SECRET") {
        let (Some(tenant), Some(client)) = (set("AZURE_TENANT_ID"), set("AZURE_CLIENT_ID")) else {
            return Err(ArmError::local(
                ArmErrorKind::SignIn,
                "choosing a credential",
                "`AZURE_CLIENT_SECRET` is set, but `AZURE_TENANT_ID` or `AZURE_CLIENT_ID` is not",
            ));
        };
        let credential = ClientSecretCredential::new(&tenant, client, Secret::new(secret), None).map_err(refused)?;
        return Ok((credential, "service principal with secret"));
    }
    let managed = set("IDENTITY_ENDPOINT").is_some()
        || set("AZURE_TOKEN_CREDENTIALS").is_some_and(|name| name.eq_ignore_ascii_case("ManagedIdentityCredential"));
    if managed {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: set("AZURE_CLIENT_ID").map(UserAssignedId::ClientId),
            ..ManagedIdentityCredentialOptions::default()
        };
        return Ok((ManagedIdentityCredential::new(Some(options)).map_err(refused)?, "managed identity"));
    }
    Ok((DeveloperToolsCredential::new(None).map_err(refused)?, "developer tools"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let tenant = "00000000-0000-0000-0000-000000000002";
        for (variables, expected) in [
            (
                vec![("AZURE_CLIENT_SECRET", "x"), ("AZURE_TENANT_ID", tenant), ("AZURE_CLIENT_ID", "c")],
                Ok("service principal with secret"),
            ),
            (vec![("AZURE_CLIENT_SECRET", "x")], Err("`AZURE_CLIENT_SECRET` is set, but")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "managedidentitycredential")], Ok("managed identity")),
            (vec![], Ok("developer tools")),
        ] {
            let look_up =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            match (credential(look_up), expected) {
                (Ok((_, name)), Ok(expected)) => assert_eq!(name, expected),
                (Err(error), Err(expected)) => assert!(error.message.starts_with(expected), "{error}"),
                (found, expected) => panic!("{:?} instead of {expected:?}", found.map(|(_, name)| name)),
            }
        }
    }
}
