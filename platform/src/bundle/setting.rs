//! One setting: its name, its type and what its type takes.

use std::fmt;
use std::str::FromStr;

use diagnostics::quoted;

use super::image;
use crate::compose::{parse_duration, parse_size};

/// The name of a setting: `router/sslCert`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingKey {
    pub target: String,
    pub key: String,
}

impl fmt::Display for SettingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.target, self.key)
    }
}

impl FromStr for SettingKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((target, key)) if !target.is_empty() && !key.is_empty() && !key.contains('/') => {
                Ok(Self { target: target.to_owned(), key: key.to_owned() })
            }
            _ => Err(format!("must be a setting's name, `TARGET/KEY`, found `{text}`")),
        }
    }
}

/// A setting that a bundle knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: SettingKey,
    pub kind: SettingType,
    /// Nothing can be installed without it.
    pub required: bool,
    /// Never of a secret.
    pub default: Option<String>,
    /// What it does, in a sentence.
    pub help: String,
    /// A value that shows its form; never of a secret.
    pub example: Option<String>,
    /// Of a secret that is a private key: the setting that holds its certificate chain.
    pub certificate: Option<SettingKey>,
}

/// What values a setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingType {
    /// Text without control characters.
    String,
    Integer {
        minimum: i64,
        maximum: i64,
    },
    Boolean,
    /// A DNS name in lower case.
    Domain,
    Email,
    /// With one of the schemes, if there are any.
    Url {
        schemes: Vec<String>,
    },
    /// `SCHEME://HOST`, or with a port: where a program sends to. One of these schemes.
    Endpoint {
        schemes: Vec<String>,
    },
    /// As in Compose: `1m30s`.
    Duration,
    /// As in Compose: `512m`.
    Size,
    Choice {
        choices: Vec<String>,
    },
    /// An image with its version.
    Image,
    /// Text of any number of lines, which users give as a file.
    File,
    /// Kept by Swarm, never shown.
    Secret,
    /// A semantic version.
    Version,
}

