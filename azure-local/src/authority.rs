//! Whom a request was meant for. A web page whose name was turned to the loopback (DNS rebinding) reaches the emulator's port, but its
//! browser still sends the page's name: such a request is refused, whether or not it needs a token. `http` asks of every request.
//!
//! Sources: <https://www.rfc-editor.org/rfc/rfc9110#section-7.2>, <https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20>,
//! <https://www.rfc-editor.org/rfc/rfc9112#section-3.2>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};

use crate::arm::error::ArmError;
use crate::machine::qemu::HOST_ADDRESS_IN_GUESTS;

const LOCALHOST: &str = "localhost";

/// The hosts that the emulator answers for: the loopback's, that at which machines reach it, and where it listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnAuthorities {
    listening: SocketAddr,
}

impl OwnAuthorities {
    /// Those of a server at this address and port.
    pub(crate) fn new(listening: SocketAddr) -> Self {
        Self { listening }
    }

    /// Refuses a request for anybody else: 421, or 400 when it names no host, several, or one that cannot be read. An authority of
    /// the target (HTTP/2's `:authority`, HTTP/1's absolute form) counts as much as the header `Host`.
    pub(crate) fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), ArmError> {
        let mut hosts = headers.get_all(HOST).iter();
        let header = hosts.next();
        if hosts.next().is_some() {
            return Err(ArmError::bad("InvalidHost", "The request has more than one header 'Host'."));
        }
        if header.is_none() && target.authority().is_none() {
            return Err(ArmError::bad("InvalidHost", format!("The request names no host. {}", self.taken())));
        }
        if let Some(authority) = target.authority() {
            self.check_authority(authority)?;
        }
        match header {
            None => Ok(()),
            Some(value) => {
                let authority = Authority::try_from(value.as_bytes()).map_err(|_| {
                    let found = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    ArmError::bad("InvalidHost", format!("'{found}' is no host. {}", self.taken()))
                })?;
                self.check_authority(&authority)
            }
        }
    }

    fn check_authority(&self, authority: &Authority) -> Result<(), ArmError> {
        // A port that is no number counts as none to `Authority`.
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or(authority.as_str());
        let is_own_port = port.is_empty() || port == format!(":{}", self.listening.port());
        if is_own_port && self.is_own_host(authority.host()) {
            return Ok(());
        }
        Err(ArmError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "MisdirectedRequest",
            format!("The request is for '{authority}', and this is the local emulator. {}", self.taken()),
        ))
    }

    fn is_own_host(&self, host: &str) -> bool {
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = match bracketed {
            Some(address) => address.parse().ok().map(IpAddr::V6),
            None => host.parse().ok().map(IpAddr::V4),
        };
        match address {
            Some(address) => self.own_addresses().contains(&address),
            None => host.eq_ignore_ascii_case(LOCALHOST),
        }
    }

    fn own_addresses(&self) -> [IpAddr; 4] {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        [loopback[0], loopback[1], HOST_ADDRESS_IN_GUESTS.into(), self.listening.ip()]
    }

    /// The sentence that names what is taken.
    fn taken(&self) -> String {
        let mut hosts = vec![LOCALHOST.to_owned()];
        for address in self.own_addresses() {
            let host = SocketAddr::new(address, 0).to_string().trim_end_matches(":0").to_owned();
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        format!("It is asked as {}, at port {} where a port is named.", hosts.join(", "), self.listening.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn status(listening: &str, target: &str, hosts: &[&[u8]]) -> u16 {
        let authorities = OwnAuthorities::new(listening.parse().expect("an address"));
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_bytes(host).expect("a header"));
        }
        let checked = authorities.check(&target.parse().expect("a target"), &headers);
        checked.map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_its_own_hosts_and_port_are_taken() {
        for (host, expected) in [
            ("127.0.0.1", 200),
            ("127.0.0.1:40123", 200),
            ("localhost:40123", 200),
            ("LOCALHOST", 200),
            ("[::1]:40123", 200),
            ("[0:0:0:0:0:0:0:1]", 200),
            ("198.18.0.2:40123", 200),
            ("127.3.2.1:40123", 200),
            ("127.0.0.1:40124", 421),
            ("127.0.0.1:", 421),
            ("127.0.0.2:40123", 421),
            ("127.1:40123", 421),
            ("2130706433", 421),
            ("[::ffff:127.0.0.1]", 421),
            ("[::2]:40123", 421),
            ("0.0.0.0:40123", 421),
            ("evil.com", 421),
            ("evil.com:40123", 421),
            ("localhost.evil.com", 421),
            ("127.0.0.1.evil.com", 421),
            ("evillocalhost", 421),
            ("localhost.", 421),
            ("localhost@evil.com", 421),
            ("evil.com@localhost", 421),
            ("management.azure.com", 421),
            ("", 400),
            ("local host", 400),
            ("[::1", 400),
        ] {
            assert_eq!(status("127.3.2.1:40123", "/subscriptions", &[host.as_bytes()]), expected, "{host}");
        }
        assert_eq!(status("127.0.0.1:40123", "/", &[b"127.3.2.1"]), 421);
        assert_eq!(status("127.0.0.1:40123", "/", &[b"\xff"]), 400);
        assert_eq!(status("127.0.0.1:40123", "/", &[]), 400);
        assert_eq!(status("127.0.0.1:40123", "/", &[b"localhost", b"localhost"]), 400);
    }

    /// HTTP/2 has its authority there, and may have the header, too.
    #[test]
    fn the_targets_authority_counts_as_well() {
        for (target, host, expected) in [
            ("http://localhost:40123/x", None, 200),
            ("http://evil.com/x", None, 421),
            ("http://localhost:40123/x", Some("evil.com"), 421),
            ("http://evil.com/x", Some("localhost:40123"), 421),
            ("http://127.0.0.1:40123/x", Some("localhost:40123"), 200),
        ] {
            let hosts: Vec<&[u8]> = host.iter().map(|host: &&str| host.as_bytes()).collect();
            assert_eq!(status("127.0.0.1:40123", target, &hosts), expected, "{target} {host:?}");
        }
    }

    #[test]
    fn a_refusal_names_what_is_taken() {
        let authorities = OwnAuthorities::new("127.0.0.1:40123".parse().expect("an address"));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("evil.com"));
        let refusal = authorities.check(&Uri::from_static("/"), &headers).expect_err("a refusal");
        assert_eq!(
            refusal.failure.message,
            "The request is for 'evil.com', and this is the local emulator. It is asked as localhost, 127.0.0.1, [::1], 198.18.0.2, \
             at port 40123 where a port is named."
        );
    }
}
