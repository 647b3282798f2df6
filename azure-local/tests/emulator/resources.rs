//! Creating and reading everything a cluster consists of.

use azure_local::latency::Latency;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::bodies::{
    LB, NSG, PIP, SECRET, SET, VNET, base, create_base, create_node, group, nic, nic_path, vm, vm_path,
};
use crate::emulator::{Emulator, SUBSCRIPTION, nothing, path};

#[tokio::test]
async fn a_cluster_is_created_and_read_back() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    for (path, body) in base() {
        let reply = emulator.put(&path, &body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{path} {}", reply.text);
        assert_eq!(reply.header("azure-asyncoperation"), None, "{path}");
        let again = emulator.put(&path, &body).await;
        assert_eq!((again.status, &again.body), (StatusCode::OK, &reply.body), "{path}");
        // What a GET gives can be put back unchanged.
        let read = emulator.get(&path).await.good().body;
        assert_eq!(emulator.put(&path, &read).await.good().body, read, "{path}");
    }
    create_node(&emulator, "node-1", 11).await;
    create_node(&emulator, "node-2", 12).await;

    let machine = emulator.get(&format!("{}?$expand=instanceView", vm_path("NODE-1"))).await.good();
    assert!(!machine.text.contains("customData") && !machine.text.contains(SECRET));
    assert_eq!(machine.body["name"], "node-1");
    assert_eq!(machine.body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(machine.body["properties"]["instanceView"]["statuses"][1]["code"], "PowerState/unknown");
    let read = emulator.get(&vm_path("node-1")).await.good().body;
    assert_eq!(emulator.put(&vm_path("node-1"), &read).await.good().body, read);
    assert_eq!(emulator.put(&vm_path("node-1"), &vm("node-1")).await.status, StatusCode::OK);

    let disk = emulator.get(&path("Compute/disks/node-1-data")).await.good().body;
    assert_eq!(disk["managedBy"], json!(vm_path("node-1")));
    assert_eq!((&disk["properties"]["diskSizeGB"], &disk["tags"]["cluster"]), (&json!(10), &json!("demo")));

    let subnet = emulator.get(&path(&format!("{VNET}/subnets/nodes"))).await.good().body;
    assert_eq!(subnet["properties"]["ipConfigurations"].as_array().map(Vec::len), Some(2));
    assert_eq!(subnet["properties"]["provisioningState"], "Succeeded");
    let address = emulator.get(&path(PIP)).await.good().body;
    assert_eq!(address["properties"]["ipAddress"], "127.77.0.1");
    assert_eq!(address["properties"]["dnsSettings"]["fqdn"], "demo-cluster.westeurope.cloudapp.azure.com");
    assert_eq!(
        address["properties"]["ipConfiguration"]["id"],
        json!(format!("{}/frontendIPConfigurations/front", path(LB)))
    );
    let set = emulator.get(&path(SET)).await.good().body;
    assert_eq!(set["properties"]["virtualMachines"].as_array().map(Vec::len), Some(2));
    let nsg = emulator.get(&path(NSG)).await.good().body;
    assert_eq!(nsg["properties"]["defaultSecurityRules"].as_array().map(Vec::len), Some(6));
    assert_eq!(nsg["location"], "westeurope");

    let listed = emulator.get(&format!("{}/resources", path(""))).await.good().body;
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(5 + 2 * 4));
    let machines = emulator.get(&path("Compute/virtualMachines")).await.good().body;
    assert_eq!(machines["value"].as_array().map(Vec::len), Some(2));
    assert_eq!(emulator.send(Method::HEAD, &path(""), None).await.status, StatusCode::NO_CONTENT);
    emulator.stop().await;
}

