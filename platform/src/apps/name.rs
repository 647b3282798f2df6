//! Names of apps: text to a name that can stand in host names and in names of services.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A DNS label (RFC 1123 §2.1) leaves 63 characters; a service's name is `app-<name>_<service>` and has as many.
const LONGEST: usize = 40;
/// What namespaces of apps begin with, in the swarm.
pub(super) const NAMESPACE_PREFIX: &str = "app-";
/// The app's name on its services.
pub(super) const APP_LABEL: &str = "platform.app";
/// Labels below the platform's domain that the platform answers itself or is known by, and the prefix of images in its registry.
const RESERVED: [&str; 9] =
    ["builder", "captain", "controller", "deis", "deis-store", "platform", "registry", "router", "store"];

/// The name of an app: 1 to 40 of a-z, 0-9 and `-`, neither first nor last a `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppName(String);

/// Why a text is no app's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of an app: 1 to {LONGEST} of a-z, 0-9 and `-`, with a letter or digit at both ends")]
pub struct InvalidAppName(String);

impl AppName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether no new app may have it. One that was made before its name was reserved goes on.
    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.0.as_str())
    }

    /// What groups the app's services, networks, configs and volumes: `app-hello`.
    pub fn namespace(&self) -> String {
        format!("{NAMESPACE_PREFIX}{}", self.0)
    }

    /// A service's name in the swarm: `app-hello_web`.
    pub fn service(&self, key: &str) -> String {
        format!("{NAMESPACE_PREFIX}{}_{key}", self.0)
    }

    /// What targets of commands call a service: `app/hello.web`.
    pub fn target(&self, key: &str) -> String {
        format!("app/{}.{key}", self.0)
    }
}

/// What targets call the service `key` of a namespace, when that is an app's.
pub fn target_name(namespace: &str, key: &str) -> Option<String> {
    let name: AppName = namespace.strip_prefix(NAMESPACE_PREFIX)?.parse().ok()?;
    Some(name.target(key))
}

impl FromStr for AppName {
    type Err = InvalidAppName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let right = (1..=LONGEST).contains(&text.len())
            && text.chars().all(is_inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if right { Ok(Self(text.to_owned())) } else { Err(InvalidAppName(text.to_owned())) }
    }
}

impl TryFrom<String> for AppName {
    type Error = InvalidAppName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AppName> for String {
    fn from(name: AppName) -> Self {
        name.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "a".repeat(LONGEST);
        let longer = "a".repeat(LONGEST + 1);
        for (text, right) in [
            ("hello", true),
            ("a", true),
            ("7", true),
            ("hello-2", true),
            (longest.as_str(), true),
            (longer.as_str(), false),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("Hello", false),
            ("a.b", false),
            ("a_b", false),
            ("é", false),
            ("registry", true),
        ] {
            assert_eq!(text.parse::<AppName>().is_ok(), right, "{text}");
        }
    }

    #[test]
    fn names_of_the_platform() {
        for (text, is_reserved) in [
            ("deis", true),
            ("controller", true),
            ("builder", true),
            ("router", true),
            ("deis-2", false),
            ("hello", false),
        ] {
            let name: AppName = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(name.is_reserved(), is_reserved, "{text}");
        }
    }

    #[test]
    fn a_stored_name_is_checked_too() {
        assert!(serde_json::from_str::<AppName>("\"../x\"").is_err());
        let name: AppName = serde_json::from_str("\"hello\"").unwrap();
        assert_eq!((name.namespace().as_str(), name.service("web").as_str()), ("app-hello", "app-hello_web"));
        assert_eq!(target_name("app-hello", "web").as_deref(), Some("app/hello.web"));
        assert_eq!(target_name("platform", "router"), None);
    }
}
