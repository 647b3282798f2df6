//! Who carries requests: Azure is reached through the proxies that the environment names, what listens on this host directly. A
//! proxy is on another host, where 127.0.0.1 is somebody else, and the emulator's token is for nobody.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{HttpClient, Url, new_http_client};
use url::Host;

/// As `azure_core` has it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A client for requests to this URL. It follows no redirect.
pub(crate) fn http_client(url: &Url) -> Arc<dyn HttpClient> {
    if !is_loopback(url) {
        return new_http_client(None);
    }
    let mut direct = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    if url.scheme() == "http" {
        // Nobody shows a certificate, so the system's need not be read, which takes longer than the request.
        direct = direct.tls_certs_only([]);
    }
    match direct.build() {
        Ok(client) => Arc::new(client),
        Err(_) => new_http_client(None),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host() {
        for (url, expected) in [
            ("http://127.0.0.1:4000/x", true),
            ("http://127.77.0.1/", true),
            ("http://[::1]:1/", true),
            ("http://LOCALHOST/", true),
            ("https://management.azure.com/", false),
            ("http://127.0.0.1.example.test/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
