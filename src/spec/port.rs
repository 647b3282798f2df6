//! Ports that the load balancer spreads over all nodes.

use std::fmt;
use std::str::FromStr;

use diagnostics::quoted;
use serde::{Deserialize, Serialize};

/// The last port that a load balancer takes connections on.
/// <https://learn.microsoft.com/rest/api/load-balancer/load-balancers/create-or-update#loadbalancingrule>
pub const LAST_FRONT_PORT: u16 = 65_534;
/// Azure's shortest and default.
const IDLE_TIMEOUT_MINUTES: i32 = 4;
/// Azure says of no limit; servers take no longer ones.
const MOST_PATH_BYTES: usize = 2048;

/// A port that is open to the world and balanced over all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPort {
    /// Name of the rule: `web`, `https`, `builder`, `tcp-8080`.
    pub name: String,
    /// Same port outside and on the nodes; at most [`LAST_FRONT_PORT`].
    pub port: u16,
    #[serde(default)]
    pub protocol: Protocol,
    /// How the load balancer tells a node that serves the port.
    pub probe: PortProbe,
    /// The port that is probed, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_port: Option<u16>,
    /// After this many silent minutes a connection ends; 4 to 30.
    pub idle_timeout_minutes: i32,
    /// Carries TLS: `--nohttps` leaves it closed.
    #[serde(default)]
    pub tls: bool,
    /// Opened by the user, not by a platform.
    #[serde(default)]
    pub extra: bool,
}

/// What travels over a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
}

/// How a node's readiness for a port is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortProbe {
    /// The port accepts connections.
    Tcp,
    /// `GET` of this path answers 200.
    Http(String),
}

/// Why a port was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("port `{text}` {why}")]
pub struct InvalidPort {
    text: String,
    why: String,
}

impl OpenPort {
    /// A TCP port that a platform wants open.
    pub fn of_platform(name: &str, port: u16, probe: PortProbe, idle_timeout_minutes: i32, tls: bool) -> Self {
        let (name, protocol) = (name.to_owned(), Protocol::Tcp);
        Self { name, port, protocol, probe, probe_port: None, idle_timeout_minutes, tls, extra: false }
    }

    /// The port that is probed.
    pub fn probed(&self) -> u16 {
        self.probe_port.unwrap_or(self.port)
    }
}

impl FromStr for OpenPort {
    type Err = InvalidPort;

    /// `PORT[/tcp|udp][:PROBE]`, where PROBE is a path (HTTP), a port (TCP) or both: `8080`, `8080:/health`,
    /// `5000/udp:5001`, `9000:9001/health`.
    fn from_str(text: &str) -> Result<Self, InvalidPort> {
        let invalid = |why: &str| InvalidPort { text: text.to_owned(), why: why.to_owned() };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0 && is_number(text));
        let (port, probe) = match text.split_once(':') {
            Some((port, probe)) => (port, Some(probe)),
            None => (text, None),
        };
        let (port, protocol) = match port.split_once('/') {
            None => (port, Protocol::Tcp),
            Some((port, "tcp")) => (port, Protocol::Tcp),
            Some((port, "udp")) => (port, Protocol::Udp),
            Some(_) => return Err(invalid("is neither `/tcp` nor `/udp`")),
        };
        let port = number(port).ok_or_else(|| invalid("is not 1 to 65534, with `/udp` and `:PROBE` if need be"))?;
        if port > LAST_FRONT_PORT {
            return Err(invalid("is past the last: a load balancer's ports end at 65534"));
        }
        let (probe, probe_port) = match probe {
            None if protocol == Protocol::Udp => {
                let why = "is UDP, which nobody can probe: name a TCP port or a path behind `:`";
                return Err(invalid(why));
            }
            None => (PortProbe::Tcp, None),
            Some(probe) if probe.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                return Err(invalid("has a probe with a space or a control character in it"));
            }
            Some(path) if path.starts_with('/') => (PortProbe::Http(path.to_owned()), None),
            Some(probe) => {
                let (probe_port, path) = match probe.split_once('/') {
                    Some((probe_port, path)) => (probe_port, PortProbe::Http(format!("/{path}"))),
                    None => (probe, PortProbe::Tcp),
                };
                let probe_port =
                    number(probe_port).ok_or_else(|| invalid("has a probe that is no path and no port"))?;
                (path, Some(probe_port))
            }
        };
        if let PortProbe::Http(path) = &probe
            && let Err(why) = check_path(path)
        {
            return Err(invalid(&why));
        }
        Ok(Self {
            name: format!("{protocol}-{port}"),
            port,
            protocol,
            probe,
            probe_port,
            idle_timeout_minutes: IDLE_TIMEOUT_MINUTES,
            tls: false,
            extra: true,
        })
    }
}

