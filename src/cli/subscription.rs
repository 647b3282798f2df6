//! Which subscription a command is about: named, settled, of the environment, of the Azure CLI, or the only one.

use std::path::PathBuf;

use diagnostics::file_text::without_mark;
use diagnostics::given_file::{self, GivenFileError};
use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};
use serde::Deserialize;

use super::sign_in::parsed;
use crate::arm::{Arm, ArmError, ArmErrorKind};
use crate::config::Values;
use crate::config::parameter::SUBSCRIPTION;
use crate::directory::ClusterPlace;
use crate::spec::{InvalidAccount, SubscriptionId};
use report::mark::DEGRADED;

/// The subscription that was named by a parameter, or that the cluster is in.
///
/// A mistake is added to `problems`.
pub(super) fn named(
    sign_in: &Values,
    place: Option<&ClusterPlace>,
    problems: &mut Problems,
) -> Result<Option<SubscriptionId>, Failure> {
    let asked: Option<SubscriptionId> = parsed(sign_in, &SUBSCRIPTION, problems);
    let settled: Option<SubscriptionId> =
        place.and_then(|place| problems.take(Origin::EarlierRun, place.subscription.parse()));
    if let (Some(asked), Some(settled)) = (&asked, &settled)
        && !asked.eq_ignore_ascii_case(settled)
    {
        return Err(Failure::Usage(format!("the cluster is in subscription `{settled}`, not in `{asked}`")));
    }
    Ok(settled.or(asked))
}

/// The subscription of the environment, else the Azure CLI's default.
pub(super) fn of_environment(reporter: &Reporter, problems: &mut Problems) -> Option<SubscriptionId> {
    const VARIABLE: &str = "AZURE_SUBSCRIPTION_ID";
    if let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) {
        return problems.take(Origin::Environment(VARIABLE.into()), text.to_string_lossy().parse());
    }
    developer_tools_default().unwrap_or_else(|problem| {
        reporter.note(format!("{DEGRADED} {problem}; the Azure CLI's default subscription is not known"));
        None
    })
}

/// Where the Azure CLI keeps who has signed in with it.
/// <https://learn.microsoft.com/cli/azure/azure-cli-configuration>
fn azure_cli_profile() -> Option<PathBuf> {
    let folder = match (std::env::var_os("AZURE_CONFIG_DIR"), std::env::var_os("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => PathBuf::from(home).join(".azure"),
        (None, None) => return None,
    };
    Some(folder.join("azureProfile.json"))
}

/// Whether somebody has signed in with the Azure CLI here.
pub(super) fn is_azure_cli_used() -> bool {
    azure_cli_profile().is_some_and(|file| file.exists())
}

/// The Azure CLI's default subscription; none when nobody uses the Azure CLI here. An error is in words.
/// <https://learn.microsoft.com/cli/azure/manage-azure-subscriptions-azure-cli>
fn developer_tools_default() -> Result<Option<SubscriptionId>, String> {
    let Some(file) = azure_cli_profile() else { return Ok(None) };
    let wrong = |why: String| format!("`{}`: {why}", file.display());
    let text = match given_file::read_text(&file) {
        Ok(text) => text,
        Err(GivenFileError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let default = default_of_profile(&text).map_err(wrong)?;
    default.map(|id| id.parse()).transpose().map_err(|error: InvalidAccount| wrong(error.to_string()))
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
    let profile: Profile = serde_json::from_str(without_mark(text)).map_err(|error| error.to_string())?;
    Ok(profile.subscriptions.into_iter().find(|subscription| subscription.is_default).map(|default| default.id))
}

/// The one subscription that whoever is signed in may see, or an error that lists them.
pub(super) async fn only(arm: &Arm, hint: &dyn Fn(&ArmError) -> String) -> Result<SubscriptionId, Failure> {
    let doing = "choosing a subscription";
    let found = arm.subscriptions(doing).await.map_err(|error| Failure::azure(error.clone(), hint(&error)))?;
    let message = match found.as_slice() {
        [one] => return Ok(one.id.clone()),
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