impl SettingType {
    /// The word in `platform.yaml`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::Domain => "domain",
            Self::Email => "email",
            Self::Url { .. } => "url",
            Self::Endpoint { .. } => "endpoint",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Choice { .. } => "choice",
            Self::Image => "image",
            Self::File => "file",
            Self::Secret => "secret",
            Self::Version => "version",
        }
    }

    /// Says what a value should be when it is something else. Secrets are not quoted.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let must_be = |right: bool, what: &str| match right {
            true => Ok(()),
            false => Err(format!("must be {what}, found {}", quoted(value))),
        };
        match self {
            Self::String => must_be(!value.contains(char::is_control), "one line of text"),
            Self::Integer { minimum, maximum } => {
                let range = match (*minimum, *maximum) {
                    (i64::MIN, i64::MAX) => "a whole number".to_owned(),
                    (minimum, i64::MAX) => format!("a whole number, {minimum} or more"),
                    (i64::MIN, maximum) => format!("a whole number, {maximum} or less"),
                    (minimum, maximum) => format!("a whole number, {minimum} to {maximum}"),
                };
                must_be(value.parse().is_ok_and(|value: i64| (*minimum..=*maximum).contains(&value)), &range)
            }
            Self::Boolean => must_be(["true", "false"].contains(&value), "`true` or `false`"),
            Self::Domain => must_be(is_domain(value), "a domain such as `example.com`, in lower case"),
            Self::Email => must_be(is_email(value), "an address such as `you@example.com`"),
            Self::Url { schemes } => {
                let what = match schemes.as_slice() {
                    [] => "an address such as `https://example.com`".to_owned(),
                    schemes => {
                        let starts: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect();
                        format!("an address that starts with {}", starts.join(" or "))
                    }
                };
                must_be(is_url(value, schemes), &what)
            }
            Self::Endpoint { schemes } => {
                let starts: Vec<String> = schemes.iter().map(|scheme| format!("`{scheme}://`")).collect();
                let what = format!("{}, a host, and a port or none, and nothing else", starts.join(" or "));
                must_be(is_endpoint(value, schemes), &what)
            }
            Self::Duration => parse_duration(value).map(drop).map_err(|error| error.to_string()),
            Self::Size => parse_size(value).map(drop).map_err(|error| error.to_string()),
            Self::Choice { choices } => {
                let words: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
                must_be(choices.iter().any(|choice| choice == value), &format!("one of {}", words.join(", ")))
            }
            Self::Image => image::check(value),
            Self::File => match value.contains(|c: char| c.is_control() && !"\n\r\t".contains(c)) {
                true => Err("must be text, found control characters".into()),
                false => Ok(()),
            },
            Self::Secret => match value.is_empty() {
                true => Err("must not be empty".into()),
                false => Ok(()),
            },
            Self::Version => must_be(semver::Version::parse(value).is_ok(), "a version such as `1.2.3`"),
        }
    }

    /// Some value that the type takes, for trying a template out.
    pub fn sample(&self) -> String {
        match self {
            Self::String | Self::File | Self::Secret => "text".into(),
            Self::Integer { minimum, maximum } => 1.clamp(*minimum, *maximum).to_string(),
            Self::Boolean => "true".into(),
            Self::Domain => "example.com".into(),
            Self::Email => "you@example.com".into(),
            Self::Url { schemes } => {
                format!("{}://example.com:1234", schemes.first().map_or("https", String::as_str))
            }
            Self::Endpoint { schemes } => {
                format!("{}://example.com:1234", schemes.first().map_or("tcp", String::as_str))
            }
            Self::Duration => "30s".into(),
            Self::Size => "64m".into(),
            Self::Choice { choices } => choices.first().cloned().unwrap_or_default(),
            Self::Image => "example.com/image:1".into(),
            Self::Version => "1.0.0".into(),
        }
    }
}

/// <https://datatracker.ietf.org/doc/html/rfc1123#section-2>
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let is_address = text.parse::<std::net::Ipv4Addr>().is_ok();
    text.len() <= 253 && text.split('.').all(is_label) && !is_address
}

fn is_email(text: &str) -> bool {
    let is_local = |local: &str| {
        !local.is_empty() && local.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
    };
    text.split_once('@').is_some_and(|(local, domain)| is_local(local) && domain.contains('.') && is_domain(domain))
}

/// The host is a domain in lower case, an IPv4 address, or an IPv6 address in brackets.
fn is_endpoint(text: &str, schemes: &[String]) -> bool {
    let place = schemes.iter().find_map(|scheme| text.strip_prefix(&**scheme)?.strip_prefix("://"));
    let Some(place) = place else { return false };
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (None, port),
            _ => return false,
        },
        None => {
            let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
            (Some(host), port)
        }
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse().is_ok_and(|port: u16| port > 0)
        }
        None => port.is_empty(),
    };
    is_port && host.is_none_or(|host| is_domain(host) || host.parse::<std::net::Ipv4Addr>().is_ok())
}

