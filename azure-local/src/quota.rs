//! Limits and what is used of them: the shape in which Compute and Network list them, and how tests lower them.
//! Source: <https://learn.microsoft.com/rest/api/compute/usage/list>,
//! <https://learn.microsoft.com/rest/api/virtualnetwork/usages/list>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::arm::kind::Kind;
use crate::arm::location;
use crate::state::State;

/// A line of a list of usages.
pub(crate) struct Usage {
    pub name: &'static str,
    pub title: String,
    pub used: u64,
    pub limit: u64,
}

impl Usage {
    /// As ARM writes it.
    pub(crate) fn document(&self) -> Value {
        json!({
            "unit": "Count",
            "currentValue": self.used,
            "limit": self.limit,
            "name": { "value": self.name, "localizedValue": self.title },
        })
    }
}

/// Names that stand for another in what tests set.
const ALIASES: &[(&str, &str)] = &[
    ("regional", "cores"),
    ("StandardPublicIPAddresses", "IPv4StandardSkuPublicIpAddresses"),
    ("StandardSkuPublicIpAddresses", "IPv4StandardSkuPublicIpAddresses"),
];

/// The limit of a usage in a region: what was set for it there or everywhere, or else `default`.
pub(crate) fn limit(state: &State, location: &str, name: &str, default: u64) -> u64 {
    let quotas = &state.settings().quotas;
    let name = name.to_ascii_lowercase();
    quotas.get(&format!("{location}/{name}")).or_else(|| quotas.get(&name)).copied().unwrap_or(default)
}

/// Resources of a kind that a subscription has in a region.
pub(crate) fn count(state: &State, subscription: &str, location: &str, kind: Kind) -> u64 {
    let is_counted = |id_subscription: &str, at: &str| id_subscription == subscription && at == location;
    state.of_kind(kind).filter(|resource| is_counted(&resource.id.subscription, resource.location())).count() as u64
}

/// Checks limits that a control request sets: names of usages, or `region/name`. The result has them in lower case.
/// `is_known` tells the names of usages that there are.
pub(crate) fn check_setting(
    quotas: BTreeMap<String, u64>,
    is_known: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, u64>, String> {
    quotas.into_iter().map(|(name, limit)| Ok((canonical(&name, &is_known)?, limit))).collect()
}

fn canonical(name: &str, is_known: &impl Fn(&str) -> bool) -> Result<String, String> {
    if let Some((place, name)) = name.split_once('/') {
        let location = location::canonical(place).ok_or_else(|| format!("`{place}` is not a region"))?;
        return Ok(format!("{location}/{}", canonical(name, is_known)?));
    }
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let name = alias.map_or(name, |(_, meant)| meant);
    if is_known(name) { Ok(name.to_ascii_lowercase()) } else { Err(format!("`{name}` is not the name of a usage")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compute, network};

    #[test]
    fn limits_have_the_names_of_usages() {
        let table = [
            ("regional", Some("cores")),
            ("STANDARDDASv5Family", Some("standarddasv5family")),
            ("lowPriorityCores", Some("lowprioritycores")),
            ("PremiumDiskCount", Some("premiumdiskcount")),
            ("StandardPublicIPAddresses", Some("ipv4standardskupublicipaddresses")),
            ("NetworkInterfaces", Some("networkinterfaces")),
            ("West Europe/regional", Some("westeurope/cores")),
            ("moon/cores", None),
            ("standardFamily", None),
        ];
        for (name, expected) in table {
            let is_known = |name: &str| compute::usage::is_known(name) || network::usage::is_known(name);
            let found = check_setting(BTreeMap::from([(name.to_owned(), 1)]), is_known).ok();
            let found = found.as_ref().and_then(|quotas| quotas.keys().next()).map(String::as_str);
            assert_eq!(found, expected, "{name}");
        }
    }
}
