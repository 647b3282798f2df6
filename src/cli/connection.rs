//! From parameters and environment to a signed-in client: Azure, or the local emulator.

use std::path::{Path, PathBuf};

use azure_core::credentials::SecretBytes;
use serde_json::Value;

use super::arguments::ConnectionArguments;
use super::parameters::path;
use crate::arm::{Arm, ArmError, ArmErrorKind, ChosenCredential, Endpoint, ResourceId, SignIn, authority, credential};
use crate::config::Values;
use crate::config::parameter::{AZURE_CERT, CLIENT_ID, CLOUD, SUBSCRIPTION, TENANT};
use crate::directory::{Cloud, StoredCluster};
use crate::local::{self, Emulator};
use crate::pki::pkcs12;
use crate::spec::AzureCloud;
use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};

/// What to do when nobody is signed in.
const SIGN_IN_HINT: &str =
    "az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; without an account: --local";
/// <https://learn.microsoft.com/rest/api/resources/subscriptions/list>
const SUBSCRIPTIONS_API_VERSION: &str = "2022-12-01";

/// A client and what it is a client of.
pub struct Connection {
    pub arm: Arm,
    pub cloud: Cloud,
    pub subscription: String,
    /// Who is signed in; nobody needs to be for the emulator.
    pub credential: Option<ChosenCredential>,
    /// The subscription's document.
    pub account: Value,
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
    match cloud(arguments, stored)? {
        Cloud::Local => {
            let emulator = local::ensure_running(reporter).await?;
            let arm = Arm::new(&Endpoint::local(&emulator.base, emulator.token.clone())?);
            let asked = sign_in.text(&SUBSCRIPTION).map(str::to_owned);
            let subscription = match stored {
                Some(stored) => stored.subscription.clone(),
                None => asked.unwrap_or_else(|| local::SUBSCRIPTION.into()),
            };
            let account = account(&arm, &subscription, "azure-coreos-cluster local status").await?;
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
            let chosen = choose(sign_in, azure_cloud)?;
            tracing::info!(credential = chosen.name, "signing in");
            let arm = Arm::new(&Endpoint::azure(azure_cloud, chosen.credential.clone())?);
            let hint = match chosen.is_last_resort {
                true => format!("{SIGN_IN_HINT}; there is no credential but: {}", chosen.name),
                false => format!("{}; the credential is: {} ({})", chosen.remedy, chosen.name, chosen.reason),
            };
            let subscription = match subscription(sign_in, stored)? {
                Some(subscription) => subscription,
                None => only_subscription(&arm, &hint).await?,
            };
            let account = account(&arm, &subscription, &hint).await?;
            Ok(Connection { arm, cloud: Cloud::Azure, subscription, credential: Some(chosen), account, emulator: None })
        }
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
    let text = |parameter| sign_in.text(parameter).map(str::to_owned);
    let certificate = match path(sign_in, &AZURE_CERT) {
        Some(file) => Some(certificate(sign_in, &file)?),
        None => None,
    };
    let sign_in =
        SignIn { tenant: text(&TENANT), client: text(&CLIENT_ID), certificate, cloud: Some(authority(cloud)) };
    let variable = |name: &str| std::env::var(name).ok();
    credential(sign_in, variable).map_err(|error| Failure::azure(error, SIGN_IN_HINT))
}

fn certificate(sign_in: &Values, file: &Path) -> Result<SecretBytes, Failure> {
    let read = std::fs::read(file).map_err(anyhow::Error::new).and_then(|bytes| pkcs12(&bytes));
    read.map(SecretBytes::new).map_err(|error| {
        let origin = sign_in.get(&AZURE_CERT).map_or(Origin::Flag(AZURE_CERT.flag), |given| given.origin.clone());
        let mut problems = Problems::new();
        let hint = "azure-coreos-cluster mgmt-cert makes one";
        problems.add_with_hint(origin, format!("`{}`: {error:#}", file.display()), hint);
        problems.into()
    })
}

/// The subscription that was named, by a parameter, the cluster itself, the environment or the Azure CLI.
fn subscription(sign_in: &Values, stored: Option<&StoredCluster>) -> Result<Option<String>, Failure> {
    let settled = stored.map(|stored| stored.subscription.clone());
    let asked = sign_in.text(&SUBSCRIPTION).map(str::to_owned);
    if let (Some(asked), Some(settled)) = (&asked, &settled)
        && !asked.eq_ignore_ascii_case(settled)
    {
        return Err(Failure::Usage(format!("the cluster is in subscription `{settled}`, not in `{asked}`")));
    }
    let from_environment = || std::env::var("AZURE_SUBSCRIPTION_ID").ok().filter(|id| !id.is_empty());
    Ok(asked.or(settled).or_else(from_environment).or_else(developer_tools_subscription))
}

/// The Azure CLI's default subscription.
/// <https://learn.microsoft.com/cli/azure/manage-azure-subscriptions-azure-cli>
fn developer_tools_subscription() -> Option<String> {
    let folder = match std::env::var_os("AZURE_CONFIG_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".azure"),
    };
    let text = std::fs::read_to_string(folder.join("azureProfile.json")).ok()?;
    // The Azure CLI writes a byte order mark.
    let profile: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let default = profile["subscriptions"].as_array()?.iter().find(|subscription| subscription["isDefault"] == true)?;
    default["id"].as_str().map(str::to_owned)
}

/// The one subscription that whoever is signed in may see, or an error that lists them.
async fn only_subscription(arm: &Arm, hint: &str) -> Result<String, Failure> {
    let doing = "choosing a subscription";
    let found = arm.get_path(doing, "/subscriptions", SUBSCRIPTIONS_API_VERSION).await;
    let document = found.map_err(|error| Failure::azure(error, hint))?.unwrap_or_default();
    let known: Vec<(&str, &str)> = document["value"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["subscriptionId"].as_str()?, one["displayName"].as_str().unwrap_or_default())))
        .collect();
    let message = match known.as_slice() {
        [(only, _)] => return Ok((*only).to_owned()),
        [] => "whoever is signed in sees none".to_owned(),
        several => {
            let lines: Vec<String> = several.iter().map(|(id, name)| format!("\n  {id}  {name}")).collect();
            format!("none was named, and there are several:{}", lines.concat())
        }
    };
    let error = ArmError::local(ArmErrorKind::SignIn, doing, message);
    Err(Failure::azure(error, "--subscription ID, or AZURE_SUBSCRIPTION_ID, or az account set --subscription ID"))
}

async fn account(arm: &Arm, subscription: &str, hint: &str) -> Result<Value, Failure> {
    let id = ResourceId::subscription(subscription);
    match arm.get(&id).await.map_err(|error| Failure::azure(error, hint))? {
        Some(document) => Ok(document),
        None => {
            let message = format!("subscription `{subscription}` does not exist, or you may not see it");
            let error = ArmError::local(ArmErrorKind::SignIn, "reading the subscription", message);
            Err(Failure::azure(error, hint))
        }
    }
}
