//! What a region sells and how much of it a subscription may have: SKUs, restrictions, usages, quotas, prices.

use azure_local::latency::Latency;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bodies::{PIP, VNET, create_base, create_node, nic, nic_path, pip, set, vm, vm_path, vnet};
use crate::emulator::{Emulator, SUBSCRIPTION, nothing, path};

async fn skus(emulator: &Emulator, location: &str) -> Vec<Value> {
    let path = format!(
        "{SUBSCRIPTION}/providers/Microsoft.Compute/skus?$filter=location%20eq%20'{location}'&api-version=2021-07-01"
    );
    emulator.get(&path).await.good().body["value"].as_array().expect("a list").clone()
}

fn capability<'a>(sku: &'a Value, name: &str) -> &'a str {
    let capabilities = sku["capabilities"].as_array().expect("a list");
    capabilities
        .iter()
        .find(|entry| entry["name"] == name)
        .and_then(|entry| entry["value"].as_str())
        .unwrap_or_default()
}

/// A machine of its own, in no set.
fn lone_vm(name: &str, size: &str) -> Value {
    let mut body = vm(name);
    body["properties"]["hardwareProfile"]["vmSize"] = json!(size);
    body["properties"].as_object_mut().expect("an object").remove("availabilitySet");
    body
}

#[tokio::test]
async fn skus_tell_what_a_size_can_do() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let skus = skus(&emulator, "westeurope").await;
    let table = [
        ("Standard_D2as_v5", "vCPUs", "2"),
        ("Standard_D2as_v5", "MemoryGB", "8"),
        ("Standard_D2as_v5", "MaxDataDiskCount", "4"),
        ("Standard_D2as_v5", "PremiumIO", "True"),
        ("Standard_D2as_v5", "LowPriorityCapable", "True"),
        ("Standard_B2s", "LowPriorityCapable", "False"),
        ("Standard_A1_v2", "PremiumIO", "False"),
        ("Standard_A1_v2", "HyperVGenerations", "V1"),
        ("Standard_A1_v2", "AcceleratedNetworkingEnabled", "False"),
        ("Standard_D2s_v6", "HyperVGenerations", "V2"),
        ("Standard_D2s_v6", "DiskControllerTypes", "SCSI, NVMe"),
        ("Standard_D2ps_v6", "CpuArchitectureType", "Arm64"),
    ];
    for (size, name, value) in table {
        let sku = skus.iter().find(|sku| sku["name"] == size).expect(size);
        assert_eq!(capability(sku, name), value, "{size} {name}");
        assert_eq!(sku["locationInfo"][0]["zones"], json!(["1", "2", "3"]), "{size}");
    }
    assert!(skus.iter().any(|sku| sku["resourceType"] == "disks" && sku["name"] == "Premium_LRS"));
    assert!(self::skus(&emulator, "moon").await.is_empty());
    for (location, domains) in [("westeurope", "3"), ("uksouth", "2")] {
        let skus = self::skus(&emulator, location).await;
        let set = skus.iter().find(|sku| sku["resourceType"] == "availabilitySets").expect("availability sets");
        assert_eq!(capability(set, "MaximumPlatformFaultDomainCount"), domains, "{location}");
    }
    let filter = format!("{SUBSCRIPTION}/providers/Microsoft.Compute/skus?$filter=family%20eq%20'x'");
    assert_eq!(emulator.get(&filter).await.status, StatusCode::BAD_REQUEST);
    emulator.stop().await;
}

#[tokio::test]
async fn restricted_sizes_are_refused() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    let restrictions = json!([
        { "size": "Standard_D2s_v5", "location": "westeurope" },
        { "size": "standard_d4s_v5", "location": "West Europe", "zones": ["1", "2"] },
        { "size": "Standard_D2as_v5", "location": "eastus", "reason": "QuotaId" },
    ]);
    emulator.put("/azure-local/sku-restrictions", &restrictions).await.good();
    let skus = skus(&emulator, "westeurope").await;
    let restriction = |size: &str| skus.iter().find(|sku| sku["name"] == size).expect(size)["restrictions"].clone();
    assert_eq!(
        restriction("Standard_D2s_v5"),
        json!([{ "type": "Location", "values": ["westeurope"], "restrictionInfo": { "locations": ["westeurope"] }, "reasonCode": "NotAvailableForSubscription" }])
    );
    assert_eq!(restriction("Standard_D4s_v5")[0]["restrictionInfo"]["zones"], json!(["1", "2"]));
    assert_eq!(restriction("Standard_D2as_v5"), json!([]));

    let table = [
        ("Standard_D2s_v5", json!([]), Some(409)),
        ("Standard_D2s_v5", json!(["1"]), Some(409)),
        ("Standard_D4s_v5", json!(["2"]), Some(409)),
        ("Standard_D4s_v5", json!([]), None),
        ("Standard_D4s_v5", json!(["3"]), None),
    ];
    for (size, zones, refusal) in table {
        let mut body = lone_vm("x", size);
        if zones != json!([]) {
            body["zones"] = zones.clone();
        }
        let reply = emulator.put(&vm_path("x"), &body).await;
        match refusal {
            Some(status) => {
                assert_eq!((reply.status.as_u16(), reply.code()), (status, "SkuNotAvailable"), "{size} {zones}");
                assert!(reply.text.contains("Capacity Restrictions") && reply.text.contains(size), "{}", reply.text);
            }
            None => {
                reply.good();
                emulator.delete(&vm_path("x")).await.good();
                emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
            }
        }
    }
    let bad = emulator.put("/azure-local/sku-restrictions", &json!([{ "size": "x", "location": "eastus" }])).await;
    assert_eq!(bad.code(), "InvalidRequestContent");
    emulator.stop().await;
}

