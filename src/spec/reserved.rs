//! Words that Azure keeps for itself: in names that the public sees, and in front of tags.

/// No name is exactly one of these.
/// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-reserved-resource-name>
const WHOLE_NAMES: [&str; 36] = [
    "access",
    "app_browsers",
    "app_code",
    "app_data",
    "app_globalresources",
    "app_localresources",
    "app_themes",
    "app_webreferences",
    "azure",
    "bing",
    "bizspark",
    "biztalk",
    "cortana",
    "directx",
    "dotnet",
    "dynamics",
    "excel",
    "exchange",
    "forefront",
    "groove",
    "hololens",
    "hyperv",
    "kinect",
    "lync",
    "msdn",
    "o365",
    "office",
    "office365",
    "onedrive",
    "onenote",
    "outlook",
    "powerpoint",
    "sharepoint",
    "skype",
    "visio",
    "visualstudio",
];
/// Nowhere in a name; the third is in Azure's list a whole name only, and refused anywhere in a DNS label.
/// <https://github.com/MicrosoftDocs/azure-docs/issues/104539>
const PARTS: [&str; 3] = ["microsoft", "windows", "xbox"];
/// Not in front of a name.
const BEGINNINGS: [&str; 1] = ["login"];

/// What no tag's name begins with.
/// <https://learn.microsoft.com/rest/api/resources/tags/create-or-update>
const TAG_PREFIXES: [&str; 3] = ["microsoft", "azure", "windows"];

/// Why Azure refuses this name of something that has a public one, such as a DNS label; case makes no difference.
pub(super) fn in_public_name(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let source = "Azure keeps for itself (error ReservedResourceName)";
    if WHOLE_NAMES.contains(&lower.as_str()) {
        return Some(format!("is a word that {source}"));
    }
    if let Some(word) = PARTS.into_iter().find(|word| lower.contains(word)) {
        return Some(format!("has `{word}` in it, which {source}"));
    }
    let word = BEGINNINGS.into_iter().find(|word| lower.starts_with(word))?;
    Some(format!("begins with `{word}`, which {source}"))
}

/// The beginning of a tag's name that Azure keeps for its own tags.
pub(super) fn tag_prefix(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    TAG_PREFIXES.into_iter().find(|prefix| lower.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_azure_finds_them() {
        for (name, expected) in [
            ("microsoft-x", Some("has `microsoft` in it")),
            ("my-Windows-box", Some("has `windows` in it")),
            ("a-xbox", Some("has `xbox` in it")),
            ("login-x", Some("begins with `login`")),
            ("my-login", None),
            ("azure", Some("is a word that")),
            ("azure-x", None),
            ("window", None),
            ("mycluster", None),
        ] {
            let found = in_public_name(name);
            assert_eq!(found.is_some(), expected.is_some(), "{name}: {found:?}");
            assert!(found.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{name}");
        }
        for (name, expected) in [("Microsoft.x", Some("microsoft")), ("AZUREx", Some("azure")), ("my-azure", None)] {
            assert_eq!(tag_prefix(name), expected, "{name}");
        }
    }
}
