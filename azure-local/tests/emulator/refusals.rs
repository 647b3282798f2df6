//! One line per refusal: what is sent, and the status and code that come back.

use azure_local::latency::Latency;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::bodies::{
    LB, NSG, PIP, SET, VNET, create_base, create_node, group, lb, nic, nic_path, nsg, pip, reference, rule, set,
    ssh_key, vm, vm_path, vnet,
};
use crate::emulator::{Emulator, SUBSCRIPTION, nothing, path};

/// A body with one property changed; `null` removes it.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).expect("a parent");
    match (parent, value) {
        (Value::Object(object), Value::Null) => {
            object.remove(member);
        }
        (parent, value) => match member.parse::<usize>() {
            Ok(index) => parent[index] = value,
            Err(_) => parent[member] = value,
        },
    }
    body
}

async fn check(emulator: &Emulator, table: Vec<(&str, String, Value, u16, &str)>) {
    for (what, path, body, status, code) in table {
        let reply = emulator.put(&path, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text);
        assert!(reply.body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}");
        assert!(
            reply.header("x-ms-request-id").is_some() && reply.header("x-ms-correlation-request-id").is_some(),
            "{what}"
        );
    }
}

#[tokio::test]
async fn envelopes_are_checked() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let client = Client::new();
    let url = emulator.url(&format!("{}?api-version=2021-04-01", path("")));
    for (token, code) in [(None, "AuthenticationFailed"), (Some("wrong"), "InvalidAuthenticationToken")] {
        let mut request = client.get(&url).header("x-ms-client-request-id", "mine");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["x-ms-client-request-id"], "mine");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], code);
    }
    let table = [
        (path("") + "?api-version=", 400, "MissingApiVersionParameter"),
        (path("") + "?api-version=1999-01-01", 400, "InvalidApiVersionParameter"),
        (path(NSG) + "?api-version=2021-04-01", 400, "NoRegisteredProviderFound"),
        ("/subscriptions/00000000-0000-4000-8000-000000000009".to_owned(), 404, "SubscriptionNotFound"),
        (format!("{SUBSCRIPTION}/unknown"), 404, "InvalidResourceType"),
        (path("Network/unknown/x"), 404, "InvalidResourceType"),
        (path(""), 404, "ResourceGroupNotFound"),
        (path(NSG), 404, "ResourceGroupNotFound"),
    ];
    for (path, status, code) in table {
        let reply = emulator.get(&path).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{path}");
    }
    assert_eq!(emulator.post(&path(""), &nothing()).await.code(), "MethodNotAllowed");
    let tagged = |name: &str| json!({ "location": "westeurope", "tags": { name: "x" } });
    let torn = emulator.request(Method::PUT, &url, None).body("{\"location\":").send().await.expect("an answer");
    assert_eq!(torn.status(), 400);
    check(
        &emulator,
        vec![
            ("no location", path(""), nothing(), 400, "LocationRequired"),
            ("no such region", path(""), json!({ "location": "moon" }), 400, "LocationNotAvailableForResourceGroup"),
            (
                "unknown member",
                path(""),
                json!({ "location": "westeurope", "loction": 1 }),
                400,
                "InvalidRequestContent",
            ),
            (
                "tag that is no text",
                path(""),
                json!({ "location": "westeurope", "tags": { "a": 1 } }),
                400,
                "InvalidTags",
            ),
            ("tag of Azure's", path(""), tagged("Microsoft.x"), 400, "InvalidTagName"),
            ("tag of another part of it", path(""), tagged("windows"), 400, "InvalidTagName"),
            ("tag that begins as ours did", path(""), tagged("azure-coreos-cluster"), 400, "InvalidTagName"),
            ("tag with a slash", path(""), tagged("a/b"), 400, "InvalidTagNameCharacters"),
            ("group name", format!("{SUBSCRIPTION}/resourceGroups/ends."), group(), 400, "InvalidResourceGroup"),
            ("no group", path(NSG), nsg(), 404, "ResourceGroupNotFound"),
        ],
    )
    .await;
    emulator.stop().await;
}

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