/// What a client asks for acts, or is refused.
#[tokio::test]
async fn query_parameters_and_conditions_act_or_are_refused() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    create_node(&emulator, "node-2", 12).await;
    let all = emulator.get(&format!("{}/resources", path(""))).await.good().body;
    let expected: Vec<Value> = all["value"].as_array().expect("a list").clone();
    let mut pages = Vec::new();
    let mut next = Some(format!("{}/resources?$top=5", path("")));
    while let Some(link) = next {
        let page = emulator.get(&link).await.good().body;
        pages.extend(page["value"].as_array().expect("a list").iter().cloned());
        next = page["nextLink"].as_str().map(str::to_owned);
        assert!(pages.len() % 5 == 0 || next.is_none());
    }
    assert_eq!(pages, expected);

    let expanded = format!("{}/resources?$expand=createdTime,changedTime,provisioningState", path(""));
    let lines = emulator.get(&expanded).await.good().body;
    let is_network = |line: &&Value| line["type"] == "Microsoft.Network/virtualNetworks";
    let line = lines["value"].as_array().and_then(|lines| lines.iter().find(is_network)).expect("the network");
    assert_eq!(line["provisioningState"], "Succeeded");
    assert!(line["createdTime"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    let everywhere = format!("{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines");
    for (list, has_state) in [
        (everywhere.clone(), false),
        (format!("{everywhere}?statusOnly=true"), true),
        (format!("{everywhere}?statusOnly=false"), false),
        (format!("{}?$expand=instanceView", path("Compute/virtualMachines")), true),
    ] {
        let machines = emulator.get(&list).await.good().body;
        assert_eq!(machines["value"][0]["properties"]["instanceView"].is_object(), has_state, "{list}");
    }
    for (list, code) in [
        (format!("{everywhere}?$filter=name%20eq%20'x'"), "InvalidQueryParameter"),
        (format!("{}?$top=1", path("Network/virtualNetworks")), "InvalidQueryParameter"),
        (format!("{}?$expand=subnets", path(VNET)), "InvalidQueryParameter"),
        (format!("{}?statusOnly=true", path("Compute/virtualMachines")), "InvalidQueryParameter"),
        (format!("{}?$expand=everything", vm_path("node-1")), "InvalidExpandInQueryString"),
        (format!("{}/resources?$top=0", path("")), "InvalidQueryParameterValue"),
        (format!("{}/resources?$skiptoken=x", path("")), "InvalidQueryParameterValue"),
    ] {
        let reply = emulator.get(&list).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, code), "{list}");
    }

    // Any version that was published is taken; what it is not is told.
    for version in ["2014-12-01-preview", "2015-06-15", "2019-11-01", "2025-05-01", "2026-03-01"] {
        emulator.get(&format!("{}?api-version={version}", path(NSG))).await.good();
    }
    let network = path("Network/virtualNetworks/newer");
    for (version, own, private) in [
        ("2025-05-01", json!({}), json!(null)),
        ("2025-07-01", json!({}), json!(null)),
        ("2026-03-01", json!({ "defaultOutboundAccess": true }), json!(true)),
        ("2026-03-01", json!({}), json!(false)),
    ] {
        // What is there stays as it is; only a new subnet is private, and only with a newer version.
        let name =
            if version.starts_with("2026") { format!("new-{}", own["defaultOutboundAccess"]) } else { "old".into() };
        let mut subnet = json!({ "properties": own });
        let number = match name.as_str() {
            "old" => 0,
            "new-true" => 1,
            _ => 2,
        };
        subnet["properties"]["addressPrefix"] = json!(format!("10.9.{number}.0/24"));
        if version == "2025-05-01" {
            subnet["name"] = json!(name);
            let body = json!({ "location": "westeurope", "properties": {
                "addressSpace": { "addressPrefixes": ["10.9.0.0/16"] }, "subnets": [subnet] } });
            emulator.put(&format!("{network}?api-version={version}"), &body).await.good();
        } else {
            emulator.put(&format!("{network}/subnets/{name}?api-version={version}"), &subnet).await.good();
        }
        let found = emulator.get(&format!("{network}/subnets/{name}?api-version={version}")).await.good().body;
        assert_eq!(found["properties"]["defaultOutboundAccess"], private, "{version} {name}");
    }
    let unknown = emulator.get(&format!("{}?api-version=2024-07-02", vm_path("node-1"))).await;
    assert_eq!(unknown.code(), "NoRegisteredProviderFound");
    assert!(unknown.text.contains("2024-03-01, 2024-07-01, 2024-11-01"), "{}", unknown.text);

    for (method, path, version) in [
        (Method::PUT, path(NSG), "2024-03-01"),
        (Method::DELETE, vm_path("node-1"), "2024-07-01"),
        (Method::GET, vm_path("node-1"), "2024-07-01"),
    ] {
        let url = emulator.url(&format!("{path}?api-version={version}"));
        let sent =
            emulator.request(method.clone(), &url, None).header("if-match", "\"1\"").send().await.expect("an answer");
        assert_eq!(sent.status(), 400, "{method} {path}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn catalogues_answer_what_preflight_asks() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let at = |path: &str| format!("{SUBSCRIPTION}{path}");
    let get = async |path: &str| emulator.get(&at(path)).await;
    assert_eq!(get("").await.good().body["state"], "Enabled");
    assert!(get("/locations").await.good().body["value"].as_array().is_some_and(|regions| regions.len() > 20));
    assert_eq!(get("/providers/Microsoft.Compute").await.good().body["registrationState"], "Registered");

    let images = "/providers/Microsoft.Compute/locations/westeurope/publishers/kinvolk/artifacttypes/vmimage/offers";
    let newest = get(&format!(
        "{images}/flatcar-container-linux-corevm-amd64/skus/stable-gen2/versions?$top=1&$orderby=name%20desc"
    ))
    .await
    .good()
    .body;
    let version = newest[0]["name"].as_str().expect("a version").to_owned();
    let image = get(&format!("{images}/flatcar-container-linux-corevm-amd64/skus/stable-gen2/versions/{version}"))
        .await
        .good()
        .body;
    assert_eq!((&image["properties"]["architecture"], &image["properties"]["plan"]), (&json!("x64"), &Value::Null));
    let free =
        get(&format!("{images}/flatcar-container-linux-free/skus/stable-gen2/versions/{version}")).await.good().body;
    assert_eq!(free["properties"]["plan"]["product"], "flatcar-container-linux-free");
    let missing = get(&format!("{images}/flatcar-container-linux-free/skus/stable-gen2/versions/1.2.3")).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::NOT_FOUND, "NotFound"));
    assert!(missing.text.contains("Artifact: VMImage was not found."), "{}", missing.text);

    let skus = get("/providers/Microsoft.Compute/skus?$filter=location%20eq%20'westeurope'").await.good().body;
    let sizes = skus["value"].as_array().expect("a list");
    let size = sizes.iter().find(|size| size["name"] == "Standard_D2as_v5").expect("the default size");
    assert_eq!(size["family"], "standardDASv5Family");

    let dns = "/providers/Microsoft.Network/locations/westeurope/CheckDnsNameAvailability?domainNameLabel=demo-cluster";
    assert_eq!(get(dns).await.good().body["available"], true);
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    assert_eq!(get(dns).await.good().body["available"], false);
    let usages = get("/providers/Microsoft.Compute/locations/westeurope/usages").await.good().body;
    let used = |name: &str| {
        usages["value"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|usage| usage["name"]["value"] == name)
            .expect("a usage")["currentValue"]
            .clone()
    };
    assert_eq!((used("cores"), used("standardDASv5Family")), (json!(2), json!(2)));
    assert!(
        get("/providers/Microsoft.Network/locations/westeurope/usages").await.good().text.contains("NetworkInterfaces")
    );
    emulator.stop().await;
}