/// A path, with a query or not, as it stands in a request; a colon in it is more likely a port in the wrong place.
/// <https://www.rfc-editor.org/rfc/rfc3986#section-3.3>
fn check_path(path: &str) -> Result<(), String> {
    if path.len() > MOST_PATH_BYTES {
        return Err(format!("has a probe of {} bytes, {MOST_PATH_BYTES} are the most", path.len()));
    }
    if path.contains(':') {
        return Err("has a `:` in its probe's path; a probed port stands before the path: `80:8080/health`".into());
    }
    let stands = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=@?%".contains(c);
    if let Some(character) = path.chars().find(|character| !stands(*character)) {
        return Err(format!("has a {} in its probe's path; write it as `%…`", quoted(&character.to_string())));
    }
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    match path.split('%').skip(1).all(is_escape) {
        true => Ok(()),
        false => Err("has a `%` in its probe's path without two hexadecimal digits".into()),
    }
}

impl fmt::Display for OpenPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.port, self.protocol)?;
        match (&self.probe, self.probe_port) {
            (PortProbe::Tcp, None) => Ok(()),
            (PortProbe::Tcp, Some(port)) => write!(formatter, ":{port}"),
            (PortProbe::Http(path), None) => write!(formatter, ":{path}"),
            (PortProbe::Http(path), Some(port)) => write!(formatter, ":{port}{path}"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports() {
        for (text, expected) in [
            ("8080", Ok(("tcp-8080", "8080/tcp"))),
            ("8080/tcp:/health", Ok(("tcp-8080", "8080/tcp:/health"))),
            ("53/udp:8053", Ok(("udp-53", "53/udp:8053"))),
            ("9000:9001/ready?x", Ok(("tcp-9000", "9000/tcp:9001/ready?x"))),
            ("53/udp", Err("nobody can probe")),
            ("65534", Ok(("tcp-65534", "65534/tcp"))),
            ("80:65535", Ok(("tcp-80", "80/tcp:65535"))),
            ("65535", Err("ports end at 65534")),
            ("0", Err("is not 1 to 65534")),
            ("65536", Err("is not 1 to 65534")),
            ("80/sctp", Err("neither `/tcp` nor `/udp`")),
            ("80:", Err("no path and no port")),
            ("80:x", Err("no path and no port")),
            ("+80", Err("is not 1 to 65534")),
            ("80:+5", Err("no path and no port")),
            ("80:/x:99999", Err("stands before the path")),
            ("80:99/x:y", Err("stands before the path")),
            ("80:99/x%20y?a=b", Ok(("tcp-80", "80/tcp:99/x%20y?a=b"))),
            ("80:/ü", Err("`ü` in its probe's path")),
            ("80:/x#y", Err("`#` in its probe's path")),
            ("80:/x\"y", Err("in its probe's path; write it as")),
            ("80:/%zz", Err("two hexadecimal digits")),
            (&format!("80:/{}", "a".repeat(2048)), Err("2048 are the most")),
        ] {
            match (text.parse::<OpenPort>(), expected) {
                (Ok(port), Ok((name, shown))) => {
                    assert_eq!((port.name.as_str(), port.to_string().as_str()), (name, shown));
                }
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
