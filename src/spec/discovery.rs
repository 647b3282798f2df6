//! Where etcd's members find each other, when they are not told by a list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// The last part of a service's URL that makes tokens.
const NEW: &str = "new";

/// The URL of etcd's discovery. Serialised: as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DiscoveryUrl {
    /// One cluster's: `https://host/<token>`, or any directory of etcd's key space, version 2.
    Token(Url),
    /// A service's: `https://host/new`, which makes tokens; and for how many members, where the user says so.
    Service { new: Url, size: Option<u32> },
}

/// Why a URL was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("discovery URL `{url}` {reason}; it is a token's `https://HOST/TOKEN`, or a service's `https://HOST/new`")]
pub struct InvalidDiscoveryUrl {
    url: String,
    reason: &'static str,
}

impl DiscoveryUrl {
    /// The URL itself.
    pub fn url(&self) -> &Url {
        match self {
            Self::Token(url) | Self::Service { new: url, .. } => url,
        }
    }

    /// The same text where a token's URL is needed; nobody finds anybody there when it is a service's.
    pub(super) fn as_if_token(&self) -> Self {
        let mut url = self.url().clone();
        if let Self::Service { size: Some(size), .. } = self {
            url.set_query(Some(&format!("size={size}")));
        }
        Self::Token(url)
    }

    /// Whether a token is still to be asked for.
    pub fn is_service(&self) -> bool {
        matches!(self, Self::Service { .. })
    }
}

impl FromStr for DiscoveryUrl {
    type Err = InvalidDiscoveryUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDiscoveryUrl> {
        let refused = |reason| InvalidDiscoveryUrl { url: text.to_owned(), reason };
        let mut url: Url = text.trim().parse().map_err(|_| refused("is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(refused("does not begin with `http://HOST` or `https://HOST`"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(refused("has a user, a password or a fragment, which etcd does not send"));
        }
        // It stands in a systemd unit, where other characters have a meaning of their own.
        if !url.path().chars().all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c)) {
            return Err(refused("has a character that is none of a-z, A-Z, 0-9, `/-._~`"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        if path.is_empty() || path.rsplit('/').next() == Some(NEW) {
            let mut size = None;
            for (name, value) in url.query_pairs() {
                match (&*name, value.parse()) {
                    ("size", Ok(number)) => size = Some(number),
                    _ => return Err(refused("asks for something else than `?size=NUMBER`")),
                }
            }
            url.set_query(None);
            if path.is_empty() {
                url.set_path(NEW);
            }
            return Ok(Self::Service { new: url, size });
        }
        if url.query().is_some() {
            return Err(refused("has a query, which a token has not"));
        }
        Ok(Self::Token(url))
    }
}

impl fmt::Display for DiscoveryUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(url) => write!(formatter, "{url}"),
            Self::Service { new, size: None } => write!(formatter, "{new}"),
            Self::Service { new, size: Some(size) } => write!(formatter, "{new}?size={size}"),
        }
    }
}

impl TryFrom<String> for DiscoveryUrl {
    type Error = InvalidDiscoveryUrl;

    fn try_from(text: String) -> Result<Self, InvalidDiscoveryUrl> {
        text.parse()
    }
}

impl From<DiscoveryUrl> for String {
    fn from(url: DiscoveryUrl) -> String {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_services_and_neither() {
        for (text, expected) in [
            ("https://host/0123", Ok((false, "https://host/0123"))),
            ("http://10.0.0.4:2379/v2/keys/discovery/x/", Ok((false, "http://10.0.0.4:2379/v2/keys/discovery/x"))),
            ("http://host:8087", Ok((true, "http://host:8087/new"))),
            ("http://host:8087/", Ok((true, "http://host:8087/new"))),
            ("https://host/below/new?size=5", Ok((true, "https://host/below/new?size=5"))),
            ("host/0123", Err("is no URL")),
            ("ftp://host/0123", Err("does not begin")),
            ("https://me@host/0123", Err("has a user")),
            ("https://host/0123#x", Err("a fragment")),
            ("https://host/01%2023", Err("has a character")),
            ("https://host/0123?x=y", Err("has a query")),
            ("https://host/new?size=many", Err("asks for something else")),
            ("https://host/new?members=3", Err("asks for something else")),
        ] {
            let found = text.parse::<DiscoveryUrl>();
            match expected {
                Ok((is_service, shown)) => {
                    let found = found.unwrap();
                    assert_eq!((found.is_service(), found.to_string().as_str()), (is_service, shown), "{text}");
                    assert_eq!(found.to_string().parse::<DiscoveryUrl>().unwrap(), found, "{text}");
                }
                Err(part) => {
                    let message = found.unwrap_err().to_string();
                    assert!(message.contains(part), "{text}: {message}");
                }
            }
        }
    }
}
