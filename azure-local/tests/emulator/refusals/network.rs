//! What Microsoft.Network refuses.

use azure_local::latency::Latency;
use serde_json::{Value, json};

use super::{check, with};
use crate::bodies::{LB, NSG, PIP, VNET, create_base, create_node, lb, nic, nic_path, nsg, pip, reference, rule, vnet};
use crate::emulator::{Emulator, nothing, path};

#[tokio::test]
async fn network_rules_are_azures() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    emulator.put("/azure-local/reserved-dns-labels", &json!(["taken"])).await.good();
    let (rules, subnets) = ("/properties/securityRules", "/properties/subnets");
    let configuration = "/properties/ipConfigurations/0/properties";
    let (unsupported, overlapping) =
        ("SecurityRuleParameterContainsUnsupportedValue", "OverlappingSubnetsNotPermittedInSecurityRule");
    let sources = |prefixes: &[&str]| {
        let mut several = rule("several", 120, "22");
        several["properties"]["sourceAddressPrefix"] = Value::Null;
        several["properties"]["sourceAddressPrefixes"] = json!(prefixes);
        json!([several])
    };
    let other_pip = || path("Network/publicIPAddresses/other");
    let other_vnet = || path("Network/virtualNetworks/other");
    let (nat, balancing) = ("/properties/inboundNatRules/0/properties", "/properties/loadBalancingRules/0/properties");
    let second_subnet = |prefix: &str| json!([vnet()["properties"]["subnets"][0], { "name": "b", "properties": { "addressPrefix": prefix } }]);
    check(
        &emulator,
        vec![
            ("name", path("Network/networkSecurityGroups/-a"), nsg(), 400, "InvalidResourceName"),
            ("moved", path(NSG), with(nsg(), "/location", json!("eastus")), 409, "InvalidResourceLocation"),
            ("misspelt", path(NSG), with(nsg(), "/properties/securityRule", json!([])), 400, "InvalidRequestFormat"),
            (
                "misspelt within",
                path(NSG),
                with(nsg(), "/properties/securityRules/0/properties/sourcePort", json!("*")),
                400,
                "InvalidRequestFormat",
            ),
            (
                "priority",
                path(NSG),
                with(nsg(), rules, json!([rule("a", 99, "22")])),
                400,
                "SecurityRuleInvalidPriority",
            ),
            (
                "same priority",
                path(NSG),
                with(nsg(), rules, json!([rule("a", 100, "1"), rule("b", 100, "2")])),
                400,
                "SecurityRuleConflict",
            ),
            (
                "port",
                path(NSG),
                with(nsg(), rules, json!([rule("a", 100, "99999")])),
                400,
                "SecurityRuleInvalidPortRange",
            ),
            (
                "no protocol",
                path(NSG),
                with(nsg(), "/properties/securityRules/0/properties/protocol", Value::Null),
                400,
                "InvalidRequestFormat",
            ),
            (
                "no source",
                path(NSG),
                with(nsg(), "/properties/securityRules/0/properties/sourceAddressPrefix", Value::Null),
                400,
                "SecurityRuleParameterRequired",
            ),
            (
                "twice",
                path(NSG),
                with(nsg(), rules, json!([rule("a", 100, "1"), rule("A", 101, "2")])),
                400,
                "DuplicateResourceName",
            ),
            ("star in a list", path(NSG), with(nsg(), rules, sources(&["*", "10.0.0.0/8"])), 400, unsupported),
            ("tag in a list", path(NSG), with(nsg(), rules, sources(&["10.0.0.0/8", "Internet"])), 400, unsupported),
            ("overlapping", path(NSG), with(nsg(), rules, sources(&["10.0.0.0/8", "10.1.0.0/16"])), 400, overlapping),
            (
                "no address",
                path(NSG),
                with(nsg(), "/properties/securityRules/0/properties/sourceAddressPrefix", json!("any")),
                400,
                "SecurityRuleInvalidAddressPrefix",
            ),
            ("reserved name", path("Network/publicIPAddresses/microsoft-x"), pip("other"), 400, "ReservedResourceName"),
            ("reserved label", other_pip(), pip("mywindowsservers225"), 400, "DomainNameLabelReserved"),
            ("console's label", other_pip(), pip("y5cgxboxr"), 400, "DomainNameLabelReserved"),
            (
                "basic",
                other_pip(),
                with(pip("other"), "/sku", Value::Null),
                400,
                "IPv4BasicSkuPublicIpCountLimitReached",
            ),
            (
                "dynamic",
                other_pip(),
                with(pip("other"), "/properties/publicIPAllocationMethod", Value::Null),
                400,
                "StandardSkuPublicIPAddressesMustBeStatic",
            ),
            ("label", other_pip(), pip("1x"), 400, "InvalidDomainNameLabel"),
            ("label in use", other_pip(), pip("demo-cluster"), 400, "DnsRecordInUse"),
            ("label reserved", other_pip(), pip("taken"), 400, "DnsRecordInUse"),
            (
                "no space",
                path(VNET),
                with(vnet(), "/properties/addressSpace", Value::Null),
                400,
                "InvalidRequestFormat",
            ),
            (
                "no range",
                path(VNET),
                with(vnet(), "/properties/addressSpace/addressPrefixes", json!(["10.0.0.1/16"])),
                400,
                "InvalidCIDRNotation",
            ),
            ("outside", other_vnet(), with(vnet(), subnets, second_subnet("10.1.0.0/24")), 400, "NetcfgInvalidSubnet"),
            (
                "overlap",
                other_vnet(),
                with(vnet(), subnets, second_subnet("10.0.0.128/25")),
                400,
                "NetcfgSubnetRangesOverlap",
            ),
            (
                "no such group",
                other_vnet(),
                with(
                    vnet(),
                    "/properties/subnets/0/properties/networkSecurityGroup",
                    reference("Network/networkSecurityGroups/x"),
                ),
                400,
                "InvalidResourceReference",
            ),
            ("other region", other_vnet(), with(vnet(), "/location", json!("eastus")), 400, "InvalidResourceReference"),
            ("subnet in use", path(VNET), with(vnet(), subnets, json!([])), 400, "InUseSubnetCannotBeDeleted"),
            (
                "range in use",
                path(VNET),
                with(vnet(), "/properties/subnets/0/properties/addressPrefix", json!("10.0.1.0/24")),
                400,
                "InUsePrefixCannotBeDeleted",
            ),
            ("basic", path(LB), with(lb(), "/sku/name", json!("Basic")), 400, "BasicSkuLoadBalancerNotAllowed"),
            (
                "no frontend",
                path(LB),
                with(lb(), &format!("{balancing}/frontendIPConfiguration"), Value::Null),
                400,
                "InvalidRequestFormat",
            ),
            (
                "no such probe",
                path(LB),
                with(lb(), &format!("{balancing}/probe"), json!({ "id": format!("{}/probes/x", path(LB)) })),
                400,
                "InvalidResourceReference",
            ),
            (
                "idle",
                path(LB),
                with(lb(), &format!("{balancing}/idleTimeoutInMinutes"), json!(3)),
                400,
                "InvalidRequestFormat",
            ),
            (
                "snat",
                path(LB),
                with(lb(), &format!("{balancing}/disableOutboundSnat"), json!(false)),
                400,
                "LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedByOutboundRule",
            ),
            (
                "same port",
                path(LB),
                with(lb(), &format!("{nat}/frontendPortRangeStart"), json!(443)),
                400,
                "RulesUseSameFrontendPortProtocolAndIPConfig",
            ),
            (
                "port and pool",
                path(LB),
                with(lb(), &format!("{nat}/frontendPort"), json!(22001)),
                400,
                "InboundNatRuleWithBackendPoolCannotHaveFrontendPort",
            ),
            (
                "version 1",
                path(LB),
                with(lb(), &format!("{nat}/backendAddressPool"), Value::Null),
                400,
                "InboundNatRuleV1NotSupported",
            ),
            (
                "no address",
                path("Network/loadBalancers/other"),
                with(lb(), "/properties/frontendIPConfigurations/0/properties", nothing()),
                400,
                "LoadBalancerFrontendIPConfigMustHaveSubnetOrPublicIP",
            ),
            ("address of another", path("Network/loadBalancers/other"), lb(), 400, "PublicIPAddressInUse"),
            (
                "probe path",
                path(LB),
                with(lb(), "/properties/probes/0/properties/requestPath", Value::Null),
                400,
                "InvalidRequestFormat",
            ),
            (
                "pool in use",
                path(LB),
                with(
                    with(
                        with(
                            with(lb(), "/properties/backendAddressPools", json!([])),
                            "/properties/loadBalancingRules",
                            json!([]),
                        ),
                        "/properties/inboundNatRules",
                        json!([]),
                    ),
                    "/properties/outboundRules",
                    json!([]),
                ),
                400,
                "InUseBackendAddressPoolCannotBeDeleted",
            ),
            (
                "no configuration",
                nic_path("x"),
                with(nic("10.0.0.20"), "/properties/ipConfigurations", json!([])),
                400,
                "NetworkInterfaceMustHaveIpConfiguration",
            ),
            (
                "no subnet",
                nic_path("x"),
                with(
                    nic("10.0.0.20"),
                    &format!("{configuration}/subnet/id"),
                    json!(format!("{}/subnets/x", path(VNET))),
                ),
                400,
                "InvalidResourceReference",
            ),
            ("reserved", nic_path("x"), nic("10.0.0.3"), 400, "PrivateIPAddressInReservedRange"),
            ("broadcast", nic_path("x"), nic("10.0.0.255"), 400, "PrivateIPAddressInReservedRange"),
            ("not in subnet", nic_path("x"), nic("10.0.1.20"), 400, "PrivateIPAddressNotInSubnet"),
            ("in use", nic_path("x"), nic("10.0.0.11"), 400, "PrivateIPAddressInUse"),
            (
                "static without address",
                nic_path("x"),
                with(nic("10.0.0.20"), &format!("{configuration}/privateIPAddress"), Value::Null),
                400,
                "StaticPrivateIPAddressRequired",
            ),
            (
                "public address in use",
                nic_path("x"),
                with(nic("10.0.0.20"), &format!("{configuration}/publicIPAddress"), reference(PIP)),
                400,
                "PublicIPAddressInUse",
            ),
            (
                "version 1",
                nic_path("x"),
                with(nic("10.0.0.20"), &format!("{configuration}/loadBalancerInboundNatRules"), json!([{ "id": "x" }])),
                400,
                "InboundNatRuleV1NotSupported",
            ),
        ],
    )
    .await;
    emulator.stop().await;
}
