//! Who may reach SSH.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// A range of addresses that a security rule lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AddressSource {
    /// The whole internet.
    Any,
    Range(Ipv4Net),
}

/// Why a source was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("source `{0}` is neither an IPv4 range such as 203.0.113.0/24, an IPv4 address, nor `*` for everybody{1}")]
pub struct InvalidSource(String, &'static str);

impl FromStr for AddressSource {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        if text == "*" || text == "0.0.0.0/0" {
            return Ok(Self::Any);
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Range(address.into()));
        }
        let range: Ipv4Net = text.parse().map_err(|_| InvalidSource(text.to_owned(), ""))?;
        match range.trunc() == range {
            true => Ok(Self::Range(range)),
            false => Err(InvalidSource(text.to_owned(), ": it has bits behind its prefix")),
        }
    }
}

impl fmt::Display for AddressSource {
    /// As security rules spell it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("*"),
            Self::Range(range) => write!(formatter, "{range}"),
        }
    }
}

stands_as_text!(AddressSource, InvalidSource);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        for (text, expected) in [
            ("203.0.113.0/24", Some("203.0.113.0/24")),
            ("203.0.113.7", Some("203.0.113.7/32")),
            ("0.0.0.0/0", Some("*")),
            ("*", Some("*")),
            ("203.0.113.7/24", None),
            ("office", None),
            ("2001:db8::/32", None),
        ] {
            assert_eq!(
                text.parse::<AddressSource>().ok().map(|source| source.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
