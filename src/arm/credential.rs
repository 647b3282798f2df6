//! Which identity signs in to Azure, decided by flags and the environment; all token work is `azure_identity`'s.

use std::sync::Arc;

use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::{Secret, SecretBytes, TokenCredential};
use azure_core::http::{ClientOptions, RetryOptions};
use azure_identity::{
    AzureCliCredential, AzureDeveloperCliCredential, AzurePipelinesCredential, AzurePipelinesCredentialOptions,
    ClientAssertionCredentialOptions, ClientCertificateCredential, ClientCertificateCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, DeveloperToolsCredential, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::error::{ArmError, ArmErrorKind};
use super::token_credentials::{TOKEN_CREDENTIALS, TokenCredentials};
use crate::spec::{ClientId, InvalidAccount, TenantId};

/// What a user said of signing in; the rest is in the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignIn {
    /// The directory (tenant) of a service principal.
    pub tenant: Option<TenantId>,
    /// The application (client) of a service principal, or of a user-assigned managed identity.
    pub client: Option<ClientId>,
    /// A certificate with its private key, as PKCS #12 without a password.
    pub certificate: Option<SecretBytes>,
    /// Where tokens come from: the public cloud when absent.
    pub cloud: Option<Arc<CloudConfiguration>>,
}

/// A way of signing in that was chosen, with what it is and why.
#[derive(Clone, Debug)]
pub(crate) struct ChosenCredential {
    pub credential: Arc<dyn TokenCredential>,
    /// In words: `service principal with secret`.
    pub name: &'static str,
    /// What made it the choice: `AZURE_CLIENT_SECRET`.
    pub reason: &'static str,
    /// What to run when it is refused.
    pub remedy: &'static str,
    /// Whether it was taken because nothing else is set up.
    pub is_last_resort: bool,
}

/// The names of Azure Pipelines' variables for a service connection.
/// <https://learn.microsoft.com/azure/devops/pipelines/tasks/reference/azure-cli-v2>
const PIPELINES: [&str; 5] = [
    "SYSTEM_OIDCREQUESTURI",
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "SYSTEM_ACCESSTOKEN",
];

