//! Virtual networks that somebody else made, subnets one by one, peerings, free addresses, and lists by tag.

use azure_local::latency::Latency;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bodies::{
    NSG, PIP, VNET, create_base, create_node, group, nic, nic_path, nsg, pip, reference, rule, vm, vm_path,
};
use crate::emulator::{Emulator, SUBSCRIPTION, azure, eventually, path};

fn subnet(prefix: &str) -> Value {
    json!({ "properties": { "addressPrefix": prefix } })
}

fn in_group(name: &str, resource: &str) -> String {
    path(resource).replace("/resourceGroups/demo", &format!("/resourceGroups/{name}"))
}

fn network(prefix: &str) -> Value {
    json!({ "location": "westeurope", "properties": { "addressSpace": { "addressPrefixes": [prefix] } } })
}

#[tokio::test]
async fn subnets_are_written_one_by_one() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let at = |name: &str| path(&format!("{VNET}/subnets/{name}"));
    let made = emulator.put(&at("more"), &subnet("10.0.1.0/24")).await.good();
    assert_eq!((made.status, &made.body["id"]), (StatusCode::CREATED, &json!(at("more"))));
    let mut guarded = subnet("10.0.1.0/24");
    guarded["properties"]["networkSecurityGroup"] = reference(NSG);
    let changed = emulator.put(&at("MORE"), &guarded).await.good();
    assert_eq!((changed.status, &changed.body["name"]), (StatusCode::OK, &json!("more")));
    assert_eq!(emulator.get(&at("more")).await.good().body["properties"]["networkSecurityGroup"], reference(NSG));
    let listed = emulator.get(&path(&format!("{VNET}/subnets"))).await.good().body;
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(2));
    let table = [
        ("overlap", at("b"), subnet("10.0.1.128/25"), 400, "NetcfgSubnetRangesOverlap"),
        ("outside", at("b"), subnet("10.1.0.0/24"), 400, "NetcfgInvalidSubnet"),
        ("host bits", at("b"), subnet("10.0.2.1/24"), 400, "InvalidCIDRNotation"),
        ("no prefix", at("b"), subnet("10.0.2.0"), 400, "InvalidAddressPrefixFormat"),
        ("no range", at("b"), json!({}), 400, "NetcfgInvalidSubnet"),
        ("in use", at("nodes"), subnet("10.0.2.0/24"), 400, "InUsePrefixCannotBeDeleted"),
        ("name", at("-b"), subnet("10.0.2.0/24"), 400, "InvalidResourceName"),
        ("no network", path("Network/virtualNetworks/none/subnets/b"), subnet("10.0.2.0/24"), 404, "ResourceNotFound"),
        ("no such child", path("Network/loadBalancers/lb/probes/b"), json!({}), 405, "MethodNotAllowed"),
    ];
    for (what, path, body, status, code) in table {
        let reply = emulator.put(&path, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text);
    }
    assert_eq!(emulator.delete(&at("nodes")).await.code(), "InUseSubnetCannotBeDeleted");
    assert_eq!(emulator.delete(&at("more")).await.status, StatusCode::OK);
    assert_eq!(emulator.delete(&at("more")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(emulator.get(&at("more")).await.status, StatusCode::NOT_FOUND);
    let web = format!("{}/securityRules/web", path(NSG));
    let made = emulator.put(&web, &rule("web", 200, "443")).await.good();
    assert_eq!((made.status, &made.body["name"]), (StatusCode::CREATED, &json!("web")));
    assert_eq!(emulator.delete(&web).await.status, StatusCode::OK);
    emulator.stop().await;
}

#[tokio::test]
async fn subnets_of_services_take_no_machines() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    let at = |name: &str| path(&format!("{VNET}/subnets/{name}"));
    let mut delegated = subnet("10.0.3.0/24");
    delegated["properties"]["delegations"] =
        json!([{ "name": "web", "properties": { "serviceName": "Microsoft.Web/serverFarms" } }]);
    for (name, body) in [
        ("GatewaySubnet", subnet("10.0.1.0/24")),
        ("AzureBastionSubnet", subnet("10.0.2.0/24")),
        ("delegated", delegated),
        ("free", subnet("10.0.4.0/24")),
    ] {
        emulator.put(&at(name), &body).await.good();
    }
    for (name, address, code) in [
        ("GatewaySubnet", "10.0.1.4", Some("GatewaySubnet")),
        ("azurebastionsubnet", "10.0.2.4", Some("AzureBastionSubnet")),
        ("Delegated", "10.0.3.4", Some("SubnetIsDelegatedAndCannotBeUsed")),
        ("free", "10.0.4.4", None),
    ] {
        let mut card = nic(address);
        card.pointer_mut("/properties/ipConfigurations/0/properties").expect("a configuration")["subnet"] =
            json!({ "id": at(name) });
        let reply = emulator.put(&nic_path(&format!("in-{name}")), &card).await;
        match code {
            Some(code) => assert_eq!((reply.status.as_u16(), reply.code()), (400, code), "{}", reply.text),
            None => drop(reply.good()),
        }
    }
    let mut guarded = subnet("10.0.1.0/24");
    guarded["properties"]["networkSecurityGroup"] = reference(NSG);
    let reply = emulator.put(&at("GatewaySubnet"), &guarded).await;
    assert_eq!(reply.code(), "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet");
    emulator.stop().await;
}

