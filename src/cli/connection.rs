//! From parameters and environment to a signed-in client: Azure, or the local emulator.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::SecretBytes;
use serde::Deserialize;

use super::arguments::ConnectionArguments;
use super::parameters::path;
use crate::arm::{
    Arm, ArmError, ArmErrorKind, ChosenCredential, Endpoint, Patience, SignIn, Subscription, Wait, WaitListener,
    authority, credential,
};
use crate::config::Values;
use crate::config::parameter::{AZURE_CERT, CLIENT_ID, CLOUD, Parameter, SUBSCRIPTION, TENANT};
use crate::directory::{Cloud, StoredCluster};
use crate::local::{self, Emulator};
use crate::pki::pkcs12;
use crate::spec::{AzureCloud, SubscriptionId};
use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};

/// What to do when nobody is signed in.
const SIGN_IN_HINT: &str =
    "az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; without an account: --local";
/// What to do when nobody answers, or somebody else does.
const NETWORK_HINT: &str = "look at the network, its sign-in page, and HTTPS_PROXY, then run the same command again; \
                            without an account: --local";
/// Seconds that one answer of Azure may take.
const ANSWER_TIMEOUT: &str = "AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT";

/// A client and what it is a client of.
pub struct Connection {
    pub arm: Arm,
    pub cloud: Cloud,
    pub subscription: SubscriptionId,
    /// Who is signed in; nobody needs to be for the emulator.
    pub credential: Option<ChosenCredential>,
    pub account: Subscription,
    /// The emulator, when that is what we talk to.
    pub emulator: Option<Emulator>,
}

/// Which cloud a command is about: what was asked, else where the cluster is.
pub fn cloud(arguments: &ConnectionArguments, stored: Option<&StoredCluster>) -> Result<Cloud, Failure> {
    match (arguments.local, stored.map(|stored| stored.cloud)) {
        (true, Some(Cloud::Azure)) => {
            Err(Failure::Usage("the cluster was created on Azure; leave `--local` out, or use another name".into()))
        }
        (true, _) => Ok(Cloud::Local),
        (false, Some(cloud)) => Ok(cloud),
        (false, None) => Ok(Cloud::Azure),
    }
}

/// Signs in, and makes sure that the subscription is there. Starts the emulator when it is needed.
pub async fn connect(
    arguments: &ConnectionArguments,
    sign_in: &Values,
    stored: Option<&StoredCluster>,
    reporter: &Reporter,
) -> Result<Connection, Failure> {
    let patience = patience()?;
    let listener = Arc::new(ToldToPeople(reporter.clone()));
    match cloud(arguments, stored)? {
        Cloud::Local => {
            let named = named_subscription(sign_in, stored)?;
            let subscription = match named {
                Some(subscription) => subscription,
                None => local::SUBSCRIPTION.parse().map_err(anyhow::Error::new)?,
            };
            let emulator = local::ensure_running(reporter).await?;
            let arm = Arm::new(&Endpoint::local(&emulator.base, emulator.authorization())?, patience, listener);
            let hint = "azure-coreos-cluster local status";
            let account = account(&arm, &subscription, &|_| hint.to_owned()).await?;
            Ok(Connection {
                arm,
                cloud: Cloud::Local,
                subscription,
                credential: None,
                account,
                emulator: Some(emulator),
            })
        }
        Cloud::Azure => {
            let azure_cloud = azure_cloud(sign_in, stored)?;
            let named = match named_subscription(sign_in, stored)? {
                Some(subscription) => Some(subscription),
                None => subscription_of_environment(reporter)?,
            };
            let chosen = choose(sign_in, azure_cloud)?;
            tracing::info!(credential = chosen.name, "signing in");
            let arm = Arm::new(&Endpoint::azure(azure_cloud, chosen.credential.clone())?, patience, listener);
            let hint = |error: &ArmError| sign_in_hint(error, &chosen);
            let subscription = match named {
                Some(subscription) => subscription,
                None => only_subscription(&arm, &hint).await?,
            };
            let account = account(&arm, &subscription, &hint).await?;
            Ok(Connection { arm, cloud: Cloud::Azure, subscription, credential: Some(chosen), account, emulator: None })
        }
    }
}

/// Tells people of waits for Azure.
#[derive(Debug)]
struct ToldToPeople(Reporter);