/// The credential to use, in this order:
///
/// 1. a service principal with a certificate (`--azure-cert`);
/// 2. a service principal with a secret (`AZURE_CLIENT_SECRET`);
/// 3. workload identity federation (`AZURE_FEDERATED_TOKEN_FILE`), as Kubernetes and pipelines set it up;
/// 4. Azure Pipelines' service connection (`SYSTEM_OIDCREQUESTURI` with the connection's variables);
/// 5. a managed identity, when the environment offers one (`IDENTITY_ENDPOINT`, or `AZURE_TOKEN_CREDENTIALS` set to
///    `ManagedIdentityCredential` or `prod`); `AZURE_CLIENT_ID` then names a user-assigned one;
/// 6. the developer tools' sign-in: `az login`, else `azd auth login`.
///
/// Of 2 to 6, `AZURE_TOKEN_CREDENTIALS` admits some; it is an error where none of those is set up.
///
/// `variable` looks a variable of the environment up.
pub(crate) fn credential(
    sign_in: SignIn,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ChosenCredential, ArmError> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let wrong = |message: String| ArmError::local(ArmErrorKind::SignIn, "choosing a credential", message);
    let refused = |error: azure_core::Error| wrong(error.to_string());
    let invalid = |name: &str, error: InvalidAccount| wrong(format!("{name}: {error}"));
    let tenant_of = |name: &str| set(name).map(|text| text.parse()).transpose().map_err(|error| invalid(name, error));
    let wanted = match set(TOKEN_CREDENTIALS).map(|text| text.parse::<TokenCredentials>()).transpose() {
        Ok(wanted) => wanted,
        Err(error) => return Err(wrong(format!("{TOKEN_CREDENTIALS}: {error}"))),
    };
    let admits = |credential| wanted.is_none_or(|wanted| wanted.admits(credential));
    let client_of = |name: &str| set(name).map(|text| text.parse()).transpose().map_err(|error| invalid(name, error));
    let tenant: Option<TenantId> = match sign_in.tenant {
        Some(tenant) => Some(tenant),
        None => tenant_of("AZURE_TENANT_ID")?,
    };
    let client: Option<ClientId> = match sign_in.client {
        Some(client) => Some(client),
        None => client_of("AZURE_CLIENT_ID")?,
    };
    // Who waits for a token is told by the request that waits for it, which tries again as well.
    let client_options =
        ClientOptions { cloud: sign_in.cloud.clone(), retry: RetryOptions::none(), ..ClientOptions::default() };
    let principal = |what: &str| match (&tenant, &client) {
        (Some(tenant), Some(client)) => Ok((tenant.to_string(), client.to_string())),
        (None, _) => Err(wrong(format!("{what} is given, but no tenant: --tenant or AZURE_TENANT_ID"))),
        (_, None) => Err(wrong(format!("{what} is given, but no client: --client-id or AZURE_CLIENT_ID"))),
    };

    if let Some(certificate) = sign_in.certificate {
        let (tenant, client) = principal("a certificate")?;
        let options = ClientCertificateCredentialOptions { client_options, ..Default::default() };
        return Ok(ChosenCredential {
            credential: ClientCertificateCredential::new(tenant, client, certificate, Some(options))
                .map_err(refused)?,
            name: "service principal with certificate",
            reason: "--azure-cert",
            remedy: "azure-coreos-cluster mgmt-cert makes a new certificate and prints how it is registered",
            is_last_resort: false,
        });
    }
    if let Some(secret) = set("AZURE_CLIENT_SECRET").filter(|_| admits(TokenCredentials::Environment)) {
        let (tenant, client) = principal("AZURE_CLIENT_SECRET")?;
        let options = ClientSecretCredentialOptions { client_options };
        return Ok(ChosenCredential {
            credential: ClientSecretCredential::new(&tenant, client, Secret::new(secret), Some(options))
                .map_err(refused)?,
            name: "service principal with secret",
            reason: "AZURE_CLIENT_SECRET",
            remedy: "az ad app credential reset --id $AZURE_CLIENT_ID makes a new secret",
            is_last_resort: false,
        });
    }
    let credential_options = ClientAssertionCredentialOptions { client_options: client_options.clone() };
    if let Some(file) = set("AZURE_FEDERATED_TOKEN_FILE").filter(|_| admits(TokenCredentials::WorkloadIdentity)) {
        let (tenant, client) = principal("AZURE_FEDERATED_TOKEN_FILE")?;
        let options = WorkloadIdentityCredentialOptions {
            credential_options,
            client_id: Some(client),
            tenant_id: Some(tenant),
            token_file_path: Some(file.into()),
        };
        return Ok(ChosenCredential {
            credential: WorkloadIdentityCredential::new(Some(options)).map_err(refused)?,
            name: "workload identity federation",
            reason: "AZURE_FEDERATED_TOKEN_FILE",
            remedy: "az identity federated-credential list, or az ad app federated-credential list, shows who is trusted",
            is_last_resort: false,
        });
    }
    if let [Some(_), Some(_), Some(_), Some(connection), Some(token)] = PIPELINES.map(set)
        && matches!(wanted, None | Some(TokenCredentials::Prod))
        && let (Some(tenant), Some(client)) = (tenant_of(PIPELINES[1])?, client_of(PIPELINES[2])?)
    {
        let options = AzurePipelinesCredentialOptions { credential_options };
        return Ok(ChosenCredential {
            credential: AzurePipelinesCredential::new(
                tenant.to_string(),
                client.to_string(),
                &connection,
                Secret::new(token),
                Some(options),
            )
            .map_err(refused)?,
            name: "Azure Pipelines' service connection",
            reason: "SYSTEM_OIDCREQUESTURI and AZURESUBSCRIPTION_…",
            remedy: "give the step `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`, and check the service connection",
            is_last_resort: false,
        });
    }
    let is_wanted = wanted.is_some() && admits(TokenCredentials::ManagedIdentity);
    if is_wanted || (wanted.is_none() && set("IDENTITY_ENDPOINT").is_some()) {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: client.map(|client| UserAssignedId::ClientId(client.to_string())),
            client_options,
        };
        return Ok(ChosenCredential {
            credential: ManagedIdentityCredential::new(Some(options)).map_err(refused)?,
            name: "managed identity",
            reason: if is_wanted { TOKEN_CREDENTIALS } else { "IDENTITY_ENDPOINT" },
            remedy: "az vm identity show; az role assignment list --assignee ITS-ID",
            is_last_resort: false,
        });
    }
    let (credential, name, remedy): (Arc<dyn TokenCredential>, _, _) = match wanted {
        None | Some(TokenCredentials::Dev) => {
            (DeveloperToolsCredential::new(None).map_err(refused)?, "developer tools", "az login, or azd auth login")
        }
        Some(TokenCredentials::AzureCli) => (AzureCliCredential::new(None).map_err(refused)?, "Azure CLI", "az login"),
        Some(TokenCredentials::AzureDeveloperCli) => {
            (AzureDeveloperCliCredential::new(None).map_err(refused)?, "Azure Developer CLI", "azd auth login")
        }
        Some(other) => {
            let variable = match other {
                TokenCredentials::WorkloadIdentity => "AZURE_FEDERATED_TOKEN_FILE",
                _ => "AZURE_CLIENT_SECRET",
            };
            return Err(wrong(format!("{TOKEN_CREDENTIALS} is `{}`, and {variable} is not set", other.name())));
        }
    };
    let reason = if wanted.is_some() { TOKEN_CREDENTIALS } else { "nothing else is set up" };
    Ok(ChosenCredential { credential, name, reason, remedy, is_last_resort: wanted.is_none() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_the_environment_decide() {
        let tenant = ("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000002");
        let client = ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000003");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "token").unwrap();
        let token_file = ("AZURE_FEDERATED_TOKEN_FILE", file.path().to_str().unwrap());
        let pipelines: Vec<(&str, &str)> = PIPELINES.iter().map(|name| (*name, "https://example.test/c")).collect();
        let pipelines: Vec<(&str, &str)> = pipelines
            .into_iter()
            .map(|(name, text)| match name {
                "AZURESUBSCRIPTION_TENANT_ID" => (name, tenant.1),
                "AZURESUBSCRIPTION_CLIENT_ID" => (name, client.1),
                _ => (name, text),
            })
            .collect();
        for (variables, expected) in [
            (vec![("AZURE_CLIENT_SECRET", "x"), tenant, client], Ok("service principal with secret")),
            (vec![("AZURE_CLIENT_SECRET", "x"), client], Err("AZURE_CLIENT_SECRET is given, but no tenant")),
            (vec![("AZURE_CLIENT_SECRET", "x"), tenant], Err("AZURE_CLIENT_SECRET is given, but no client")),
            (vec![("AZURE_CLIENT_SECRET", ""), token_file, tenant, client], Ok("workload identity federation")),
            (vec![token_file, tenant], Err("but no client")),
            (vec![("AZURE_TENANT_ID", "../common"), client], Err("AZURE_TENANT_ID: tenant `../common` is not an id")),
            (vec![tenant, ("AZURE_CLIENT_ID", "c")], Err("AZURE_CLIENT_ID: client `c` is not an id")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "managedidentitycredential")], Ok("managed identity")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "prod")], Ok("managed identity")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "prod"), token_file, tenant, client], Ok("workload identity federation")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "dev"), token_file, tenant, client], Ok("developer tools")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "dev"), ("IDENTITY_ENDPOINT", "http://a")], Ok("developer tools")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")], Ok("Azure CLI")),
            (vec![("AZURE_TOKEN_CREDENTIALS", "azuredeveloperclicredential")], Ok("Azure Developer CLI")),
            (
                vec![("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential"), token_file, tenant, client],
                Err("AZURE_TOKEN_CREDENTIALS is `EnvironmentCredential`, and AZURE_CLIENT_SECRET is not set"),
            ),
            (vec![("AZURE_TOKEN_CREDENTIALS", "foo")], Err("`foo` is none of `dev`, `prod`, `EnvironmentCredential`")),
            (pipelines[..4].to_vec(), Ok("developer tools")),
            (vec![], Ok("developer tools")),
        ] {
            let look_up =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            match (credential(SignIn::default(), look_up), expected) {
                (Ok(chosen), Ok(expected)) => assert_eq!(chosen.name, expected),
                (Err(error), Err(expected)) => assert!(error.message.contains(expected), "{error}"),
                (found, expected) => panic!("{:?} instead of {expected:?}", found.map(|chosen| chosen.name)),
            }
        }
    }
}
