//! The machines' size: whether the region has it, this subscription may use it, and it fits what is asked of it.
//! <https://learn.microsoft.com/rest/api/compute/resource-skus/list>

use crate::arm::{ArmError, ArmErrorKind, Sku};
use crate::spec::ClusterSpec;
use diagnostics::suggestion;
use report::Finding;

const CHECK: &str = "size";
/// What names of sizes begin with.
const TIER: &str = "Standard_";

/// What Azure says of a size in one region. What it does not say of it is not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SizeFacts {
    /// Whose quota it counts against: `standardDASv5Family`.
    pub family: String,
    pub vcpus: u32,
    /// `x64` or `Arm64`.
    pub architecture: Option<String>,
    /// `V1`, `V2`.
    pub generations: Option<Vec<String>>,
    pub most_data_disks: u32,
    pub premium_disks: Option<bool>,
    pub spot: Option<bool>,
    pub accelerated_networking: Option<bool>,
    pub zones: Vec<String>,
    /// Whether this subscription may not use it in the region at all.
    pub restricted: bool,
    pub restricted_zones: Vec<String>,
}

impl SizeFacts {
    /// Takes the size's entry out of the region's list; none when the region does not sell it. An entry that does not say
    /// what quotas and disks are counted by is an error.
    pub(super) fn find(skus: &[Sku], size: &str, location: &str) -> Result<Option<Self>, ArmError> {
        let is_it = |sku: &&Sku| is_machine(sku) && sku.name.eq_ignore_ascii_case(size);
        let Some(sku) = skus.iter().find(is_it) else { return Ok(None) };
        let lacks = |what: &str| {
            let message = format!("Azure's answer lacks `{what}` of `{size}`, or it cannot be read");
            ArmError::local(ArmErrorKind::NotAzure, "reading the sizes of the region", message)
        };
        let number = |name: &str| sku.capability(name).and_then(|value| value.parse().ok()).ok_or_else(|| lacks(name));
        let is = |name: &str| sku.capability(name).map(|value| value.eq_ignore_ascii_case("true"));
        let info = sku.location_info.iter().find(|info| info.location.eq_ignore_ascii_case(location));
        let of_zones = sku.restrictions.iter().filter(|restriction| restriction.kind == "Zone");
        Ok(Some(Self {
            family: sku.family.clone().filter(|family| !family.is_empty()).ok_or_else(|| lacks("family"))?,
            vcpus: number("vCPUs")?,
            architecture: sku.capability("CpuArchitectureType").map(str::to_owned),
            generations: sku.capability("HyperVGenerations").map(|all| all.split(',').map(str::to_owned).collect()),
            most_data_disks: number("MaxDataDiskCount")?,
            premium_disks: is("PremiumIO"),
            spot: is("LowPriorityCapable"),
            accelerated_networking: is("AcceleratedNetworkingEnabled"),
            zones: info.map(|info| info.zones.clone()).unwrap_or_default(),
            restricted: sku.restrictions.iter().any(|restriction| restriction.kind == "Location"),
            restricted_zones: of_zones.flat_map(|restriction| restriction.restriction_info.zones.clone()).collect(),
        }))
    }
}

/// The tier is the same in all, and would make every name look near.
fn bare(name: &str) -> &str {
    name.strip_prefix(TIER).unwrap_or(name)
}

fn is_machine(sku: &Sku) -> bool {
    sku.resource_type.eq_ignore_ascii_case("virtualMachines")
}

