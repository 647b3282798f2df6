//! Whether the platform's domain and the names below it lead to the load balancer, as this machine resolves them.

use std::net::IpAddr;

use super::finding::Finding;

const CHECK: &str = "names";

/// What resolving `name` gave; `record` is what belongs into the zone: `*.example.com`.
pub(super) fn judge(record: &str, balancer: IpAddr, found: Result<&[IpAddr], &str>) -> Finding {
    let remedy =
        format!("a DNS record `{record}. A {balancer}`; resolvers may remember the old answer for its time to live");
    match found {
        Ok(addresses) if addresses.contains(&balancer) => {
            Finding::ok(CHECK, record, format!("leads to the load balancer, {balancer}"))
        }
        Ok([]) => Finding::warn(CHECK, record, "does not resolve", remedy),
        Ok(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            let found = format!("leads to {}, not to the load balancer, {balancer}", addresses.join(", "));
            Finding::warn(CHECK, record, found, remedy)
        }
        Err(reason) => Finding::warn(CHECK, record, format!("does not resolve: {reason}"), remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn names() {
        let balancer: IpAddr = "203.0.113.7".parse().unwrap();
        let other: IpAddr = "198.51.100.1".parse().unwrap();
        for (found, level, part) in [
            (Ok(&[other, balancer][..]), Level::Ok, "leads to the load balancer"),
            (Ok(&[other][..]), Level::Warn, "leads to 198.51.100.1, not"),
            (Ok(&[][..]), Level::Warn, "does not resolve"),
            (Err("no such name"), Level::Warn, "no such name"),
        ] {
            let finding = judge("*.example.test", balancer, found);
            assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
        }
    }
}