#[tokio::test]
async fn writes_of_two_subnets_get_into_each_others_way() {
    let (emulator, _folder) = Emulator::fresh(azure(0.05)).await;
    emulator.put(&path(""), &group()).await.good();
    let made = eventually("the network", || async {
        let reply = emulator.put(&path(VNET), &network("10.0.0.0/16")).await;
        (reply.status != StatusCode::NOT_FOUND).then_some(reply)
    })
    .await;
    assert_eq!(emulator.follow(&made).await["status"], "Succeeded");
    let at = |name: &str| path(&format!("{VNET}/subnets/{name}"));
    let first = emulator.put(&at("a"), &subnet("10.0.0.0/24")).await.good();
    assert_eq!(first.body["properties"]["provisioningState"], "Updating");
    let second = emulator.put(&at("b"), &subnet("10.0.1.0/24")).await;
    assert_eq!((second.status, second.code()), (StatusCode::CONFLICT, "AnotherOperationInProgress"));
    assert_eq!(emulator.follow(&first).await["status"], "Succeeded");
    let deletion = emulator.delete(&at("a")).await;
    assert_eq!(deletion.status, StatusCode::ACCEPTED);
    let location = deletion.header("location").expect("a location").to_owned();
    eventually("the deletion", || async {
        (emulator.get(&location).await.status == StatusCode::NO_CONTENT).then_some(())
    })
    .await;
    assert_eq!(emulator.get(&at("a")).await.status, StatusCode::NOT_FOUND);
    emulator.stop().await;
}

#[tokio::test]
async fn machines_live_in_networks_of_another_group() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    let theirs = in_group("theirs", "Network/virtualNetworks/net");
    emulator.put(&format!("{SUBSCRIPTION}/resourceGroups/theirs"), &group()).await.good();
    emulator.put(&theirs, &network("10.0.0.0/16")).await.good();
    emulator.put(&format!("{theirs}/subnets/nodes"), &subnet("10.0.0.0/24")).await.good();
    let mut card = nic("10.0.0.11");
    let configuration = "/properties/ipConfigurations/0/properties";
    card.pointer_mut(configuration).expect("a configuration")["subnet"] =
        json!({ "id": format!("{theirs}/subnets/nodes") });
    card.pointer_mut(configuration).expect("a configuration")["loadBalancerBackendAddressPools"] = json!([]);
    card.pointer_mut(configuration).expect("a configuration")["publicIPAddress"] =
        reference("Network/publicIPAddresses/own");
    emulator.put(&path("Network/publicIPAddresses/own"), &pip("own-label")).await.good();
    // The same address is free in each network.
    emulator.put(&nic_path("x"), &card).await.good();
    emulator.put(&nic_path("y"), &nic("10.0.0.11")).await.good();
    emulator.put(&vm_path("x"), &vm("x")).await.good();

    let blocked = emulator.delete(&format!("{SUBSCRIPTION}/resourceGroups/theirs")).await;
    assert_eq!(blocked.status, StatusCode::ACCEPTED);
    let location = blocked.header("location").expect("a location").to_owned();
    let ended = eventually("the end of the deletion", || async {
        let reply = emulator.get(&location).await;
        (reply.status != StatusCode::ACCEPTED).then_some(reply)
    })
    .await;
    assert_eq!((ended.status, ended.code()), (StatusCode::CONFLICT, "ResourceGroupDeletionBlocked"), "{}", ended.text);
    let there = emulator.get(&format!("{SUBSCRIPTION}/resourceGroups/theirs")).await.good().body;
    assert_eq!(there["properties"]["provisioningState"], "Succeeded");
    emulator.delete(&vm_path("x")).await.good();
    emulator.delete(&format!("{SUBSCRIPTION}/resourceGroups/theirs")).await.good();
    assert_eq!(emulator.get(&theirs).await.status, StatusCode::NOT_FOUND);
    emulator.stop().await;
}

