//! The two forms in which a machine can be told the same.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A form of user-data.
// The same words in flags as in stored specs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Ignition 3.3.0: applied before the first boot, by Flatcar and Fedora CoreOS
    #[default]
    Ignition,
    /// `#cloud-config`: applied late in every boot, by Flatcar alone
    CloudConfig,
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ignition => "ignition",
            Self::CloudConfig => "cloud-config",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_everywhere() {
        for dialect in Dialect::value_variants() {
            let word = dialect.to_string();
            assert_eq!(serde_json::to_value(dialect).unwrap(), word.as_str());
            assert_eq!(Dialect::from_str(&word, false), Ok(*dialect));
        }
    }
}