fn is_url(text: &str, schemes: &[String]) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && url::Url::parse(text).is_ok_and(|url| {
            url.host_str().is_some_and(|host| !host.is_empty())
                && (schemes.is_empty() || schemes.iter().any(|scheme| scheme == url.scheme()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_each_type() {
        let range = SettingType::Integer { minimum: 1, maximum: 9 };
        let drain = SettingType::Url { schemes: vec!["syslog".into(), "syslog+tcp".into()] };
        let choice = SettingType::Choice { choices: vec!["a".into(), "b".into()] };
        let endpoint = SettingType::Endpoint { schemes: vec!["syslog".into(), "syslog+tls".into()] };
        for (kind, value, expected) in [
            (&SettingType::String, "a=b: 'c' \"d\" {{ e }}", None),
            (&SettingType::String, "a\nb", Some("one line of text, found `a\\nb`")),
            (&range, "9", None),
            (&range, "10", Some("a whole number, 1 to 9, found `10`")),
            (&range, "x", Some("a whole number, 1 to 9")),
            (&SettingType::Boolean, "true", None),
            (&SettingType::Boolean, "yes", Some("`true` or `false`, found `yes`")),
            (&SettingType::Domain, "example.com", None),
            (&SettingType::Domain, "Example.com", Some("in lower case")),
            (&SettingType::Domain, "http://example.com", Some("a domain")),
            (&SettingType::Domain, "example.com.", Some("a domain")),
            (&SettingType::Domain, "*.example.com", Some("a domain")),
            (&SettingType::Domain, "10.0.0.4", Some("a domain")),
            (&SettingType::Domain, "", Some("a domain")),
            (&SettingType::Email, "me+x@example.com", None),
            (&SettingType::Email, "me@localhost", Some("an address")),
            (&SettingType::Email, "me", Some("an address")),
            (&endpoint, "syslog://logs.example.com", None),
            (&endpoint, "syslog+tls://10.0.0.9:6514", None),
            (&endpoint, "syslog://[2001:db8::1]:514", None),
            (
                &endpoint,
                "logs.example.com:514",
                Some("`syslog://` or `syslog+tls://`, a host, and a port or none, and nothing else"),
            ),
            (&endpoint, "syslog+tcp://logs.example.com", Some("found `syslog+tcp://logs.example.com`")),
            (&endpoint, "syslog://", Some("a host")),
            (&endpoint, "syslog://logs.example.com/", Some("nothing else")),
            (&endpoint, "syslog://logs.example.com?a=b", Some("nothing else")),
            (&endpoint, "syslog://me@logs.example.com", Some("a host")),
            (&endpoint, "syslog://logs..example.com", Some("a host")),
            (&endpoint, "syslog://logs.example.com:0", Some("a port")),
            (&endpoint, "syslog://logs.example.com:65536", Some("a port")),
            (&endpoint, "syslog://logs.example.com:+1", Some("a port")),
            (&endpoint, "syslog://logs.example.com:", Some("a port")),
            (&endpoint, "syslog://[::1", Some("a host")),
            (&endpoint, "syslog://::1", Some("a port")),
            (&drain, "syslog://logs.example.com:514", None),
            (&drain, "syslog+tcp://10.0.0.9:601", None),
            (&drain, "https://logs.example.com", Some("starts with `syslog://` or `syslog+tcp://`")),
            (&drain, "syslog:", Some("starts with")),
            (&SettingType::Url { schemes: vec![] }, "https://example.com/x", None),
            (&SettingType::Url { schemes: vec![] }, "example.com", Some("an address such as")),
            (&SettingType::Duration, "1m30s", None),
            (&SettingType::Duration, "90", Some("a duration")),
            (&SettingType::Size, "64m", None),
            (&SettingType::Size, "64x", Some("an amount of bytes")),
            (&choice, "b", None),
            (&choice, "c", Some("one of `a`, `b`, found `c`")),
            (&SettingType::Image, "postgres:17", None),
            (&SettingType::Image, "postgres", Some("names no version")),
            (&SettingType::File, "-----BEGIN\nx\n", None),
            (&SettingType::File, "a\0b", Some("control characters")),
            (&SettingType::Secret, "x", None),
            (&SettingType::Secret, "", Some("must not be empty")),
            (&SettingType::Version, "1.2.3-rc.1", None),
            (&SettingType::Version, "v1.2", Some("a version")),
        ] {
            match (kind.check(value), expected) {
                (Ok(()), None) => {}
                (Err(message), Some(part)) => assert!(message.contains(part), "{value}: {message}"),
                (found, _) => panic!("{} {value}: {found:?}", kind.name()),
            }
            assert_eq!(kind.check(&kind.sample()), Ok(()), "{}", kind.name());
        }
    }
}