#[tokio::test]
async fn every_usage_has_a_limit_that_can_be_reached() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    let usage = async |provider: &str, name: &str| {
        let path = format!("{SUBSCRIPTION}/providers/Microsoft.{provider}/locations/westeurope/usages");
        let usages = emulator.get(&path).await.good().body["value"].as_array().expect("a list").clone();
        let usage = usages.into_iter().find(|usage| usage["name"]["value"] == name).expect(name);
        (usage["currentValue"].as_u64().expect("a number"), usage["limit"].as_u64().expect("a number"))
    };
    let spot = || {
        let mut body = lone_vm("x", "Standard_D2as_v5");
        body["properties"]["priority"] = json!("Spot");
        body
    };
    let table = [
        ("Compute", "cores", 2, vm_path("x"), vm("x"), 409, "OperationNotAllowed"),
        ("Compute", "standardDASv5Family", 2, vm_path("x"), vm("x"), 409, "OperationNotAllowed"),
        ("Compute", "lowPriorityCores", 0, vm_path("x"), spot(), 409, "OperationNotAllowed"),
        ("Compute", "virtualMachines", 1, vm_path("x"), vm("x"), 409, "OperationNotAllowed"),
        ("Compute", "PremiumDiskCount", 2, vm_path("x"), vm("x"), 409, "OperationNotAllowed"),
        ("Compute", "availabilitySets", 1, path("Compute/availabilitySets/b"), set(), 409, "OperationNotAllowed"),
        ("Network", "VirtualNetworks", 1, path("Network/virtualNetworks/other"), vnet(), 400, "VnetCountLimitReached"),
        ("Network", "NetworkInterfaces", 2, nic_path("b"), nic("10.0.0.20"), 400, "NetworkInterfaceCountLimitReached"),
        (
            "Network",
            "PublicIPAddresses",
            1,
            path("Network/publicIPAddresses/b"),
            pip("label-b"),
            400,
            "PublicIPCountLimitReached",
        ),
        (
            "Network",
            "IPv4StandardSkuPublicIpAddresses",
            1,
            path("Network/publicIPAddresses/b"),
            pip("label-b"),
            400,
            "IPv4StandardSkuPublicIpCountLimitReached",
        ),
    ];
    for (provider, name, used, path, body, status, code) in table {
        assert_eq!(usage(provider, name).await.0, used, "{name}");
        emulator.put("/azure-local/quotas", &json!({ name: used })).await.good();
        assert_eq!(usage(provider, name).await, (used, used), "{name}");
        let reply = emulator.put(&path, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{name} {}", reply.text);
    }
    // A limit can be one region's.
    emulator.put("/azure-local/quotas", &json!({ "cores": 7, "westeurope/cores": 3, "eastus/cores": 1 })).await.good();
    assert_eq!(usage("Compute", "cores").await, (2, 3));
    // What is there can be written again.
    emulator
        .put("/azure-local/quotas", &json!({ "PublicIPAddresses": 0, "VirtualNetworks": 0, "regional": 0 }))
        .await
        .good();
    emulator.put(&path(PIP), &pip("demo-cluster")).await.good();
    emulator.put(&path(VNET), &vnet()).await.good();
    emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();

    // Spot machines are counted apart.
    emulator.put("/azure-local/quotas", &nothing()).await.good();
    emulator.put(&vm_path("x"), &spot()).await.good();
    assert_eq!((usage("Compute", "lowPriorityCores").await.0, usage("Compute", "cores").await.0), (2, 2));
    emulator.stop().await;
}

#[tokio::test]
async fn prices_need_no_token() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let filter = "armRegionName%20eq%20'westeurope'%20and%20armSkuName%20eq%20'Standard_D2as_v5'%20and%20priceType%20eq%20'Consumption'";
    let url = emulator.url(&format!("/azure-local/retail/prices?api-version=2023-01-01-preview&$filter={filter}"));
    let answer: Value = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
    let items = answer["Items"].as_array().expect("a list");
    assert_eq!(items.len(), 4);
    for item in items {
        assert_eq!(
            (&item["unitOfMeasure"], &item["currencyCode"], &item["type"]),
            (&json!("1 Hour"), &json!("USD"), &json!("Consumption"))
        );
        assert!(item["retailPrice"].as_f64().is_some_and(|price| price > 0.0), "{item}");
    }
    let bad = reqwest::get(emulator.url("/azure-local/retail/prices?$filter=a%20gt%201")).await.expect("an answer");
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let other = reqwest::get(emulator.url("/azure-local/status")).await.expect("an answer");
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    emulator.stop().await;
}
