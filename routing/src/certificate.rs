//! Certificates of domains as etcd keeps them. `platformctl certs` and `platform-controller` write them, and the controller gives
//! them to every router.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Domain, InvalidDomain};

/// Below this, the names of all certificates.
pub const CERTIFICATES: &str = "/platform/.certificates/";
/// Below this, one document for each certificate that a user gave, by its name.
pub const UPLOADED: &str = "/platform/.certificates/uploaded/";
/// Below this, one document for each certificate that was ordered, by its domain.
pub const ORDERED: &str = "/platform/.certificates/ordered/";
/// The most certificates of one chain that are taken.
pub const LONGEST_CHAIN: usize = 10;
const LONGEST_NAME: usize = 60;

/// A certificate with its key. Who stores it checked that the two fit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCertificate {
    /// PEM: the server's own certificate, then those that lead to an authority.
    pub chain: String,
    /// PEM, PKCS #8, unencrypted.
    pub key: String,
}

impl fmt::Debug for StoredCertificate {
    /// The key is a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StoredCertificate").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// What a user calls a certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateName(String);

/// A text that names no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a certificate: at most {LONGEST_NAME} of a-z, 0-9, `-`, `_` and `.`, such as `shop`")]
pub struct InvalidCertificateName(String);

impl CertificateName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its document is.
    pub fn key(&self) -> String {
        format!("{UPLOADED}{}", self.0)
    }
}

impl FromStr for CertificateName {
    type Err = InvalidCertificateName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        match (1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(is_right) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidCertificateName(text.to_owned())),
        }
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A name in a certificate: one host's, or those of all hosts right below a domain (`*.example.com`).
/// <https://www.rfc-editor.org/rfc/rfc9525#section-6.3>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertifiedName {
    Host(Domain),
    HostsBelow(Domain),
}

impl CertifiedName {
    /// Whether a client that asks for the domain takes it.
    pub fn covers(&self, domain: &Domain) -> bool {
        match self {
            Self::Host(host) => host == domain,
            Self::HostsBelow(above) => domain.as_str().split_once('.').is_some_and(|(_, rest)| rest == above.as_str()),
        }
    }
}

impl FromStr for CertifiedName {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("*.") {
            Some(above) => above.parse().map(Self::HostsBelow),
            None => text.parse().map(Self::Host),
        }
    }
}

impl fmt::Display for CertifiedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(formatter),
            Self::HostsBelow(above) => write!(formatter, "*.{above}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_domains() {
        for (name, domain, expected) in [
            ("a.example.test", "a.example.test", true),
            ("A.example.test", "a.example.test", true),
            ("a.example.test", "b.example.test", false),
            ("*.example.test", "a.example.test", true),
            ("*.example.test", "example.test", false),
            ("*.example.test", "a.b.example.test", false),
        ] {
            let name: CertifiedName = name.parse().unwrap();
            assert_eq!(name.covers(&domain.parse().unwrap()), expected, "{name} {domain}");
        }
        assert!("*".parse::<CertifiedName>().is_err() && "a.*.test".parse::<CertifiedName>().is_err());
    }

    #[test]
    fn names_of_certificates() {
        for (text, is_right) in [("shop", true), ("www.shop_2-x", true), ("", false), ("a/b", false), ("A", false)] {
            assert_eq!(text.parse::<CertificateName>().is_ok(), is_right, "{text}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let stored = StoredCertificate { chain: "chain".into(), key: "secret".into() };
        assert!(!format!("{stored:?}").contains("secret"));
    }
}
