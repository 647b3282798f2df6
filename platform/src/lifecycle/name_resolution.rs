//! Whether names below the platform's domain lead to its load balancer.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::Platform;

/// Who knows the addresses of a name.
pub(crate) type Lookup = fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Any name below the domain must do; nobody has this one.
const PROBE: &str = "platformctl-probe";

/// As this machine resolves names.
pub(crate) fn of_system(name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 80)).await?.map(|address| address.ip()).collect()) })
}

/// What is wrong with the records of `*.domain`; none when they lead to the load balancer.
pub(super) async fn finding(platform: &Platform, domain: &str) -> Option<String> {
    let expected = IpAddr::V4(platform.cluster.facts().public_address);
    let found = tokio::time::timeout(TIMEOUT, (platform.lookup)(format!("{PROBE}.{domain}"))).await;
    let addresses: Vec<IpAddr> = match found {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(_)) => Vec::new(),
        Err(_) => return Some(format!("DNS did not answer about `*.{domain}` within {} s", TIMEOUT.as_secs())),
    };
    if addresses.contains(&expected) {
        return None;
    }
    let record = format!("a record `*.{domain}. A {expected}` makes apps reachable by name");
    match addresses.first() {
        None => Some(format!("`*.{domain}` does not resolve; {record}")),
        Some(other) => Some(format!("`*.{domain}` leads to {other}, not to the load balancer; {record}")),
    }
}
