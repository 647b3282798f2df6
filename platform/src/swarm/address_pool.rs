//! Addresses for overlay networks that nothing on the nodes uses.

use ipnet::Ipv4Net;

/// Docker's own default, 10.0.0.0/8, collides with most virtual networks; 172.16.0.0/12 and 192.168.0.0/16 are what its
/// bridges are cut from. The last candidate is for carriers' translators and free inside a data centre (RFC 6598).
const CANDIDATES: [&str; 6] =
    ["10.200.0.0/14", "10.100.0.0/14", "10.224.0.0/14", "10.48.0.0/14", "10.160.0.0/14", "100.96.0.0/14"];

/// Each overlay network gets a range of this many leading bits: 254 tasks, over a thousand networks.
pub(super) const SUBNET_PREFIX_BITS: u32 = 24;

/// The first candidate that overlaps none of `routes`: lines of `ip -4 route`, whose first word is a range, an address
/// or `default`.
pub fn choose(routes: &str) -> Option<Ipv4Net> {
    let taken: Vec<Ipv4Net> = routes
        .lines()
        .filter_map(|line| {
            let word = line.split_whitespace().next()?;
            word.parse().ok().or_else(|| Some(Ipv4Net::from(word.parse::<std::net::Ipv4Addr>().ok()?)))
        })
        .collect();
    let mut candidates = CANDIDATES.iter().filter_map(|candidate| candidate.parse::<Ipv4Net>().ok());
    candidates.find(|candidate| !taken.iter().any(|range| range.contains(candidate) || candidate.contains(range)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_range_is_taken() {
        for (routes, expected) in [
            ("default via 10.0.2.2 dev eth1\n10.32.0.0/20 dev eth0", Some("10.200.0.0/14")),
            ("10.201.4.0/24 dev eth0", Some("10.100.0.0/14")),
            ("10.200.0.9 via 10.0.0.1 dev eth0\n10.100.0.0/16 dev x", Some("10.224.0.0/14")),
            ("10.0.0.0/8 dev eth0", Some("100.96.0.0/14")),
            ("10.0.0.0/8 dev eth0\n100.64.0.0/10 dev tailscale0", None),
        ] {
            assert_eq!(choose(routes).map(|range| range.to_string()).as_deref(), expected, "{routes}");
        }
    }
}
