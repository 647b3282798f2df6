//! Inbound NAT ports and listeners.

use azure_local::latency::Latency;
use serde_json::{Value, json};

use crate::bodies::{LB, NSG, create_base, create_node, lb, nic, nic_path, nsg, rule, vm_path};
use crate::emulator::{Emulator, path};

async fn port_of(emulator: &Emulator, node: &str) -> Value {
    let body = json!({ "ipConfiguration": { "id": format!("{}/ipConfigurations/primary", nic_path(node)) } });
    let query = path(&format!("{LB}/backendAddressPools/nodes/queryInboundNatRulePortMapping"));
    let reply = emulator.post(&query, &body).await.good();
    assert_eq!(reply.status, 202);
    emulator.follow(&reply).await;
    let location = reply.header("location").expect("a location").to_owned();
    emulator.get(&location).await.good().body["inboundNatRulePortMappings"][0].clone()
}

#[tokio::test]
async fn nat_ports_are_handed_out_in_the_order_of_joining_and_stay() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    // The names are against the order on purpose.
    for (name, last) in [("c", 11), ("b", 12), ("a", 13)] {
        create_node(&emulator, name, last).await;
    }
    let expected = json!({ "inboundNatRuleName": "ssh", "protocol": "Tcp", "frontendPort": 22001, "backendPort": 22 });
    assert_eq!(port_of(&emulator, "c").await, expected);
    assert_eq!(port_of(&emulator, "a").await["frontendPort"], 22003);

    let full = emulator.put(&nic_path("d"), &nic("10.0.0.14")).await;
    assert_eq!(full.code(), "InboundNatRuleFrontendPortRangeTooSmall");
    emulator.delete(&vm_path("b")).await.good();
    emulator.put(&nic_path("d"), &nic("10.0.0.14")).await.good();
    assert_eq!(port_of(&emulator, "d").await["frontendPort"], 22002);
    assert_eq!(port_of(&emulator, "a").await["frontendPort"], 22003);

    let pool = emulator.get(&path(&format!("{LB}/backendAddressPools/nodes"))).await.good().body;
    let addresses = pool["properties"]["loadBalancerBackendAddresses"].as_array().expect("a list");
    let of_c = addresses.iter().find(|address| address["name"] == "demo_c-nicprimary").expect("the first node");
    assert_eq!(of_c["properties"]["inboundNatRulesPortMapping"], json!([expected]));
    assert_eq!(pool["properties"]["backendIPConfigurations"].as_array().map(Vec::len), Some(3));

    // A wider range keeps what was handed out; a narrower one is refused.
    let mut body = lb();
    body["properties"]["inboundNatRules"][0]["properties"]["frontendPortRangeEnd"] = json!(22010);
    emulator.put(&path(LB), &body).await.good();
    assert_eq!(port_of(&emulator, "d").await["frontendPort"], 22002);
    body["properties"]["inboundNatRules"][0]["properties"]["frontendPortRangeEnd"] = json!(22002);
    assert_eq!(emulator.put(&path(LB), &body).await.code(), "InboundNatRuleFrontendPortRangeTooSmall");
    emulator.stop().await;
}

#[tokio::test]
async fn only_ports_that_a_security_group_opens_have_listeners() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    assert_eq!(emulator.listeners().await, []);
    create_node(&emulator, "node-1", 11).await;
    create_node(&emulator, "node-2", 12).await;
    let listener = |port: u16, machines: &[&str]| {
        (format!("127.77.0.1:{port}"), machines.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    let open = [listener(80, &["node-1", "node-2"]), listener(22001, &["node-1"]), listener(22002, &["node-2"])];
    assert_eq!(emulator.listeners().await, open);

    let mut body = nsg();
    body["properties"]["securityRules"] = json!([rule("https", 100, "443")]);
    emulator.put(&path(NSG), &body).await.good();
    assert_eq!(emulator.listeners().await, [listener(443, &["node-1", "node-2"])]);
    emulator.delete(&vm_path("node-1")).await.good();
    assert_eq!(emulator.listeners().await, [listener(443, &["node-2"])]);
    emulator.stop().await;
}
