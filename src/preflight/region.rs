//! The region, and the cluster's name in it.

use crate::arm::{Availability, Region};
use crate::spec::{AddressSource, ClusterSpec};
use diagnostics::suggestion;
use report::Finding;

const SEE_REGIONS: &str = "az account list-locations --output table shows all";

/// Whether the region is one of the subscription's; of a list without any it is told that nothing was checked.
/// <https://learn.microsoft.com/rest/api/resources/subscriptions/list-locations>
pub(super) fn judge_location(spec: &ClusterSpec, regions: &[Region]) -> Option<Finding> {
    let wanted = spec.location.as_str();
    let names: Vec<&str> = regions.iter().map(|region| region.name.as_str()).collect();
    if names.is_empty() {
        let message = format!("did not check whether there is `{wanted}`: Azure lists no region of this subscription");
        return Some(Finding::warning("location", message, SEE_REGIONS));
    }
    if names.iter().any(|name| name.eq_ignore_ascii_case(wanted)) {
        return None;
    }
    let remedy = match suggestion(wanted, names.into_iter()) {
        Some(right) => format!("did you mean `--location {right}`?"),
        None => SEE_REGIONS.into(),
    };
    Some(Finding::refusal("location", format!("`{wanted}` is no region of this subscription"), remedy))
}

/// Whether a DNS label is free.
/// <https://learn.microsoft.com/rest/api/virtualnetwork/check-dns-name-availability>
pub(super) fn judge_label(spec: &ClusterSpec, label: &str, answer: Availability) -> Option<Finding> {
    if answer.available {
        return None;
    }
    let message = format!("`{label}.{}.{}` is taken", spec.location, spec.cloud.address_suffix());
    Some(Finding::refusal("DNS label", message, "choose another NAME, --vm-name-prefix or --location"))
}

/// SSH that everybody may try is a matter of taste, but one should know.
pub(super) fn judge_exposure(spec: &ClusterSpec) -> Option<Finding> {
    if !spec.ssh_sources.contains(&AddressSource::Any) {
        return None;
    }
    let message = "every address of the internet may try SSH (keys only, no passwords)";
    Some(Finding::warning("SSH", message, "--ssh-source YOUR-RANGE closes it to others"))
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use crate::config::parameter::SSH_SOURCES;

    #[test]
    fn regions_labels_and_exposure() {
        let locations = |names: &[&str]| names.iter().map(|name| Region { name: (*name).into() }).collect::<Vec<_>>();
        let remedy = |found: Option<Finding>| found.map(|finding| finding.remedy);
        assert_eq!(judge_location(&spec(&[]), &locations(&["westeurope"])), None);
        let unchecked = judge_location(&spec(&[]), &[]).unwrap();
        assert_eq!(unchecked.severity, report::Severity::Warning);
        assert!(unchecked.message.starts_with("did not check whether there is `westeurope`"), "{unchecked}");
        let found = remedy(judge_location(&spec(&[]), &locations(&["eastus", "westeurope2"])));
        assert_eq!(found.as_deref(), Some("did you mean `--location westeurope2`?"));
        for available in [true, false] {
            let found = judge_label(&spec(&[]), "mycluster", Availability { available });
            assert_eq!(found.is_none(), available);
        }
        assert!(judge_exposure(&spec(&[])).is_some());
        assert!(judge_exposure(&spec(&[(&SSH_SOURCES, "203.0.113.0/24")])).is_none());
    }
}
