//! Host names under which apps are reached.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// RFC 1035 §2.3.4, without the dot at the end.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A host name in small letters: `hello.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// A text that is no host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no domain: labels of a-z, 0-9 and `-` between dots, such as `hello.example.com`; after `xn--` what Punycode makes of other letters"
)]
pub struct InvalidDomain(String);

impl Domain {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A name that ends in a number is read as an address: <https://url.spec.whatwg.org/#ends-in-a-number-checker>
        let is_address = || lower.split('.').next_back().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        // One that stands for letters of another script must stand for some: routers take no name that does not.
        let is_decodable = || idna::domain_to_unicode(&lower).1.is_ok();
        match lower.len() <= LONGEST && lower.split('.').all(is_label) && !is_address() && is_decodable() {
            true => Ok(Self(lower)),
            false => Err(InvalidDomain(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for (text, expected) in [
            ("hello.example.com", Some("hello.example.com")),
            ("Hello.Example.COM", Some("hello.example.com")),
            ("localhost", Some("localhost")),
            ("xn--bcher-kva.example.com", Some("xn--bcher-kva.example.com")),
            ("xn--0.example.com", None),
            ("", None),
            ("a..b", None),
            (".a", None),
            ("a.", None),
            ("-a.b", None),
            ("192.0.2.1", None),
            ("hello.42", None),
            ("42.example.com", Some("42.example.com")),
            ("*.example.com", None),
            ("a b", None),
            ("a`)||Host(`b", None),
        ] {
            assert_eq!(text.parse::<Domain>().ok().as_ref().map(Domain::as_str), expected, "{text}");
        }
    }
}
