//! A virtual machine's `osProfile`: names, users, keys and custom data as Azure's Linux provisioning takes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::arm::document::{list, text};
use crate::arm::error::ArmError;
use crate::arm::refusal::{invalid, missing};
use crate::compute::ssh_key;
use crate::draft::Draft;

/// `osProfile.customData`, decoded.
const MOST_CUSTOM_DATA_BYTES: usize = 65_535;

/// Names that Azure refuses for `adminUsername`.
const REFUSED_USERS: &[&str] = &[
    "administrator",
    "admin",
    "user",
    "user1",
    "user2",
    "user3",
    "user4",
    "user5",
    "test",
    "test1",
    "test2",
    "test3",
    "admin1",
    "admin2",
    "1",
    "123",
    "a",
    "actuser",
    "adm",
    "aspnet",
    "backup",
    "console",
    "david",
    "guest",
    "john",
    "owner",
    "root",
    "server",
    "sql",
    "support",
    "support_388945a0",
    "sys",
];

/// Checks the profile, and takes the custom data out of the document.
pub(crate) fn complete(draft: &mut Draft<'_>) -> Result<(), ArmError> {
    let mut profile = draft.document.pointer("/properties/osProfile").cloned().ok_or_else(|| missing("osProfile"))?;
    let computer = text(&profile, "/computerName").unwrap_or(&draft.id.name).to_owned();
    let fits = (1..=64).contains(&computer.len())
        && !computer.starts_with('_')
        && !computer.ends_with(['.', '-'])
        && !computer.chars().any(|c| c.is_whitespace() || r#"\/"[]:|<>+=;,?*@&~!#$%^()_{}'`"#.contains(c));
    if !fits {
        return Err(invalid(
            "computerName",
            format!(
                "Linux host name '{computer}' cannot exceed 64 characters in length or contain special characters."
            ),
        ));
    }
    let admin = text(&profile, "/adminUsername").ok_or_else(|| missing("osProfile.adminUsername"))?.to_owned();
    if !(1..=64).contains(&admin.len()) || REFUSED_USERS.contains(&admin.to_ascii_lowercase().as_str()) {
        return Err(invalid("adminUsername", "The Admin Username specified is not allowed."));
    }
    check_sign_in(&profile, &admin)?;
    profile["computerName"] = json!(computer);
    draft.custom_data = take_custom_data(&mut profile)?.or_else(|| draft.existing?.custom_data.clone());
    for flag in ["allowExtensionOperations", "requireGuestProvisionSignal"] {
        if profile.get(flag).is_none() {
            profile[flag] = json!(true);
        }
    }
    // A password is checked for presence above and is not kept.
    if let Some(profile) = profile.as_object_mut() {
        profile.remove("adminPassword");
        profile.entry("secrets").or_insert(json!([]));
    }
    draft.document["properties"]["osProfile"] = profile;
    Ok(())
}

fn check_sign_in(profile: &Value, admin: &str) -> Result<(), ArmError> {
    let keys = list(profile, "/linuxConfiguration/ssh/publicKeys");
    if keys.is_empty() && text(profile, "/adminPassword").is_none() {
        return Err(invalid(
            "linuxConfiguration",
            "Authentication using either SSH or by user name and password must be enabled in Linux profile.",
        ));
    }
    let wanted = format!("/home/{admin}/.ssh/authorized_keys");
    for entry in keys {
        if text(entry, "/path") != Some(&wanted) {
            return Err(invalid(
                "linuxConfiguration.ssh.publicKeys.path",
                format!(
                    "Destination path for SSH public keys is currently limited to its default value {wanted} due to a known issue in Linux provisioning agent."
                ),
            ));
        }
        let line = text(entry, "/keyData").ok_or_else(|| missing("linuxConfiguration.ssh.publicKeys.keyData"))?;
        ssh_key::check(line).map_err(|reason| {
            invalid(
                "linuxConfiguration.ssh.publicKeys.keyData",
                format!("The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid: {reason}."),
            )
        })?;
    }
    Ok(())
}

fn take_custom_data(profile: &mut Value) -> Result<Option<String>, ArmError> {
    let Some(encoded) = profile.as_object_mut().and_then(|profile| profile.remove("customData")) else {
        return Ok(None);
    };
    let decoded = encoded.as_str().and_then(|text| STANDARD.decode(text).ok());
    match (encoded, decoded) {
        (Value::String(text), Some(bytes)) if bytes.len() <= MOST_CUSTOM_DATA_BYTES => Ok(Some(text)),
        (_, Some(bytes)) => Err(invalid(
            "customData",
            format!(
                "Custom data in OSProfile is too long: {} bytes. The maximum allowed length is {MOST_CUSTOM_DATA_BYTES} bytes.",
                bytes.len()
            ),
        )),
        (_, None) => Err(invalid("customData", "Custom data in OSProfile must be in Base64 encoding.")),
    }
}
