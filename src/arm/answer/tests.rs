use super::*;
use serde_json::json;

fn raw(status: u16, body: &str) -> RawAnswer {
    RawAnswer { status, body: body.as_bytes().to_vec(), request_id: Some("r-1".into()), ..RawAnswer::default() }
}

#[test]
fn refusals_are_arms_own() {
    for (status, body, expected) in [
        (404, r#"{"error": {"code": "ResourceNotFound", "message": "no"}}"#, Ok("ResourceNotFound")),
        (404, r#"{"code": "NotFound", "message": "an older shape"}"#, Ok("NotFound")),
        (404, "<html><title>404</title>", Err("no JSON, begins with `<html>")),
        (404, "", Err("no body")),
        (404, "{}", Err("an error without a `code`")),
        (403, r#"{"error": "forbidden by the proxy"}"#, Err("an error without a `code`")),
        (404, "[]", Err("a list where an object belongs")),
        (500, r#"{"error": {"code""#, Err("JSON that ends too early")),
    ] {
        match (refusal(&raw(status, body), "reading x"), expected) {
            (Ok(error), Ok(code)) => assert_eq!((error.code.as_deref(), error.status), (Some(code), Some(status))),
            (Err(stranger), Err(part)) => {
                let error = stranger.error("reading x");
                assert!(error.message.contains(part), "{part}: {error}");
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn a_resource_is_the_one_that_was_asked_for() {
    let id = ResourceId::resource_group("s", "g");
    for (body, expected) in [
        (json!({"id": "/subscriptions/S/resourcegroups/G"}), None),
        (
            json!({"id": "/subscriptions/s/resourceGroups/h"}),
            Some("the document of `/subscriptions/s/resourceGroups/h`"),
        ),
        (json!({"name": "g"}), Some("no `id` in it")),
        (json!([]), Some("a list where an object belongs")),
        (json!("g"), Some("no object")),
        (
            json!({"id": "/subscriptions/s/resourceGroups/g", "properties": {"provisioningState": 7}}),
            Some("at `properties.provisioningState`"),
        ),
    ] {
        let found = resource(&raw(200, &body.to_string()), &id).err().map(|stranger| stranger.error("x").message);
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some(part)) => assert!(found.contains(part), "{found}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}: {body}"),
        }
    }
}

#[test]
fn a_field_that_is_missing_is_named() {
    let answer = raw(200, r#"{"subscriptionId": "00000000-0000-4000-8000-000000000001", "displayName": "x"}"#);
    let error = document::<Subscription>(&answer).unwrap_err().error("reading x");
    assert!(error.message.contains("cannot be read: missing field `tenantId`"), "{error}");
    let wrong = raw(200, r#"{"value": [{"subscriptionId": "../..", "displayName": "x"}]}"#);
    let error = page::<Subscription>(&wrong).unwrap_err().error("listing x");
    assert!(error.message.contains("subscription `../..` is not an id"), "{error}");
    assert!(error.message.contains("at `[0].subscriptionId`"), "{error}");
}

/// Why a document cannot be read as `T`; none when it can.
fn refused<T: serde::de::DeserializeOwned>(document: &Value) -> Option<String> {
    decode::<T>(document).err()
}

#[test]
fn every_field_that_is_needed_is_missed_by_its_name() {
    const ID: &str = "00000000-0000-4000-8000-000000000001";
    type Refused = fn(&Value) -> Option<String>;
    let image_plan = json!({"publisher": "p", "product": "o", "name": "s"});
    let range = json!({"addressPrefixes": ["10.0.0.0/8", "fd00::/48"]});
    let of_subnet = json!({"addressPrefix": "10.0.0.0/24", "addressPrefixes": ["10.0.0.0/24"],
        "delegations": [{"properties": {"serviceName": "Microsoft.Web/serverFarms"}}]});
    let network = json!({"location": "westeurope", "properties": {
        "addressSpace": range,
        "subnets": [{"name": "a", "properties": of_subnet}],
        "virtualNetworkPeerings": [{"name": "b", "properties": {"remoteAddressSpace": range}}],
    }});
    let key = json!({"keyData": "ssh-ed25519 A"});
    let machine = json!({"properties": {
        "hardwareProfile": {"vmSize": "Standard_D2as_v5"},
        "osProfile": {"linuxConfiguration": {"ssh": {"publicKeys": [key]}}},
    }});
    let port = json!({"frontendPort": 22001, "backendPort": 22});
    let pool = json!({"properties": {"loadBalancerBackendAddresses": [{"properties": {
        "networkInterfaceIPConfiguration": {"id": "/nic/0"}, "inboundNatRulesPortMapping": [port],
    }}]}});
    let address = json!({"properties": {"ipAddress": "192.0.2.1", "dnsSettings": {"fqdn": "a.b"}}});
    let usage = json!({"name": {"value": "cores"}, "currentValue": 1, "limit": 2});
    let sku = json!({"resourceType": "virtualMachines", "name": "x",
        "capabilities": [{"name": "vCPUs", "value": "2"}], "locationInfo": [{"location": "westeurope"}],
        "restrictions": [{"type": "Zone"}]});
    let subscription = json!({"subscriptionId": ID, "displayName": "x", "tenantId": ID, "state": "Enabled"});
    let kinds: [(Refused, Value, &[&str]); 19] = [
        (
            refused::<VirtualNetwork>,
            network,
            &[
                "/location",
                "/properties",
                "/properties/addressSpace",
                "/properties/subnets/0/name",
                "/properties/subnets/0/properties",
                "/properties/subnets/0/properties/delegations/0/properties",
                "/properties/subnets/0/properties/delegations/0/properties/serviceName",
                "/properties/virtualNetworkPeerings/0/name",
                "/properties/virtualNetworkPeerings/0/properties",
            ],
        ),
        (
            refused::<VirtualMachine>,
            machine,
            &[
                "/properties",
                "/properties/hardwareProfile",
                "/properties/hardwareProfile/vmSize",
                "/properties/osProfile/linuxConfiguration/ssh/publicKeys/0/keyData",
            ],
        ),
        (
            refused::<BackendAddressPool>,
            pool,
            &[
                "/properties",
                "/properties/loadBalancerBackendAddresses/0/properties",
                "/properties/loadBalancerBackendAddresses/0/properties/networkInterfaceIPConfiguration/id",
                "/properties/loadBalancerBackendAddresses/0/properties/inboundNatRulesPortMapping/0/frontendPort",
                "/properties/loadBalancerBackendAddresses/0/properties/inboundNatRulesPortMapping/0/backendPort",
            ],
        ),
        (
            refused::<PortMappings>,
            json!({"inboundNatRulePortMappings": [port]}),
            &["/inboundNatRulePortMappings/0/frontendPort", "/inboundNatRulePortMappings/0/backendPort"],
        ),
        (refused::<PublicIpAddress>, address, &["/properties", "/properties/ipAddress"]),
        (refused::<PlacementGroup>, json!({"location": "westeurope", "zones": ["1"]}), &["/location"]),
        (refused::<Identity>, json!({"id": "/i"}), &["/id"]),
        (refused::<OperationStatus>, json!({"status": "Succeeded"}), &["/status"]),
        (
            refused::<InstanceView>,
            json!({"statuses": [{"code": "PowerState/running", "level": "Info"}]}),
            &["/statuses/0/code"],
        ),
        (refused::<BootDiagnostics>, json!({"serialConsoleLogBlobUri": "https://x"}), &["/serialConsoleLogBlobUri"]),
        (
            refused::<ImageDocument>,
            json!({"properties": {"plan": image_plan, "publishingProfile": {"targetRegions": [{"name": "x"}]}}}),
            &["/properties", "/properties/publishingProfile/targetRegions/0/name"],
        ),
        (refused::<ImageVersion>, json!({"name": "1.2.3"}), &["/name"]),
        (refused::<Terms>, json!({"properties": {"accepted": true}}), &["/properties/accepted"]),
        (refused::<Region>, json!({"name": "westeurope"}), &["/name"]),
        (refused::<Usage>, usage, &["/name", "/name/value", "/currentValue", "/limit"]),
        (refused::<Availability>, json!({"available": true}), &["/available"]),
        (refused::<Provider>, json!({"registrationState": "Registered"}), &["/registrationState"]),
        (
            refused::<Sku>,
            sku,
            &[
                "/resourceType",
                "/name",
                "/capabilities/0/name",
                "/capabilities/0/value",
                "/locationInfo/0/location",
                "/restrictions/0/type",
            ],
        ),
        (refused::<Subscription>, subscription, &["/subscriptionId", "/displayName", "/tenantId", "/state"]),
    ];
    for (refused, whole, needed) in kinds {
        assert_eq!(refused(&whole), None, "{whole}");
        for pointer in needed {
            let (above, field) = pointer.rsplit_once('/').unwrap();
            let mut lacking = whole.clone();
            let removed = lacking.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(field);
            assert!(removed.is_some(), "{pointer} of {whole}");
            let why = refused(&lacking).unwrap_or_else(|| panic!("{pointer} is not missed: {lacking}"));
            assert!(why.starts_with("missing field `") && why.contains(field), "{pointer}: {why}");
        }
    }
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let network = |space: Value| json!({"location": "x", "properties": {"addressSpace": space}});
    for (why, field) in [
        (Resource::read(json!({"tags": {"a": 1}})).err(), "at `tags"),
        (Resource::read(json!({"properties": {"provisioningState": 7}})).err(), "at `properties.provisioningState`"),
        (Resource::read(json!({"managedBy": 7})).err(), "at `managedBy`"),
        (
            refused::<VirtualNetwork>(&network(json!({"addressPrefixes": ["10.0.0.0"]}))),
            "at `properties.addressSpace.addressPrefixes[0]`",
        ),
        (refused::<PublicIpAddress>(&json!({"properties": {"ipAddress": "fd00::1"}})), "at `properties.ipAddress`"),
        (refused::<PublicIpAddress>(&json!({"properties": {"ipAddress": "0.0.0.0"}})), "at `properties.ipAddress`"),
        (
            refused::<PortMappings>(
                &json!({"inboundNatRulePortMappings": [{"frontendPort": 70000, "backendPort": 22}]}),
            ),
            "at `inboundNatRulePortMappings[0].frontendPort`",
        ),
        (refused::<VirtualMachine>(&json!({"properties": []})), "at `properties`"),
    ] {
        let why = why.unwrap_or_else(|| panic!("{field} is not refused"));
        assert!(why.contains(field), "{field}: {why}");
    }
}
