//! The members that `properties` of each type may have, so that a misspelt one is refused instead of ignored.
//! Source: Azure's REST reference at the api-versions of [`crate::arm::kind`].

use serde_json::Value;

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;

/// Refuses a document whose `properties` have a member that the type does not know.
pub fn check(kind: Kind, document: &Value) -> Result<(), ArmError> {
    let members = document.get("properties").and_then(Value::as_object).into_iter().flatten();
    let is_known = |name: &String| known(kind).contains(&name.as_str()) || kind.children().contains(&name.as_str());
    match members.map(|(name, _)| name).find(|name| !is_known(name)) {
        None => Ok(()),
        Some(unknown) => Err(ArmError::bad(
            "InvalidRequestContent",
            format!(
                "The request content was invalid and could not be deserialized: 'Could not find member '{unknown}' on object of type '{}'. Path 'properties.{unknown}'.'",
                kind.full_name()
            ),
        )
        .target(unknown)),
    }
}

fn known(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ResourceGroup => &[],
        Kind::NetworkSecurityGroup => {
            &["flushConnection", "defaultSecurityRules", "networkInterfaces", "subnets", "flowLogs"]
        }
        Kind::PublicIpAddress => &[
            "publicIPAllocationMethod",
            "publicIPAddressVersion",
            "ipConfiguration",
            "dnsSettings",
            "ddosSettings",
            "ipTags",
            "ipAddress",
            "publicIPPrefix",
            "idleTimeoutInMinutes",
            "deleteOption",
        ],
        Kind::VirtualNetwork => &[
            "addressSpace",
            "dhcpOptions",
            "flowTimeoutInMinutes",
            "enableDdosProtection",
            "enableVmProtection",
            "bgpCommunities",
            "encryption",
            "ipAllocations",
            "flowLogs",
        ],
        Kind::LoadBalancer => &["inboundNatPools"],
        Kind::NetworkInterface => &[
            "networkSecurityGroup",
            "virtualMachine",
            "dnsSettings",
            "macAddress",
            "primary",
            "enableAcceleratedNetworking",
            "enableIPForwarding",
            "disableTcpStateTracking",
            "vnetEncryptionSupported",
            "tapConfigurations",
            "hostedWorkloads",
            "nicType",
            "auxiliaryMode",
            "auxiliarySku",
        ],
        Kind::AvailabilitySet => &[
            "platformUpdateDomainCount",
            "platformFaultDomainCount",
            "virtualMachines",
            "scheduledEventsPolicy",
            "proximityPlacementGroup",
            "virtualMachineScaleSetMigrationInfo",
        ],
        Kind::ScaleSet => &[
            "orchestrationMode",
            "platformFaultDomainCount",
            "singlePlacementGroup",
            "zoneBalance",
            "proximityPlacementGroup",
            "constrainedMaximumCapacity",
            "additionalCapabilities",
            "scaleInPolicy",
            "spotRestorePolicy",
            "priorityMixPolicy",
            "resiliencyPolicy",
            "automaticRepairsPolicy",
            "upgradePolicy",
            "overprovision",
            "doNotRunExtensionsOnOverprovisionedVMs",
            "hostGroup",
            "virtualMachineProfile",
            "skuProfile",
            "timeCreated",
            "uniqueId",
            "zonalPlatformFaultDomainAlignMode",
        ],
        Kind::ProximityPlacementGroup => &[
            "proximityPlacementGroupType",
            "intent",
            "colocationStatus",
            "virtualMachines",
            "availabilitySets",
            "virtualMachineScaleSets",
        ],
        Kind::Image => &["sourceVirtualMachine", "storageProfile", "hyperVGeneration"],
        Kind::UserAssignedIdentity => &["isolationScope", "tenantId", "principalId", "clientId"],
        Kind::Disk => &[],
        Kind::VirtualMachine => &[
            "hardwareProfile",
            "storageProfile",
            "osProfile",
            "networkProfile",
            "securityProfile",
            "diagnosticsProfile",
            "additionalCapabilities",
            "availabilitySet",
            "virtualMachineScaleSet",
            "proximityPlacementGroup",
            "platformFaultDomain",
            "host",
            "hostGroup",
            "capacityReservation",
            "priority",
            "evictionPolicy",
            "billingProfile",
            "licenseType",
            "extensionsTimeBudget",
            "userData",
            "applicationProfile",
            "scheduledEventsPolicy",
            "instanceView",
            "vmId",
            "timeCreated",
        ],
    }
}
