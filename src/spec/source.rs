//! Who may reach SSH.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// Words of Azure's for whole sets of addresses, of which a rule takes one alone.
/// <https://learn.microsoft.com/azure/virtual-network/service-tags-overview>
const SERVICE_TAGS: [&str; 4] = ["Internet", "VirtualNetwork", "AzureLoadBalancer", "AzureCloud"];

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

impl AddressSource {
    /// What Azure would refuse of a rule with all of these: `*` beside anything, and ranges that overlap.
    /// <https://github.com/hashicorp/terraform-provider-azurerm/issues/5617>,
    /// <https://github.com/kubernetes-sigs/cloud-provider-azure/issues/6775>
    pub fn conflicts(sources: &[Self]) -> Vec<String> {
        if sources.len() > 1 && sources.contains(&Self::Any) {
            return vec!["`*` is everybody and stands alone; leave it out, or the ranges".into()];
        }
        let ranges: Vec<&Ipv4Net> = sources.iter().filter_map(Self::range).collect();
        let mut conflicts = Vec::new();
        for (index, one) in ranges.iter().enumerate() {
            for other in &ranges[..index] {
                if one == other {
                    conflicts.push(format!("`{one}` is named twice"));
                } else if one.contains(*other) || other.contains(*one) {
                    let (inner, outer) = if one.contains(*other) { (other, one) } else { (one, other) };
                    conflicts.push(format!("`{inner}` lies in `{outer}`, and Azure takes none twice; leave it out"));
                }
            }
        }
        conflicts
    }

    fn range(&self) -> Option<&Ipv4Net> {
        match self {
            Self::Any => None,
            Self::Range(range) => Some(range),
        }
    }
}

impl FromStr for AddressSource {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        if SERVICE_TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(text)) {
            return Err(InvalidSource(text.to_owned(), ": service tags are not taken here"));
        }
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

    #[test]
    fn rules_that_azure_would_refuse() {
        for (texts, expected) in [
            (vec!["*"], vec![]),
            (vec!["203.0.113.0/24", "198.51.100.7"], vec![]),
            (vec!["*", "10.0.0.0/8"], vec!["`*` is everybody and stands alone"]),
            (vec!["10.0.0.0/8", "0.0.0.0/0"], vec!["`*` is everybody and stands alone"]),
            (vec!["*", "*"], vec!["`*` is everybody and stands alone"]),
            (vec!["10.1.0.0/16", "10.0.0.0/8"], vec!["`10.1.0.0/16` lies in `10.0.0.0/8`"]),
            (vec!["203.0.113.7", "203.0.113.7/32"], vec!["`203.0.113.7/32` is named twice"]),
        ] {
            let sources: Vec<AddressSource> = texts.iter().map(|text| text.parse().unwrap()).collect();
            let found = AddressSource::conflicts(&sources);
            assert_eq!(found.len(), expected.len(), "{texts:?}: {found:?}");
            for (found, part) in found.iter().zip(expected) {
                assert!(found.starts_with(part), "{found}");
            }
        }
        let tag = "Internet".parse::<AddressSource>().unwrap_err().to_string();
        assert!(tag.ends_with("service tags are not taken here"), "{tag}");
    }
}
