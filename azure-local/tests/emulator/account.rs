//! Subscriptions, tenants, providers and regions, and what they keep a client from doing.

use azure_local::latency::Latency;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::bodies::{NSG, create_base, create_node, group, nic, nic_path, nsg, vm, vm_path};
use crate::emulator::{Emulator, SUBSCRIPTION, nothing, path};

const OTHER: &str = "/subscriptions/00000000-0000-4000-8000-00000000000a";

#[tokio::test]
async fn subscriptions_are_what_was_set() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let one = emulator.get("/subscriptions").await.good().body;
    assert_eq!(one["value"][0], emulator.get(SUBSCRIPTION).await.good().body);
    assert_eq!((&one["value"][0]["state"], one["value"].as_array().map(Vec::len)), (&json!("Enabled"), Some(1)));

    let first = SUBSCRIPTION.rsplit('/').next().expect("an id");
    let second = OTHER.rsplit('/').next().expect("an id");
    let set = json!([
        { "id": first, "display_name": "one" },
        { "id": second.to_uppercase(), "display_name": "two", "state": "Warned", "tenant_id": "t", "quota_id": "FreeTrial_2014-09-01" },
    ]);
    emulator.put("/azure-local/subscriptions", &set).await.good();
    let listed = emulator.get("/subscriptions").await.good().body;
    assert_eq!(listed["value"][1]["displayName"], "two");
    assert_eq!(listed["value"][1]["subscriptionPolicies"]["quotaId"], "FreeTrial_2014-09-01");
    let tenants = emulator.get("/tenants").await.good().body;
    assert_eq!(tenants["value"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["value"][1]["tenantId"], tenants["value"][1]["tenantId"]);

    // The same names in two subscriptions are two resources; a warned one still takes writes.
    let in_other = |path: &str| path.replace(SUBSCRIPTION, OTHER);
    for path in [path(""), in_other(&path(""))] {
        emulator.put(&path, &group()).await.good();
    }
    emulator.put(&path(NSG), &nsg()).await.good();
    assert_eq!(emulator.get(&in_other(&path(NSG))).await.code(), "ResourceNotFound");
    let reply = emulator.put(&in_other(&path(NSG)), &nsg()).await.good();
    assert_eq!(reply.body["id"], json!(in_other(&path(NSG))));
    let groups = emulator.get(&format!("{OTHER}/resourcegroups")).await.good().body;
    assert_eq!(groups["value"].as_array().map(Vec::len), Some(1));

    for (bad, what) in [(json!([{ "id": "x" }]), "GUID"), (json!([{ "id": first, "state": "Gone" }]), "Gone")] {
        let reply = emulator.put("/azure-local/subscriptions", &bad).await;
        assert_eq!(reply.code(), "InvalidRequestContent", "{}", reply.text);
        assert!(reply.text.contains(what), "{}", reply.text);
    }
    emulator.put("/azure-local/subscriptions", &json!([])).await.good();
    assert_eq!(emulator.get("/subscriptions").await.good().body["value"], json!([]));
    assert_eq!(emulator.get(&path(NSG)).await.code(), "SubscriptionNotFound");
    emulator.stop().await;
}

#[tokio::test]
async fn a_disabled_subscription_is_read_only() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let id = SUBSCRIPTION.rsplit('/').next().expect("an id");
    emulator.put("/azure-local/subscriptions", &json!([{ "id": id, "state": "Disabled" }])).await.good();
    assert_eq!(emulator.get(SUBSCRIPTION).await.good().body["state"], "Disabled");
    let table = [
        (Method::PUT, path("Network/networkSecurityGroups/other"), Some(nsg())),
        (Method::PUT, path(""), Some(group())),
        (Method::POST, format!("{}/restart", vm_path("node-1")), Some(nothing())),
        (Method::POST, format!("{SUBSCRIPTION}/providers/Microsoft.Compute/register"), Some(nothing())),
    ];
    for (method, path, body) in table {
        let reply = emulator.send(method, &path, body.as_ref()).await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::CONFLICT, "ReadOnlyDisabledSubscription"),
            "{path} {}",
            reply.text
        );
    }
    emulator.get(&vm_path("node-1")).await.good();
    emulator.delete(&vm_path("node-1")).await.good();
    emulator.stop().await;
}

