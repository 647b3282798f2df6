//! Azure's rules for resource names and DNS labels. Called by every PUT before anything else is looked at.
//! Source: Azure's "Naming rules and restrictions for Azure resources".

use axum::http::StatusCode;

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;

/// Refuses a name that a resource of `kind` may not have.
pub(crate) fn check(kind: Kind, name: &str) -> Result<(), ArmError> {
    let fits = match kind {
        Kind::ResourceGroup => {
            (1..=90).contains(&name.chars().count())
                && !name.ends_with('.')
                && name.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
        }
        Kind::VirtualNetwork => fits(name, 2, 64),
        Kind::VirtualMachine => fits(name, 1, 64) && !name.bytes().all(|byte| byte.is_ascii_digit()),
        _ => fits(name, 1, 80),
    };
    if fits && kind == Kind::PublicIpAddress && is_reserved(name) {
        return Err(ArmError::bad(
            "ReservedResourceName",
            format!("The resource name '{name}' or a part of the name is a trademarked or reserved word."),
        ));
    }
    if fits {
        return Ok(());
    }
    if kind == Kind::ResourceGroup {
        return Err(ArmError::bad(
            "InvalidResourceGroup",
            format!(
                "The provided resource group name '{name}' has these invalid characters or is of an invalid length. The name can only be 1 to 90 letters, digits, '-', '.', '(', ')' or '_' and cannot end with '.'."
            ),
        ));
    }
    Err(refused(name, kind.namespace()))
}

/// Refuses the name of a sub-resource such as a subnet or a rule.
pub(crate) fn check_child(name: &str) -> Result<(), ArmError> {
    if fits(name, 1, 80) { Ok(()) } else { Err(refused(name, "Microsoft.Network")) }
}

/// Nowhere in the name of what has a public one.
/// Source: <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-reserved-resource-name>
const RESERVED_WORDS: [&str; 2] = ["MICROSOFT", "WINDOWS"];
/// Not in front of such a name.
const RESERVED_BEGINNINGS: [&str; 2] = ["LOGIN", "XBOX"];
/// Of the words that are refused as a whole name, those that a name of ours could be.
const RESERVED_NAMES: [&str; 8] = ["ACCESS", "AZURE", "BING", "DOTNET", "EXCHANGE", "OFFICE", "SKYPE", "XBOX"];

/// Whether the name of a resource with a public endpoint, or its DNS label, is or has a word that Azure keeps for itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    RESERVED_NAMES.contains(&upper.as_str())
        || RESERVED_WORDS.iter().any(|word| upper.contains(word))
        || RESERVED_BEGINNINGS.iter().any(|word| upper.starts_with(word))
}

/// Whether `label` can be the first label of a public address's name: `^[a-z][a-z0-9-]{1,61}[a-z0-9]$`.
pub(crate) fn is_dns_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && !label.ends_with('-')
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Starts with a letter or digit, ends with one or `_`, holds only those and `.` and `-` between.
fn fits(name: &str, shortest: usize, longest: usize) -> bool {
    let bytes = name.as_bytes();
    (shortest..=longest).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && (bytes[bytes.len() - 1].is_ascii_alphanumeric() || name.ends_with('_'))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn refused(name: &str, namespace: &str) -> ArmError {
    let code = if namespace == "Microsoft.Compute" { "InvalidParameter" } else { "InvalidResourceName" };
    ArmError::new(
        StatusCode::BAD_REQUEST,
        code,
        format!(
            "Resource name {name} is invalid. The name must begin with a letter or number, end with a letter, number or underscore, be of the allowed length, and may contain only letters, numbers, underscores, periods, or hyphens."
        ),
    )
    .target("name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_their_type() {
        let long = "a".repeat(81);
        let table = [
            (Kind::ResourceGroup, "my (group)_1", false),
            (Kind::ResourceGroup, "my(group)_1", true),
            (Kind::ResourceGroup, "ends.", false),
            (Kind::VirtualNetwork, "a", false),
            (Kind::VirtualNetwork, "ab", true),
            (Kind::NetworkInterface, "-a", false),
            (Kind::NetworkInterface, "a-", false),
            (Kind::NetworkInterface, "a_", true),
            (Kind::LoadBalancer, long.as_str(), false),
            (Kind::VirtualMachine, "123", false),
            (Kind::VirtualMachine, "node-1", true),
            (Kind::VirtualMachine, "node 1", false),
            (Kind::VirtualMachine, &long[..65], false),
            (Kind::PublicIpAddress, "microsoft-x-ip", false),
            (Kind::PublicIpAddress, "MyWindows-ip", false),
            (Kind::PublicIpAddress, "login-ip", false),
            (Kind::PublicIpAddress, "my-login-ip", true),
            (Kind::PublicIpAddress, "Azure", false),
            (Kind::PublicIpAddress, "azure-ip", true),
            (Kind::NetworkInterface, "windows-nic", true),
        ];
        for (kind, name, good) in table {
            assert_eq!(check(kind, name).is_ok(), good, "{kind:?} {name}");
        }
    }

    #[test]
    fn dns_labels() {
        let long = "a".repeat(64);
        for (label, good) in [
            ("abc", true),
            ("ab", false),
            ("1bc", false),
            ("aBc", false),
            ("ab-", false),
            ("a-1", true),
            (&long, false),
        ] {
            assert_eq!(is_dns_label(label), good, "{label}");
        }
    }
}
