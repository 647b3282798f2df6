//! Whether names below the platform's domain lead to its load balancer.

use std::net::IpAddr;
use std::time::Duration;

use crate::Platform;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Any name below the domain must do; nobody has this one.
const PROBE: &str = "platformctl-probe";

/// What is wrong with the records of `*.domain`; none when they lead to the load balancer.
pub(super) async fn finding(platform: &Platform, domain: &str) -> Option<String> {
    let expected = IpAddr::V4(platform.cluster.facts().public_address);
    let name = format!("{PROBE}.{domain}");
    let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((name.as_str(), 80))).await;
    let addresses: Vec<IpAddr> = match found {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
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