/// Everything that is wrong with the size in the region, `facts` of which are known; when the region lists nothing, that
/// nothing was checked.
pub(super) fn judge(skus: &[Sku], facts: Option<&SizeFacts>, spec: &ClusterSpec) -> Vec<Finding> {
    let (size, location) = (spec.vm_size.as_str(), spec.location.as_str());
    let list = format!("az vm list-skus --location {location} --resource-type virtualMachines --output table");
    if !skus.iter().any(is_machine) {
        let message = format!("did not check `{size}`, nor quotas of its family: Azure lists no size of `{location}`");
        return vec![Finding::warning(CHECK, message, format!("{list} shows all"))];
    }
    let Some(facts) = facts else {
        let names: Vec<&str> = skus.iter().filter(|sku| is_machine(sku)).map(|sku| sku.name.as_str()).collect();
        let remedy = match suggestion(bare(size), names.into_iter().map(bare)) {
            Some(right) => format!("did you mean `--vm-size {TIER}{right}`? {list} shows all"),
            None => list,
        };
        return vec![Finding::refusal(CHECK, format!("`{size}` does not exist in `{location}`"), remedy)];
    };
    let mut findings = Vec::new();
    let mut refuse = |message: String, remedy: &str| findings.push(Finding::refusal(CHECK, message, remedy));
    if facts.restricted {
        refuse(format!("`{size}` is not available to this subscription in `{location}`"), &list);
    }
    for zone in spec.availability.zones().iter().map(ToString::to_string) {
        if !facts.zones.contains(&zone) {
            let offered = if facts.zones.is_empty() { "none".into() } else { facts.zones.join(", ") };
            refuse(
                format!("`{size}` is not in zone {zone} of `{location}`; it is in: {offered}"),
                "choose other --zones, or another --vm-size or --location",
            );
        } else if facts.restricted_zones.contains(&zone) {
            refuse(
                format!("`{size}` is not available to this subscription in zone {zone} of `{location}`"),
                "choose other --zones, or ask Azure's support for access",
            );
        }
    }
    if spec.spot && facts.spot == Some(false) {
        refuse(format!("`{size}` cannot be Spot"), "leave --spot out, or choose another --vm-size");
    }
    if spec.accelerated_networking && facts.accelerated_networking == Some(false) {
        refuse(
            format!("`{size}` takes no accelerated networking"),
            "leave --accelerated-networking out, or choose another --vm-size",
        );
    }
    let wants_premium = spec.data_disk_type.as_deref().is_some_and(|kind| kind.starts_with("Premium"));
    if wants_premium && facts.premium_disks == Some(false) {
        refuse(format!("`{size}` takes no premium disks"), "--data-disk-type StandardSSD_LRS, or a size with an `s`");
    }
    let disks = spec.data_disks();
    if disks > facts.most_data_disks {
        refuse(
            format!("`{size}` takes {} data disks, {disks} are asked", facts.most_data_disks),
            "fewer data disks, or a larger --vm-size",
        );
    }
    findings
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::parameter::{ACCELERATED_NETWORKING, DATA_DISK, Parameter, SCALE_SET, SPOT, VM_SIZE, ZONES};
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;
    use serde_json::{Value, json};

    pub(crate) fn spec(flags: &[(&Parameter, &str)]) -> ClusterSpec {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        resolve(&ClusterInput::flags("mycluster", flags), None, &key).unwrap()
    }

    pub(crate) fn skus() -> Vec<Sku> {
        let size = |name: &str, disks: &str, spot: &str, restrictions: Value| {
            json!({
                "resourceType": "virtualMachines", "name": name, "family": "standardDASv5Family",
                "locationInfo": [{"location": "westeurope", "zones": ["1", "2"]}],
                "capabilities": [
                    {"name": "vCPUs", "value": "2"}, {"name": "HyperVGenerations", "value": "V1,V2"},
                    {"name": "CpuArchitectureType", "value": "x64"}, {"name": "MaxDataDiskCount", "value": disks},
                    {"name": "PremiumIO", "value": "True"}, {"name": "LowPriorityCapable", "value": spot},
                    {"name": "AcceleratedNetworkingEnabled", "value": spot},
                ],
                "restrictions": restrictions,
            })
        };
        let zone =
            json!([{"type": "Zone", "restrictionInfo": {"zones": ["2"]}, "reasonCode": "NotAvailableForSubscription"}]);
        let location = json!([{"type": "Location", "reasonCode": "NotAvailableForSubscription"}]);
        let all = json!([
            size("Standard_D2as_v5", "4", "True", json!([])),
            size("Standard_B2s", "0", "False", zone),
            size("Standard_E2s_v5", "4", "True", location),
            {"resourceType": "disks", "name": "Premium_LRS"},
        ]);
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn sizes() {
        let small = (&VM_SIZE, "Standard_B2s");
        type Flags<'a> = &'a [(&'a Parameter, &'a str)];
        let cases: [(Flags, &[&str]); 6] = [
            (&[(&DATA_DISK, "10"), (&ZONES, "1,2"), (&ACCELERATED_NETWORKING, "true")], &[]),
            (&[(&VM_SIZE, "Standard_D2a_v5")], &["size: `Standard_D2a_v5` does not exist in `westeurope`"]),
            (&[(&VM_SIZE, "Standard_E2s_v5")], &["size: `Standard_E2s_v5` is not available to this subscription"]),
            (&[(&ZONES, "1,3")], &["size: `Standard_D2as_v5` is not in zone 3 of `westeurope`; it is in: 1, 2"]),
            (&[small, (&DATA_DISK, "10")], &["size: `Standard_B2s` takes 0 data disks, 1 are asked"]),
            (
                &[small, (&ZONES, "2"), (&SCALE_SET, "true"), (&SPOT, "true"), (&ACCELERATED_NETWORKING, "true")],
                &[
                    "size: `Standard_B2s` is not available to this subscription in zone 2",
                    "size: `Standard_B2s` cannot be Spot",
                    "size: `Standard_B2s` takes no accelerated networking",
                ],
            ),
        ];
        for (flags, expected) in cases {
            let found: Vec<String> = judged(&spec(flags)).iter().map(ToString::to_string).collect();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with(expected), "{found}");
            }
        }
        let unchecked = judge(&[], None, &spec(&[]));
        assert_eq!(unchecked.len(), 1);
        assert!(unchecked[0].message.starts_with("did not check `Standard_D2as_v5`"), "{unchecked:?}");
        assert_eq!(unchecked[0].severity, report::Severity::Warning);
    }

    #[test]
    fn only_a_size_that_is_near_is_advised() {
        for (size, near) in
            [("Standard_D2a_v5", "did you mean `--vm-size Standard_D2as_v5`?"), ("Standard_XX", "az vm list")]
        {
            let found = judged(&spec(&[(&VM_SIZE, size)]));
            assert!(found[0].remedy.starts_with(near), "{found:?}");
        }
    }

    fn judged(spec: &ClusterSpec) -> Vec<Finding> {
        let facts = SizeFacts::find(&skus(), spec.vm_size.as_str(), spec.location.as_str()).unwrap();
        judge(&skus(), facts.as_ref(), spec)
    }

    #[test]
    fn what_quotas_are_counted_by_is_there_or_an_error() {
        for (without, expected) in [
            ("vCPUs", Some("lacks `vCPUs` of `Standard_B2s`")),
            ("MaxDataDiskCount", Some("lacks `MaxDataDiskCount` of `Standard_B2s`")),
            ("PremiumIO", None),
        ] {
            let mut skus = skus();
            for sku in &mut skus {
                sku.capabilities.retain(|capability| capability.name != without);
            }
            let found = SizeFacts::find(&skus, "Standard_B2s", "westeurope").err().map(|error| error.message);
            assert_eq!(found.is_some(), expected.is_some(), "{without}: {found:?}");
            assert!(found.is_none_or(|found| found.contains(expected.unwrap())), "{without}");
        }
    }
}