#[tokio::test]
async fn plans_need_accepted_terms() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("node-1"), &crate::bodies::nic("10.0.0.11")).await.good();
    let mut body = vm("node-1");
    body["properties"]["storageProfile"]["imageReference"]["offer"] = json!("flatcar-container-linux-free");
    assert_eq!(emulator.put(&vm_path("node-1"), &body).await.code(), "VMMarketplaceInvalidInput");
    body["plan"] = json!({ "publisher": "kinvolk", "product": "flatcar-container-linux-free", "name": "stable-gen2" });
    assert_eq!(emulator.put(&vm_path("node-1"), &body).await.code(), "MarketplacePurchaseEligibilityFailed");
    let terms = format!(
        "{SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualMachine/publishers/kinvolk/offers/flatcar-container-linux-free/plans/stable-gen2/agreements/current"
    );
    let mut agreement = emulator.get(&terms).await.good().body;
    assert_eq!(agreement["properties"]["accepted"], false);
    agreement["properties"]["accepted"] = json!(true);
    emulator.put(&terms, &agreement).await.good();
    emulator.put(&vm_path("node-1"), &body).await.good();
    emulator.stop().await;
}

#[tokio::test]
async fn power_operations_and_the_console() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let view = async |state: &str, action: &str| {
        let view = emulator.get(&format!("{}/instanceView", vm_path("node-1"))).await.good().body;
        assert_eq!(view["statuses"][1]["code"], json!(format!("PowerState/{state}")), "{action}");
    };
    for (action, state) in [
        ("powerOff", "stopped"),
        ("start", "unknown"),
        ("restart", "unknown"),
        ("deallocate", "deallocated"),
        ("deallocate", "deallocated"),
        ("start", "unknown"),
        ("start", "unknown"),
    ] {
        let reply = emulator.post(&format!("{}/{action}", vm_path("node-1")), &nothing()).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{action}");
        assert_eq!(emulator.follow(&reply).await["status"], "Succeeded", "{action}");
        view(state, action).await;
    }
    for (action, state) in [("powerOff", "stopped"), ("deallocate", "deallocated")] {
        let reply = emulator.post(&format!("{}/{action}", vm_path("node-1")), &nothing()).await;
        emulator.follow(&reply).await;
        // Azure restarts only what runs.
        let reply = emulator.post(&format!("{}/restart", vm_path("node-1")), &nothing()).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::CONFLICT, "OperationNotAllowed"), "{action}");
        view(state, action).await;
    }
    let data =
        emulator.post(&format!("{}/retrieveBootDiagnosticsData", vm_path("node-1")), &nothing()).await.good().body;
    let url = data["serialConsoleLogBlobUri"].as_str().expect("a URL");
    let console = reqwest::get(url).await.expect("an answer");
    assert!(console.status().is_success());
    assert!(console.text().await.expect("text").contains("no machines"));
    let forged = reqwest::get(url.replace("sig=", "sig=0")).await.expect("an answer");
    assert_eq!(forged.status(), StatusCode::NOT_FOUND);
    emulator.stop().await;
}