impl WaitListener for ToldToPeople {
    fn waiting(&self, wait: &Wait) {
        self.0.note(format!("▴ {wait}"));
    }
}

/// How long Azure is waited for: as the program has it, but for what the environment says of one answer.
fn patience() -> Result<Patience, Failure> {
    let patience = Patience::default();
    let Some(text) = std::env::var_os(ANSWER_TIMEOUT).filter(|text| !text.is_empty()) else { return Ok(patience) };
    let seconds = text.to_str().and_then(|text| text.parse().ok()).filter(|seconds| (1..=3600).contains(seconds));
    let Some(seconds) = seconds else {
        let message = format!("must be whole seconds, 1 to 3600, found `{}`", text.display());
        let mut problems = Problems::new();
        problems.add(Origin::Environment(ANSWER_TIMEOUT.into()), message);
        return Err(problems.into());
    };
    Ok(Patience { answer: Duration::from_secs(seconds), ..patience })
}

/// What to run next: a credential is no remedy for a network.
fn sign_in_hint(error: &ArmError, chosen: &ChosenCredential) -> String {
    match error.kind {
        ArmErrorKind::Unreachable | ArmErrorKind::NotAzure => NETWORK_HINT.to_owned(),
        _ if chosen.is_last_resort => format!("{SIGN_IN_HINT}; there is no credential but: {}", chosen.name),
        _ => format!("{}; the credential is: {} ({})", chosen.remedy, chosen.name, chosen.reason),
    }
}

/// The cloud of Azure that was asked for, else the cluster's.
fn azure_cloud(sign_in: &Values, stored: Option<&StoredCluster>) -> Result<AzureCloud, Problems> {
    let mut problems = Problems::new();
    let given = sign_in.get(&CLOUD).and_then(|given| Some((given.origin.clone(), given.texts.first()?)));
    let given: Option<AzureCloud> = given.and_then(|(origin, word)| problems.take(origin, word.parse()));
    let cloud = given.or(stored.map(|stored| stored.spec.cloud)).unwrap_or_default();
    if problems.is_empty() { Ok(cloud) } else { Err(problems) }
}

/// The credential, with the certificate that a parameter names already read.
fn choose(sign_in: &Values, cloud: AzureCloud) -> Result<ChosenCredential, Failure> {
    let mut problems = Problems::new();
    let tenant = parsed(sign_in, &TENANT, &mut problems);
    let client = parsed(sign_in, &CLIENT_ID, &mut problems);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let certificate = match path(sign_in, &AZURE_CERT) {
        Some(file) => Some(certificate(sign_in, &file)?),
        None => None,
    };
    let sign_in = SignIn { tenant, client, certificate, cloud: Some(authority(cloud)) };
    let variable = |name: &str| std::env::var(name).ok();
    credential(sign_in, variable).map_err(|error| Failure::azure(error, SIGN_IN_HINT))
}

/// A parameter's value as what it must be; a mistake is added to `problems`.
fn parsed<T>(sign_in: &Values, parameter: &Parameter, problems: &mut Problems) -> Option<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let given = sign_in.get(parameter)?;
    problems.take(given.origin.clone(), given.texts.first()?.parse())
}

fn certificate(sign_in: &Values, file: &Path) -> Result<SecretBytes, Failure> {
    let shown = file.display().to_string();
    let read =
        std::fs::read(file).map_err(|error| (error.to_string(), "azure-coreos-cluster mgmt-cert makes one".into()));
    let packed = read.and_then(|bytes| pkcs12(&bytes).map_err(|error| (error.to_string(), error.remedy(&shown))));
    packed.map(SecretBytes::new).map_err(|(message, remedy)| {
        let origin = sign_in.get(&AZURE_CERT).map_or(Origin::Flag(AZURE_CERT.flag), |given| given.origin.clone());
        let mut problems = Problems::new();
        problems.add_with_hint(origin, format!("`{shown}`: {message}"), remedy);
        problems.into()
    })
}

/// The subscription that was named by a parameter, or that the cluster is in.
fn named_subscription(sign_in: &Values, stored: Option<&StoredCluster>) -> Result<Option<SubscriptionId>, Failure> {
    let mut problems = Problems::new();
    let asked: Option<SubscriptionId> = parsed(sign_in, &SUBSCRIPTION, &mut problems);
    let settled: Option<SubscriptionId> =
        stored.and_then(|stored| problems.take(Origin::EarlierRun, stored.subscription.parse()));
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if let (Some(asked), Some(settled)) = (&asked, &settled)
        && !asked.eq_ignore_ascii_case(settled)
    {
        return Err(Failure::Usage(format!("the cluster is in subscription `{settled}`, not in `{asked}`")));
    }
    Ok(settled.or(asked))
}