#[tokio::test]
async fn providers_must_be_registered() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    let at = |path: &str| format!("{SUBSCRIPTION}/providers{path}");
    let provider = emulator.get(&at("/microsoft.compute")).await.good().body;
    let types = provider["resourceTypes"].as_array().expect("a list");
    let machines = types.iter().find(|entry| entry["resourceType"] == "virtualMachines").expect("machines");
    assert!(machines["locations"].as_array().is_some_and(|regions| regions.contains(&json!("West Europe"))));
    assert_eq!(machines["zoneMappings"][0]["zones"], json!(["1", "2", "3"]));
    let all = emulator.get(&at("")).await.good().body;
    assert!(all["value"].as_array().is_some_and(|all| all.iter().any(|one| one["namespace"] == "Microsoft.Network")));
    assert_eq!(emulator.get(&at("/Microsoft.Nothing")).await.code(), "InvalidResourceNamespace");

    emulator.put("/azure-local/unregistered-providers", &json!(["Microsoft.Compute"])).await.good();
    assert_eq!(emulator.get(&at("/Microsoft.Compute")).await.good().body["registrationState"], "NotRegistered");
    for reply in [
        emulator.put(&vm_path("node-1"), &vm("node-1")).await,
        emulator.get(&at("/Microsoft.Compute/locations/westeurope/usages")).await,
    ] {
        assert_eq!((reply.status, reply.code()), (StatusCode::CONFLICT, "MissingSubscriptionRegistration"));
        assert_eq!(reply.body["error"]["details"][0]["code"], "MissingSubscriptionRegistration");
    }
    let register = at("/Microsoft.Compute/register");
    assert_eq!(emulator.post(&register, &nothing()).await.good().body["registrationState"], "Registering");
    assert_eq!(emulator.put(&vm_path("node-1"), &vm("node-1")).await.code(), "MissingSubscriptionRegistration");
    for state in ["Registering", "Registering", "Registered"] {
        assert_eq!(emulator.get(&at("/Microsoft.Compute")).await.good().body["registrationState"], state);
    }
    assert_eq!(emulator.post(&register, &nothing()).await.good().body["registrationState"], "Registered");
    emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
    let free = emulator.put("/azure-local/unregistered-providers", &json!(["Microsoft.Resources"])).await;
    assert_eq!(free.code(), "InvalidRequestContent");
    emulator.stop().await;
}

#[tokio::test]
async fn regions_are_listed_and_required() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    let regions = emulator.get(&format!("{SUBSCRIPTION}/locations")).await.good().body;
    let region = |name: &str| -> Value {
        let regions = regions["value"].as_array().expect("a list");
        regions.iter().find(|region| region["name"] == name).expect("a region").clone()
    };
    assert_eq!(region("westeurope")["regionalDisplayName"], "(Europe) West Europe");
    assert_eq!(region("westeurope")["metadata"]["regionType"], "Physical");
    assert_eq!(region("westeurope")["metadata"]["pairedRegion"][0]["name"], "northeurope");
    assert_eq!(region("westeurope")["availabilityZoneMappings"][2]["logicalZone"], "3");
    assert_eq!(region("westus")["availabilityZoneMappings"], Value::Null);
    assert_eq!(region("europe")["metadata"]["regionType"], "Logical");
    for (path, code) in [
        (path("Network/networkSecurityGroups/moon"), "LocationNotAvailableForResourceType"),
        (format!("{SUBSCRIPTION}/resourceGroups/moon"), "LocationNotAvailableForResourceGroup"),
    ] {
        let reply = emulator.put(&path, &json!({ "location": "moon" })).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, code), "{}", reply.text);
    }
    let usages = emulator.get(&format!("{SUBSCRIPTION}/providers/Microsoft.Network/locations/moon/usages")).await;
    assert_eq!((usages.status, usages.code()), (StatusCode::BAD_REQUEST, "NoRegisteredProviderFound"));
    emulator.stop().await;
}