#[tokio::test]
async fn a_deallocated_machine_does_not_tell_its_disks_sizes_and_types() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    let mut body = vm("node-1");
    let profile = &mut body["properties"]["storageProfile"];
    profile["osDisk"]["diskSizeGB"] = json!(40);
    profile["osDisk"]["managedDisk"] = json!({ "storageAccountType": "Standard_LRS" });
    profile["dataDisks"][0]["managedDisk"] = json!({ "storageAccountType": "StandardSSD_LRS" });
    emulator.put(&vm_path("node-1"), &body).await.good();
    let disks = async || {
        let machine = emulator.get(&vm_path("node-1")).await.good().body;
        let list = emulator.get(&path("Compute/virtualMachines")).await.good().body;
        let profile = machine["properties"]["storageProfile"].clone();
        assert_eq!(list["value"][0]["properties"]["storageProfile"], profile);
        [profile["osDisk"].clone(), profile["dataDisks"][0].clone()]
    };
    let act = async |action: &str| {
        let reply = emulator.post(&format!("{}/{action}", vm_path("node-1")), &nothing()).await.good();
        assert_eq!(emulator.follow(&reply).await["status"], "Succeeded", "{action}");
    };
    let whole = disks().await;
    let told = [(json!(40), json!("Standard_LRS")), (json!(10), json!("StandardSSD_LRS"))];
    assert_eq!(
        whole.clone().map(|disk| (disk["diskSizeGB"].clone(), disk["managedDisk"]["storageAccountType"].clone())),
        told
    );
    act("powerOff").await;
    assert_eq!(disks().await, whole, "only a deallocated machine is without them");
    act("deallocate").await;
    let reduced = whole.clone().map(|mut disk| {
        disk.as_object_mut().expect("a disk").remove("diskSizeGB");
        disk["managedDisk"].as_object_mut().expect("a managed disk").remove("storageAccountType");
        disk
    });
    assert_eq!(disks().await, reduced);
    let disk = emulator.get(&path("Compute/disks/node-1-data")).await.good().body;
    assert_eq!((&disk["properties"]["diskSizeGB"], &disk["sku"]["name"]), (&json!(10), &json!("StandardSSD_LRS")));

    // What was answered can be sent back, and still nothing is lost.
    let mut answered = emulator.get(&vm_path("node-1")).await.good().body;
    answered["tags"] = json!({ "cluster": "other" });
    answered["properties"]["osProfile"]["customData"] = body["properties"]["osProfile"]["customData"].clone();
    let changed = emulator.put(&vm_path("node-1"), &answered).await.good().body;
    assert_eq!(changed["tags"]["cluster"], "other");
    assert_eq!(disks().await, reduced);
    // Another size is another size.
    answered["properties"]["storageProfile"]["dataDisks"][0]["diskSizeGB"] = json!(11);
    assert_eq!(emulator.put(&vm_path("node-1"), &answered).await.code(), "OperationNotAllowed");
    act("start").await;
    assert_eq!(disks().await, whole);
    emulator.stop().await;
}

#[tokio::test]
async fn tags_change_and_the_rest_stays() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let mut body = vm("node-1");
    body["tags"] = json!({ "cluster": "other" });
    let reply = emulator.put(&vm_path("node-1"), &body).await.good();
    assert_eq!((reply.status, &reply.body["tags"]["cluster"]), (StatusCode::OK, &json!("other")));
    let mut body = group();
    body["location"] = json!("eastus");
    let reply = emulator.put(&path(""), &body).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::CONFLICT, "InvalidResourceGroupLocation"));
    emulator.stop().await;
}