/// The subscription of the environment, else the Azure CLI's default.
fn subscription_of_environment(reporter: &Reporter) -> Result<Option<SubscriptionId>, Failure> {
    const VARIABLE: &str = "AZURE_SUBSCRIPTION_ID";
    if let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) {
        let mut problems = Problems::new();
        let origin = Origin::Environment(VARIABLE.into());
        let found = problems.take(origin, text.to_string_lossy().parse());
        return if problems.is_empty() { Ok(found) } else { Err(problems.into()) };
    }
    Ok(developer_tools_subscription().unwrap_or_else(|problem| {
        reporter.note(format!("▴ {problem}; the Azure CLI's default subscription is not known"));
        None
    }))
}

/// The Azure CLI's default subscription; none when nobody uses the Azure CLI here. An error is in words.
/// <https://learn.microsoft.com/cli/azure/manage-azure-subscriptions-azure-cli>
fn developer_tools_subscription() -> Result<Option<SubscriptionId>, String> {
    let folder = match (std::env::var_os("AZURE_CONFIG_DIR"), std::env::var_os("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => PathBuf::from(home).join(".azure"),
        (None, None) => return Ok(None),
    };
    let file = folder.join("azureProfile.json");
    let wrong = |why: String| format!("`{}`: {why}", file.display());
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let default = default_of_profile(&text).map_err(wrong)?;
    default.map(|id| id.parse()).transpose().map_err(|error: crate::spec::InvalidAccount| wrong(error.to_string()))
}

/// What the Azure CLI keeps of its accounts.
#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    subscriptions: Vec<ProfileSubscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileSubscription {
    id: String,
    #[serde(default)]
    is_default: bool,
}

fn default_of_profile(text: &str) -> Result<Option<String>, String> {
    // The Azure CLI writes a byte order mark.
    let profile: Profile =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())?;
    Ok(profile.subscriptions.into_iter().find(|subscription| subscription.is_default).map(|default| default.id))
}

/// The one subscription that whoever is signed in may see, or an error that lists them.
async fn only_subscription(arm: &Arm, hint: &dyn Fn(&ArmError) -> String) -> Result<SubscriptionId, Failure> {
    let doing = "choosing a subscription";
    let found = arm.subscriptions(doing).await.map_err(|error| Failure::azure(error.clone(), hint(&error)))?;
    let message = match found.as_slice() {
        [only] => return Ok(only.id.clone()),
        [] => "whoever is signed in sees none".to_owned(),
        several => {
            let lines: Vec<String> =
                several.iter().map(|one| format!("\n  {}  {}", one.id, one.display_name)).collect();
            format!("none was named, and there are several:{}", lines.concat())
        }
    };
    let error = ArmError::local(ArmErrorKind::SignIn, doing, message);
    Err(Failure::azure(error, "--subscription ID, or AZURE_SUBSCRIPTION_ID, or az account set --subscription ID"))
}

async fn account(
    arm: &Arm,
    subscription: &SubscriptionId,
    hint: &dyn Fn(&ArmError) -> String,
) -> Result<Subscription, Failure> {
    match arm.subscription(subscription).await.map_err(|error| Failure::azure(error.clone(), hint(&error)))? {
        Some(account) => Ok(account),
        None => {
            let message = format!("subscription `{subscription}` does not exist, or you may not see it");
            let error = ArmError::local(ArmErrorKind::SignIn, "reading the subscription", message);
            let hint = hint(&error);
            Err(Failure::azure(error, hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_azure_clis_default() {
        for (text, expected) in [
            ("\u{feff}{\"subscriptions\": [{\"id\": \"a\"}, {\"id\": \"b\", \"isDefault\": true}]}", Ok(Some("b"))),
            (r#"{"installationId": "x", "subscriptions": []}"#, Ok(None)),
            (r#"{"subscriptions": [{"isDefault": true}]}"#, Err("missing field `id`")),
            ("{", Err("EOF while parsing")),
        ] {
            match (default_of_profile(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.as_deref(), expected, "{text}"),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }
}
