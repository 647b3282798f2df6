//! The discovery service that runs beside the emulator, and its address on either side of a machine's wall.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::Context as _;
use azure_local::directory::Directory;
use azure_local::machine::qemu::HOST_ADDRESS_IN_GUESTS;
use tokio::net::TcpListener;
use url::Url;

use crate::discovery::{self, ServiceOptions};

/// Shorter than etcd's own patience with a silent connection.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// The service's address as machines reach it, `http://198.18.0.2:PORT`; none when no emulator has run.
pub fn discovery_url(directory: &Directory) -> Option<String> {
    let text = std::fs::read_to_string(directory.discovery()).ok()?;
    Some(text.trim().to_owned()).filter(|url| !url.is_empty())
}

/// The same address as this host reaches it: what machines call their host is the loopback here.
pub fn from_this_host(mut url: Url) -> Url {
    if url.host_str().and_then(|host| host.parse().ok()) == Some(HOST_ADDRESS_IN_GUESTS) {
        // An http address with a host takes every other one.
        let _ = url.set_ip_host(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    url
}

/// Runs the service until `stopped`, on the port of last time where that is free: tokens hold it.
pub(super) async fn serve(
    directory: &Directory,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let last = discovery_url(directory).and_then(|url| url.parse::<Url>().ok()?.port());
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, last.unwrap_or(0))).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("opening the discovery service's port")?,
    };
    let public_url = format!("http://{HOST_ADDRESS_IN_GUESTS}:{}", listener.local_addr()?.port());
    let file = directory.discovery();
    std::fs::write(&file, format!("{public_url}\n")).with_context(|| format!("writing `{}`", file.display()))?;
    let options = ServiceOptions {
        listener,
        public_url: Some(public_url),
        state: Some(directory.discovery_state()),
        longest_wait: LONGEST_WAIT,
    };
    discovery::serve(options, stopped).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_service_from_both_sides() {
        for (url, here) in [
            ("http://198.18.0.2:8087/new?size=3", "http://127.0.0.1:8087/new?size=3"),
            ("http://10.0.0.10:8087/new", "http://10.0.0.10:8087/new"),
            ("https://discovery.example.com/x", "https://discovery.example.com/x"),
        ] {
            assert_eq!(from_this_host(url.parse().unwrap()).as_str(), here);
        }
    }
}
