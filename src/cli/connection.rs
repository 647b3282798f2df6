//! From arguments and environment to a signed-in client: Azure, or the local emulator.

use std::path::PathBuf;

use serde_json::Value;

use super::arguments::ConnectionArguments;
use crate::arm::{Arm, ArmError, ArmErrorKind, Endpoint, ResourceId, credential};
use crate::config::Values;
use crate::config::parameter::SUBSCRIPTION;
use crate::directory::{Cloud, StoredCluster};
use crate::local::{self, Emulator};
use crate::report::{Failure, Reporter};

/// What to do when nobody is signed in.
const SIGN_IN_HINT: &str =
    "az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; without an account: --local";

/// A client and what it is a client of.
pub struct Connection {
    pub arm: Arm,
    pub cloud: Cloud,
    pub subscription: String,
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
    let cloud = cloud(arguments, stored)?;
    let connection = match cloud {
        Cloud::Local => {
            let emulator = local::ensure_running(reporter).await?;
            let endpoint = Endpoint::local(&emulator.base, emulator.token.clone())?;
            Connection {
                arm: Arm::new(&endpoint),
                cloud,
                subscription: local::SUBSCRIPTION.into(),
                emulator: Some(emulator),
            }
        }
        Cloud::Azure => {
            let subscription = subscription(sign_in, stored)?;
            let (credential, name) =
                credential(|name| std::env::var(name).ok()).map_err(|error| Failure::azure(error, SIGN_IN_HINT))?;
            tracing::info!(credential = name, "signing in");
            let endpoint = Endpoint::azure(credential)?;
            Connection { arm: Arm::new(&endpoint), cloud, subscription, emulator: None }
        }
    };
    check_subscription(&connection).await?;
    Ok(connection)
}

fn subscription(sign_in: &Values, stored: Option<&StoredCluster>) -> Result<String, Failure> {
    let settled = stored.map(|stored| stored.subscription.clone());
    if let (Some(asked), Some(settled)) = (sign_in.text(&SUBSCRIPTION), &settled)
        && !asked.eq_ignore_ascii_case(settled)
    {
        return Err(Failure::Usage(format!("the cluster is in subscription `{settled}`, not in `{asked}`")));
    }
    let from_environment = || std::env::var("AZURE_SUBSCRIPTION_ID").ok().filter(|id| !id.is_empty());
    let asked = sign_in.text(&SUBSCRIPTION).map(str::to_owned);
    let found = asked.or(settled).or_else(from_environment).or_else(developer_tools_subscription);
    match found {
        Some(subscription) => Ok(subscription),
        None => {
            let error = ArmError::local(
                ArmErrorKind::SignIn,
                "choosing a subscription",
                "none was named, and the Azure CLI has no default one here",
            );
            Err(Failure::azure(error, format!("--subscription ID, or {SIGN_IN_HINT}")))
        }
    }
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

async fn check_subscription(connection: &Connection) -> Result<(), Failure> {
    let id = ResourceId::subscription(&connection.subscription);
    let hint = match connection.cloud {
        Cloud::Azure => SIGN_IN_HINT.to_owned(),
        Cloud::Local => "azure-coreos-cluster local status".to_owned(),
    };
    let found = connection.arm.get(&id).await.map_err(|error| Failure::azure(error, hint.clone()))?;
    match found {
        Some(_) => Ok(()),
        None => {
            let message = format!("subscription `{}` does not exist, or you may not see it", connection.subscription);
            let error = ArmError::local(ArmErrorKind::SignIn, "reading the subscription", message);
            Err(Failure::azure(error, hint))
        }
    }
}
