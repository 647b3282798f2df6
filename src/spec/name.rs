//! Names with Azure's rules, checked once.
//!
//! <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::reserved;

/// Together with `MACHINE_PREFIX_CHARACTERS`, two hyphens and a three-digit index this makes 63 characters, the longest
/// host name label of Linux.
const CLUSTER_NAME_CHARACTERS: usize = 40;
/// See `CLUSTER_NAME_CHARACTERS`.
const MACHINE_PREFIX_CHARACTERS: usize = 18;

/// More than any region's name has.
const LOCATION_CHARACTERS: usize = 64;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` {why}")]
pub struct InvalidName {
    what: &'static str,
    value: String,
    why: String,
}

/// A text newtype with a rule; all of them serialise as the bare text and are checked again when read.
macro_rules! name {
    ($(#[$documentation:meta])* $type:ident, $check:path) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                $check(text).map(Self)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A cluster's name: 3 to 40 characters of `[a-z0-9-]`, from a letter to a letter or digit.
    ///
    /// It is the DNS label of the public address (`^[a-z][a-z0-9-]{1,61}[a-z0-9]$`) and the start of every machine's
    /// name, which has 63 characters at most. It has none of the words that Azure keeps out of public names.
    ClusterName,
    check_cluster_name
);
name!(
    /// A resource group's name: 1 to 90 characters of letters, digits and `_().-`, not ending in a full stop.
    ResourceGroupName,
    check_resource_group_name
);
name!(
    /// The middle part of machine names: 1 to 18 characters of `[a-z0-9-]`, from a letter to a letter or digit; without the
    /// words that Azure keeps out of public names, as a machine's name is the DNS label of its own address.
    MachinePrefix,
    check_machine_prefix
);
name!(
    /// A region's programmatic name, such as `westeurope`; `West Europe` is accepted and normalised.
    Location,
    check_location
);

impl Default for Location {
    fn default() -> Self {
        Self("westeurope".into())
    }
}

impl Default for MachinePrefix {
    fn default() -> Self {
        Self("coreos".into())
    }
}

fn check_cluster_name(text: &str) -> Result<String, InvalidName> {
    check_label("cluster name", text, 3, CLUSTER_NAME_CHARACTERS)
}

fn check_machine_prefix(text: &str) -> Result<String, InvalidName> {
    check_label("machine name prefix", text, 1, MACHINE_PREFIX_CHARACTERS)
}

fn check_label(what: &'static str, text: &str, shortest: usize, longest: usize) -> Result<String, InvalidName> {
    let invalid = |why: String| Err(InvalidName { what, value: text.to_owned(), why });
    let count = text.chars().count();
    if count < shortest || count > longest {
        return invalid(format!("has {count} characters; it needs {shortest} to {longest}"));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
        return invalid(format!("has `{bad}`; only a-z, 0-9 and `-` are allowed"));
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return invalid("must start with a letter".into());
    }
    if text.ends_with('-') {
        return invalid("must end with a letter or a digit".into());
    }
    match reserved::in_public_name(text) {
        Some(why) => invalid(why),
        None => Ok(text.to_owned()),
    }
}

fn check_resource_group_name(text: &str) -> Result<String, InvalidName> {
    let what = "resource group name";
    let invalid = |why: String| Err(InvalidName { what, value: text.to_owned(), why });
    let count = text.chars().count();
    if !(1..=90).contains(&count) {
        return invalid(format!("has {count} characters; it needs 1 to 90"));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_alphanumeric() || "_().-".contains(*c))) {
        return invalid(format!("has `{bad}`; only letters, digits and `_ ( ) . -` are allowed"));
    }
    if text.ends_with('.') {
        return invalid("must not end with a full stop".into());
    }
    Ok(text.to_owned())
}

fn check_location(text: &str) -> Result<String, InvalidName> {
    let name: String = text.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect();
    let has_length = (1..=LOCATION_CHARACTERS).contains(&name.len());
    if !has_length || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        return Err(InvalidName {
            what: "location",
            value: text.to_owned(),
            why: "is not a region's name, such as `westeurope`".into(),
        });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names() {
        for good in ["abc", "mycluster", "a-1", &"a".repeat(40)] {
            assert!(good.parse::<ClusterName>().is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "has 0 characters"),
            ("ab", "has 2 characters"),
            (&*"a".repeat(41), "has 41 characters"),
            ("My", "has 2 characters"),
            ("MyCluster", "has `M`"),
            ("my_cluster", "has `_`"),
            ("1abc", "must start with a letter"),
            ("abc-", "must end with a letter or a digit"),
            ("abc def", "has ` `"),
            ("microsoft-x", "has `microsoft` in it, which Azure keeps for itself (error ReservedResourceName)"),
            ("login1", "begins with `login`"),
            ("azure", "is a word that Azure keeps for itself"),
        ] {
            let error = bad.parse::<ClusterName>().unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn resource_group_names() {
        for (text, good) in [("rg", true), ("My_Group.(1)-x", true), ("x.", false), ("", false), ("a/b", false)] {
            assert_eq!(text.parse::<ResourceGroupName>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn longest_machine_name_is_a_host_name() {
        let longest =
            format!("{}-{}-{}", "a".repeat(CLUSTER_NAME_CHARACTERS), "b".repeat(MACHINE_PREFIX_CHARACTERS), 199);
        assert_eq!(longest.len(), 63);
    }

    #[test]
    fn locations_are_normalised() {
        assert_eq!("West Europe".parse::<Location>().unwrap().as_str(), "westeurope");
        assert!("west-europe".parse::<Location>().is_err());
    }
}
