//! Who signs in, and where: what parameters say of it becomes a credential, or every mistake at once.

use std::path::Path;

use azure_core::credentials::SecretBytes;
use diagnostics::given_file::{self, GivenFileError};
use diagnostics::{Environment, Origin, Problems};
use report::Failure;

use super::parameters::path;
use super::subscription;
use crate::arm::{
    ArmError, ArmErrorKind, ChosenCredential, SignIn, TOKEN_CREDENTIALS, TokenCredentials, authority, credential,
};
use crate::config::Values;
use crate::config::parameter::{AZURE_CERT, CLIENT_ID, CLOUD, Parameter, TENANT};
use crate::directory::ClusterPlace;
use crate::pki::pkcs12;
use crate::spec::{AzureCloud, ClientId, InvalidAccount, TenantId};

/// What to do when nobody is signed in.
const SIGN_IN_HINT: &str =
    "az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; without an account: --local";
/// What to do when nobody answers, or somebody else does.
const NETWORK_HINT: &str = "look at the network, its sign-in page, and HTTPS_PROXY, then run the same command again; \
                            without an account: --local";
/// What signs in to Azure, in Azure's own names.
const SIGN_IN_VARIABLES: [&str; 12] = [
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    TOKEN_CREDENTIALS,
    "IDENTITY_ENDPOINT",
    "SYSTEM_OIDCREQUESTURI",
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "SYSTEM_ACCESSTOKEN",
];

/// Where requests go; the HTTP client reads them, and passes over what is no text.
/// <https://docs.rs/reqwest/latest/reqwest/#proxies>
const PROXY_VARIABLES: [&str; 8] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// What of the environment cannot be read, though a connection to Azure depends on it.
pub(super) fn unreadable_variables() -> Problems {
    let read = [Environment::read(&SIGN_IN_VARIABLES), Environment::read(&PROXY_VARIABLES)];
    let mut problems = Problems::new();
    read.into_iter().filter_map(Result::err).for_each(|found| problems.extend(found));
    problems
}

/// Names the file of a federated token; `azure_identity` reads it.
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Tokens travel in a request's form, which no sign-in service takes longer.
const MOST_TOKEN_BYTES: u64 = 1 << 20;

/// The cloud of Azure that was asked for, else the cluster's. A mistake is added to `problems`.
pub(super) fn azure_cloud(sign_in: &Values, place: Option<&ClusterPlace>, problems: &mut Problems) -> AzureCloud {
    let given: Option<AzureCloud> = parsed(sign_in, &CLOUD, problems);
    given.or(place.and_then(|place| place.azure_cloud)).unwrap_or_default()
}

/// Who signs in at this cloud, with the certificate that a parameter names already read. Mistakes are added to `problems`.
pub(super) fn read(sign_in: &Values, cloud: AzureCloud, problems: &mut Problems) -> SignIn {
    SignIn {
        tenant: parsed(sign_in, &TENANT, problems),
        client: parsed(sign_in, &CLIENT_ID, problems),
        certificate: path(sign_in, &AZURE_CERT).and_then(|file| certificate(sign_in, &file, problems)),
        cloud: Some(authority(cloud)),
    }
}

/// Whether anything says that somebody means to sign in to Azure: a parameter, a variable, or the Azure CLI's files.
pub(super) fn is_meant(sign_in: &Values) -> bool {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    *sign_in != Values::default() || SIGN_IN_VARIABLES.iter().any(is_set) || subscription::is_azure_cli_used()
}

/// The credential that this and the environment lead to.
pub(super) fn choose(sign_in: SignIn) -> Result<ChosenCredential, Failure> {
    let variables = Environment::read(&SIGN_IN_VARIABLES)?;
    check_ids(&sign_in, &variables)?;
    let is_set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let has_better = sign_in.certificate.is_some() || is_set("AZURE_CLIENT_SECRET").is_some();
    if let Some(file) = is_set(TOKEN_FILE).filter(|_| !has_better) {
        check_token_file(&file)?;
    }
    let chosen =
        credential(sign_in, |name| variables.get(name)).map_err(|error| Failure::azure(error, SIGN_IN_HINT))?;
    tracing::info!(credential = chosen.name, "signing in");
    Ok(chosen)
}