#[tokio::test]
async fn addresses_are_free_taken_or_reserved() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 4).await;
    let ask = async |address: &str| {
        emulator.get(&path(&format!("{VNET}/CheckIPAddressAvailability?ipAddress={address}"))).await
    };
    let suggestions = json!(["10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9"]);
    let table = [
        ("10.0.0.20", json!({ "available": true, "isPlatformReserved": false })),
        ("10.0.0.4", json!({ "available": false, "availableIPAddresses": suggestions, "isPlatformReserved": false })),
        ("10.0.0.1", json!({ "available": false, "availableIPAddresses": suggestions, "isPlatformReserved": true })),
    ];
    for (address, answer) in table {
        assert_eq!(ask(address).await.good().body, answer, "{address}");
    }
    for (address, code) in [
        ("10.0.9.1", "PrivateIPAddressNotInAnySubnet"),
        ("ten", "InvalidIPAddressFormat"),
        ("", "InvalidIPAddressFormat"),
    ] {
        let reply = ask(address).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, code), "{address}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn peerings_need_both_sides() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    let [a, b, c] = ["a-net", "b-net", "c-net"].map(|name| path(&format!("Network/virtualNetworks/{name}")));
    for (network_path, prefix) in [(&a, "10.0.0.0/16"), (&b, "10.1.0.0/16"), (&c, "10.0.128.0/17")] {
        emulator.put(network_path, &network(prefix)).await.good();
    }
    let peering = |remote: &str| json!({ "properties": { "remoteVirtualNetwork": { "id": remote }, "allowForwardedTraffic": true } });
    let there = format!("{a}/virtualNetworkPeerings/to-b");
    let made = emulator.put(&there, &peering(&b)).await.good().body;
    assert_eq!(made["properties"]["peeringState"], "Initiated");
    assert_eq!(made["properties"]["remoteAddressSpace"]["addressPrefixes"], json!(["10.1.0.0/16"]));
    emulator.put(&format!("{b}/virtualNetworkPeerings/to-a"), &peering(&a)).await.good();
    let listed = emulator.get(&format!("{a}/virtualNetworkPeerings")).await.good().body;
    assert_eq!(listed["value"][0]["properties"]["peeringState"], "Connected");
    let everywhere =
        emulator.get(&format!("{SUBSCRIPTION}/providers/Microsoft.Network/virtualNetworks")).await.good().body;
    assert_eq!(everywhere["value"].as_array().map(Vec::len), Some(3));
    let read = emulator.get(&a).await.good().body;
    assert_eq!(emulator.put(&a, &read).await.good().body, read);
    for (name, remote, code) in [
        ("to-c", c.as_str(), "VnetAddressSpacesOverlap"),
        ("again", b.as_str(), "AnotherPeeringAlreadyReferencesRemoteVnet"),
        ("self", a.as_str(), "InvalidResourceReference"),
    ] {
        let reply = emulator.put(&format!("{a}/virtualNetworkPeerings/{name}"), &peering(remote)).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, code), "{name}: {}", reply.text);
    }
    emulator.delete(&b).await.good();
    assert_eq!(emulator.get(&there).await.good().body["properties"]["peeringState"], "Disconnected");
    // What is peered with nobody can still be written, and keeps the peering when that is left out.
    emulator.put(&format!("{a}/subnets/nodes"), &subnet("10.0.0.0/24")).await.good();
    let kept = emulator.put(&a, &network("10.0.0.0/16")).await.good().body;
    assert_eq!(kept["properties"]["virtualNetworkPeerings"].as_array().map(Vec::len), Some(1));
    emulator.delete(&there).await.good();
    emulator.stop().await;
}