#[tokio::test]
async fn compute_rules_are_azures() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    let os = "/properties/osProfile";
    let keys = "/properties/osProfile/linuxConfiguration/ssh/publicKeys/0";
    let disks = "/properties/storageProfile/dataDisks";
    let image = "/properties/storageProfile/imageReference";
    let size = "/properties/hardwareProfile/vmSize";
    let disk = |lun: u64| json!({ "lun": lun, "createOption": "Empty", "diskSizeGB": 1 });
    let too_long = "QUFB".repeat(21_846);
    let new = |pointer: &str, value: Value| with(vm("x"), pointer, value);
    let old = |pointer: &str, value: Value| with(vm("node-1"), pointer, value);
    let table = vec![
        (
            "unmanaged",
            path("Compute/availabilitySets/other"),
            with(set(), "/sku", Value::Null),
            400,
            "InvalidParameter",
        ),
        (
            "fault domains",
            path("Compute/availabilitySets/other"),
            with(set(), "/properties/platformFaultDomainCount", json!(4)),
            400,
            "InvalidParameter",
        ),
        (
            "fault domains of the region",
            path("Compute/availabilitySets/other"),
            with(set(), "/location", json!("uksouth")),
            400,
            "InvalidParameter",
        ),
        (
            "set changed",
            path(SET),
            with(set(), "/properties/platformFaultDomainCount", json!(2)),
            409,
            "PropertyChangeNotAllowed",
        ),
        ("name", path("Compute/virtualMachines/123"), vm("x"), 400, "InvalidParameter"),
        ("disk by itself", path("Compute/disks/x"), group(), 405, "MethodNotAllowed"),
        ("size", vm_path("x"), new(size, json!("Standard_Z1")), 400, "InvalidParameter"),
        ("image", vm_path("x"), new(&format!("{image}/sku"), json!("nightly")), 404, "PlatformImageNotFound"),
        ("architecture", vm_path("x"), new(size, json!("Standard_D2ps_v5")), 400, "BadRequest"),
        ("user", vm_path("x"), new(&format!("{os}/adminUsername"), json!("root")), 400, "InvalidParameter"),
        (
            "key path",
            vm_path("x"),
            new(&format!("{keys}/path"), json!("/root/.ssh/authorized_keys")),
            400,
            "InvalidParameter",
        ),
        (
            "key",
            vm_path("x"),
            new(&format!("{keys}/keyData"), json!("ecdsa-sha2-nistp256 AAAA")),
            400,
            "InvalidParameter",
        ),
        ("no key", vm_path("x"), new(&format!("{os}/linuxConfiguration/ssh"), nothing()), 400, "InvalidParameter"),
        ("not base64", vm_path("x"), new(&format!("{os}/customData"), json!("#cloud-config")), 400, "InvalidParameter"),
        ("too long", vm_path("x"), new(&format!("{os}/customData"), json!(too_long)), 400, "InvalidParameter"),
        ("computer name", vm_path("x"), new(&format!("{os}/computerName"), json!("a_b")), 400, "InvalidParameter"),
        ("same LUN", vm_path("x"), new(disks, json!([disk(1), disk(1)])), 400, "InvalidParameter"),
        ("LUN", vm_path("x"), new(disks, json!([disk(64)])), 400, "InvalidParameter"),
        (
            "too many disks",
            vm_path("x"),
            new(disks, json!((0..5).map(disk).collect::<Vec<_>>())),
            409,
            "OperationNotAllowed",
        ),
        (
            "disk of another",
            vm_path("x"),
            new(&format!("{disks}/0/name"), json!("node-1-data")),
            409,
            "ConflictingUserInput",
        ),
        (
            "no interface",
            vm_path("x"),
            new("/properties/networkProfile/networkInterfaces", json!([])),
            400,
            "InvalidParameter",
        ),
        ("missing interface", vm_path("y"), vm("y"), 400, "InvalidResourceReference"),
        (
            "interface of another",
            vm_path("x"),
            new("/properties/networkProfile/networkInterfaces/0/id", json!(nic_path("node-1"))),
            409,
            "NicInUse",
        ),
        ("set and zone", vm_path("x"), new("/zones", json!(["1"])), 400, "AvailabilitySetAndZonesNotSupported"),
        ("zone", vm_path("x"), new("/zones", json!(["4"])), 400, "InvalidAvailabilityZone"),
        ("moved", vm_path("node-1"), old("/location", json!("eastus")), 409, "InvalidResourceLocation"),
        ("resized", vm_path("node-1"), old(size, json!("Standard_D4as_v5")), 409, "OperationNotAllowed"),
        (
            "other image",
            vm_path("node-1"),
            old(&format!("{image}/sku"), json!("beta-gen2")),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other data",
            vm_path("node-1"),
            old(&format!("{os}/customData"), json!("QUFB")),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other key",
            vm_path("node-1"),
            old(&format!("{keys}/keyData"), json!(format!("{} other", ssh_key()))),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other name",
            vm_path("node-1"),
            old(&format!("{os}/computerName"), json!("other")),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other interface",
            vm_path("node-1"),
            old("/properties/networkProfile/networkInterfaces/0/id", json!(nic_path("x"))),
            409,
            "OperationNotAllowed",
        ),
    ];
    check(&emulator, table).await;

    emulator.put("/azure-local/quotas", &json!({ "standardDASv5Family": 3 })).await.good();
    let reply = emulator.put(&vm_path("x"), &vm("x")).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (409, "OperationNotAllowed"));
    assert!(
        reply.text.contains("exceeding approved standardDASv5Family Cores quota")
            && reply.text.contains("Current Limit: 3"),
        "{}",
        reply.text
    );
    emulator.put("/azure-local/quotas", &json!({ "regional": 2 })).await.good();
    assert!(emulator.put(&vm_path("x"), &vm("x")).await.text.contains("Total Regional Cores quota"));
    assert_eq!(
        emulator.put("/azure-local/quotas", &json!({ "standardFamily": 2 })).await.code(),
        "InvalidRequestContent"
    );
    emulator.put("/azure-local/quotas", &nothing()).await.good();

    let policy = json!([{ "type": "Microsoft.Compute/virtualMachines", "message": "no machines here" }]);
    emulator.put("/azure-local/policies", &policy).await.good();
    let denied = emulator.put(&vm_path("x"), &vm("x")).await;
    assert_eq!((denied.status.as_u16(), denied.code()), (403, "RequestDisallowedByPolicy"));
    assert_eq!(denied.body["error"]["additionalInfo"][0]["type"], "PolicyViolation");
    emulator.put("/azure-local/policies", &json!([])).await.good();
    emulator.put(&vm_path("x"), &vm("x")).await.good();
    let condition = emulator
        .request(Method::PUT, &format!("{}?api-version=2024-07-01", vm_path("x")), Some(&vm("x")))
        .header("if-none-match", "*");
    assert_eq!(condition.send().await.expect("an answer").status(), 412);
    emulator.stop().await;
}