/// Ids of the environment become parts of URLs, as those of flags do.
fn check_ids(sign_in: &SignIn, variables: &Environment) -> Result<(), Failure> {
    let mut problems = Problems::new();
    let mut check = |name: &str, parse: fn(&str) -> Result<(), InvalidAccount>| {
        if let Some(text) = variables.get(name).filter(|text| !text.is_empty()) {
            problems.take(Origin::Environment(name.to_owned()), parse(&text));
        }
    };
    let tenant = |text: &str| text.parse::<TenantId>().map(drop);
    let client = |text: &str| text.parse::<ClientId>().map(drop);
    if sign_in.tenant.is_none() {
        check("AZURE_TENANT_ID", tenant);
    }
    if sign_in.client.is_none() {
        check("AZURE_CLIENT_ID", client);
    }
    if variables.get("SYSTEM_OIDCREQUESTURI").is_some() {
        check("AZURESUBSCRIPTION_TENANT_ID", tenant);
        check("AZURESUBSCRIPTION_CLIENT_ID", client);
    }
    if let Some(text) = variables.get(TOKEN_CREDENTIALS) {
        problems.take(Origin::Environment(TOKEN_CREDENTIALS.into()), text.parse::<TokenCredentials>());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// `azure_identity` reads the file whole, as soon as the credential is made: its kind and size are looked at before. Whether it is there is
/// left to it.
fn check_token_file(file: &str) -> Result<(), Failure> {
    let mistake = match given_file::open(Path::new(file)) {
        Ok((_, metadata)) if metadata.len() > MOST_TOKEN_BYTES => {
            format!("it has {} bytes, and a token has {MOST_TOKEN_BYTES} at most", metadata.len())
        }
        Err(error @ GivenFileError::NotAFile { .. }) => error.to_string(),
        Ok(_) | Err(_) => return Ok(()),
    };
    let mut problems = Problems::new();
    problems.add(Origin::Environment(TOKEN_FILE.into()), format!("reading `{file}`: {mistake}"));
    Err(problems.into())
}

/// Mistakes of parameters that only Azure needs, where nobody signs in.
pub(super) fn check(sign_in: &Values, problems: &mut Problems) {
    parsed::<TenantId>(sign_in, &TENANT, problems);
    parsed::<ClientId>(sign_in, &CLIENT_ID, problems);
}

/// A parameter's value as what it must be; a mistake is added to `problems`.
pub(super) fn parsed<T>(sign_in: &Values, parameter: &Parameter, problems: &mut Problems) -> Option<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let given = sign_in.get(parameter)?;
    problems.take(given.origin.clone(), given.texts.first()?.parse())
}

fn certificate(sign_in: &Values, file: &Path, problems: &mut Problems) -> Option<SecretBytes> {
    let shown = file.display().to_string();
    let read =
        given_file::read(file).map_err(|error| (error.to_string(), "azure-coreos-cluster mgmt-cert makes one".into()));
    let packed = read.and_then(|bytes| pkcs12(&bytes).map_err(|error| (error.to_string(), error.remedy(&shown))));
    match packed {
        Ok(bytes) => Some(SecretBytes::new(bytes)),
        Err((message, remedy)) => {
            let origin = sign_in.get(&AZURE_CERT).map_or(Origin::Flag(AZURE_CERT.flag), |given| given.origin.clone());
            problems.add_with_hint(origin, format!("`{shown}`: {message}"), remedy);
            None
        }
    }
}

/// What to run next: a credential is no remedy for a network.
pub(super) fn hint(error: &ArmError, chosen: &ChosenCredential) -> String {
    match error.kind {
        ArmErrorKind::Unreachable | ArmErrorKind::NotAzure => NETWORK_HINT.to_owned(),
        _ if chosen.is_last_resort => format!("{SIGN_IN_HINT}; there is no credential but: {}", chosen.name),
        _ => format!("{}; the credential is: {} ({})", chosen.remedy, chosen.name, chosen.reason),
    }
}