#[tokio::test]
async fn resources_are_found_by_their_tags() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let mut other = nsg();
    other["tags"] = json!({ "cluster": "other", "owner": "me" });
    emulator.put(&path("Network/networkSecurityGroups/other"), &other).await.good();
    let names = async |scope: &str, filter: &str| {
        let filter = filter.replace(' ', "%20");
        let listed = emulator.get(&format!("{scope}/resources?$filter={filter}")).await.good().body;
        let mut names: Vec<String> = listed["value"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|line| line["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    let group_path = path("");
    let tagged = ["node-1", "node-1-data", "node-1-os"];
    assert_eq!(names(&group_path, "tagName eq 'cluster' and tagValue eq 'demo'").await, tagged);
    assert_eq!(names(&group_path, "tagName eq 'CLUSTER'").await.len(), 4);
    assert_eq!(names(SUBSCRIPTION, "tagName eq 'cluster' and tagValue eq 'demo'").await, tagged);
    assert_eq!(
        names(&group_path, "resourceType eq 'Microsoft.Network/publicIPAddresses'").await,
        [PIP.rsplit('/').next().expect("a name")]
    );
    assert!(names(&group_path, "tagName eq 'cluster' and tagValue eq 'Demo'").await.is_empty());
    for (value, count) in [("demo", 1), ("other", 0)] {
        let filter = format!("tagName%20eq%20'cluster'%20and%20tagValue%20eq%20'{value}'");
        let groups = emulator.get(&format!("{SUBSCRIPTION}/resourcegroups?$filter={filter}")).await.good().body;
        assert_eq!(groups["value"].as_array().map(Vec::len), Some(count), "{value}");
    }
    let hidden = format!("{group_path}/resources?$filter=tagName%20eq%20'cluster'%20and%20tagValue%20eq%20'demo'");
    let hidden = emulator.get(&hidden).await.good().body;
    assert!(hidden["value"].as_array().unwrap().iter().all(|line| line.get("tags").is_none()), "{hidden}");
    let machine = "resourceType eq 'Microsoft.Compute/virtualMachines'";
    let disk = "resourceType eq 'microsoft.compute/DISKS'";
    let table: [(String, &[&str]); 9] = [
        (format!("{machine} or {disk}"), &tagged),
        (format!("{machine} and {disk}"), &[]),
        (format!("substringof('ODE-1', name) and ({machine} or {disk})"), &tagged),
        ("substringof('-data', name)".into(), &["node-1-data"]),
        (format!("substringof('-data', name) or substringof('-os',name) and {disk}"), &["node-1-data", "node-1-os"]),
        (format!("{disk} and name ne 'node-1-os'"), &["node-1-data"]),
        (format!("resourceGroup eq 'nowhere' or {machine}"), &["node-1"]),
        (format!("{machine} and location eq 'eastus'"), &[]),
        (format!("{disk} and plan/name eq 'x'"), &[]),
    ];
    for (filter, expected) in table {
        assert_eq!(names(&group_path, &filter).await, expected, "{filter}");
    }
    let groups = format!("{SUBSCRIPTION}/resourcegroups?$filter=name%20eq%20'demo'");
    assert_eq!(emulator.get(&groups).await.code(), "InvalidFilterInQueryString");
    let deep = format!("{}name eq 'x'{}", "(".repeat(1000), ")".repeat(1000)).replace(' ', "%20");
    for bad in [
        "tagValue%20eq%20'x'",
        "size%20eq%20'x'",
        "tagName%20ne%20'x'",
        "tagName%20eq%20'a'%20and%20tagValue%20eq%20'b'%20and%20name%20eq%20'c'",
        "substringof('x',%20location)",
        "name%20eq%20'x'%20or",
        "(name%20eq%20'x'",
        "name%20eq%20'x')",
        "name%20gt%20'x'",
        &deep,
    ] {
        let reply = emulator.get(&format!("{group_path}/resources?$filter={bad}")).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, "InvalidFilterInQueryString"), "{bad}");
    }
    emulator.stop().await;
}
