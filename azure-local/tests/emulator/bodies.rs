//! The documents of a small cluster, and the requests that create it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::emulator::{Emulator, path};

pub(crate) const NSG: &str = "Network/networkSecurityGroups/nsg";
pub(crate) const PIP: &str = "Network/publicIPAddresses/pip";
pub(crate) const VNET: &str = "Network/virtualNetworks/vnet";
pub(crate) const LB: &str = "Network/loadBalancers/lb";
pub(crate) const SET: &str = "Compute/availabilitySets/set";

pub(crate) fn nic_path(name: &str) -> String {
    path(&format!("Network/networkInterfaces/{name}-nic"))
}

pub(crate) fn vm_path(name: &str) -> String {
    path(&format!("Compute/virtualMachines/{name}"))
}

pub(crate) fn reference(resource: &str) -> Value {
    json!({ "id": path(resource) })
}

pub(crate) fn group() -> Value {
    json!({ "location": "westeurope", "tags": { "cluster": "demo" } })
}

pub(crate) fn rule(name: &str, priority: u16, port: &str) -> Value {
    json!({ "name": name, "properties": {
        "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port,
    }})
}

pub(crate) fn nsg() -> Value {
    json!({ "location": "West Europe", "properties": { "securityRules": [rule("ssh", 100, "22"), rule("http", 110, "80")] } })
}

pub(crate) fn pip(label: &str) -> Value {
    json!({ "location": "westeurope", "sku": { "name": "Standard" }, "properties": {
        "publicIPAllocationMethod": "Static", "dnsSettings": { "domainNameLabel": label },
    }})
}

pub(crate) fn vnet() -> Value {
    json!({ "location": "westeurope", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
        "subnets": [{ "name": "nodes", "properties": { "addressPrefix": "10.0.0.0/24", "networkSecurityGroup": reference(NSG) } }],
    }})
}

pub(crate) fn lb() -> Value {
    let own = |part: &str| json!({ "id": format!("{}/{part}", path(LB)) });
    json!({ "location": "westeurope", "sku": { "name": "Standard" }, "properties": {
        "frontendIPConfigurations": [{ "name": "front", "properties": { "publicIPAddress": reference(PIP) } }],
        "backendAddressPools": [{ "name": "nodes" }],
        "probes": [{ "name": "health", "properties": { "protocol": "Http", "port": 80, "requestPath": "/health-check", "intervalInSeconds": 5 } }],
        "loadBalancingRules": [
            { "name": "http", "properties": {
                "frontendIPConfiguration": own("frontendIPConfigurations/front"), "backendAddressPool": own("backendAddressPools/nodes"),
                "probe": own("probes/health"), "protocol": "Tcp", "frontendPort": 80, "backendPort": 80,
                "disableOutboundSnat": true, "enableTcpReset": true,
            }},
            { "name": "closed", "properties": {
                "frontendIPConfiguration": own("frontendIPConfigurations/front"), "backendAddressPool": own("backendAddressPools/nodes"),
                "protocol": "Tcp", "frontendPort": 443, "backendPort": 443, "disableOutboundSnat": true,
            }},
        ],
        "inboundNatRules": [{ "name": "ssh", "properties": {
            "frontendIPConfiguration": own("frontendIPConfigurations/front"), "backendAddressPool": own("backendAddressPools/nodes"),
            "protocol": "Tcp", "frontendPortRangeStart": 22001, "frontendPortRangeEnd": 22003, "backendPort": 22,
        }}],
        "outboundRules": [{ "name": "out", "properties": {
            "frontendIPConfigurations": [own("frontendIPConfigurations/front")], "backendAddressPool": own("backendAddressPools/nodes"),
            "protocol": "All", "allocatedOutboundPorts": 1024,
        }}],
    }})
}

pub(crate) fn set() -> Value {
    json!({ "location": "westeurope", "sku": { "name": "Aligned" }, "properties": { "platformFaultDomainCount": 3, "platformUpdateDomainCount": 5 } })
}

pub(crate) fn nic(address: &str) -> Value {
    json!({ "location": "westeurope", "properties": { "ipConfigurations": [{ "name": "primary", "properties": {
        "subnet": { "id": format!("{}/subnets/nodes", path(VNET)) },
        "privateIPAllocationMethod": "Static", "privateIPAddress": address,
        "loadBalancerBackendAddressPools": [{ "id": format!("{}/backendAddressPools/nodes", path(LB)) }],
    }}]}})
}

pub(crate) fn ssh_key() -> String {
    let mut blob = Vec::new();
    for field in [&b"ssh-ed25519"[..], &[7; 32]] {
        blob.extend((field.len() as u32).to_be_bytes());
        blob.extend(field);
    }
    format!("ssh-ed25519 {}", STANDARD.encode(blob))
}

pub(crate) const SECRET: &str = "#!/bin/sh a secret that nobody may read back";

pub(crate) fn vm(name: &str) -> Value {
    json!({ "location": "westeurope", "tags": { "cluster": "demo" }, "properties": {
        "availabilitySet": reference(SET),
        "hardwareProfile": { "vmSize": "Standard_D2as_v5" },
        "storageProfile": {
            "imageReference": { "publisher": "kinvolk", "offer": "flatcar-container-linux-corevm-amd64", "sku": "stable-gen2", "version": "latest" },
            "osDisk": { "name": format!("{name}-os"), "createOption": "FromImage", "deleteOption": "Delete" },
            "dataDisks": [{ "name": format!("{name}-data"), "lun": 0, "createOption": "Empty", "diskSizeGB": 10, "deleteOption": "Delete" }],
        },
        "osProfile": {
            "computerName": name, "adminUsername": "core", "customData": STANDARD.encode(SECRET),
            "linuxConfiguration": { "disablePasswordAuthentication": true, "ssh": { "publicKeys": [
                { "path": "/home/core/.ssh/authorized_keys", "keyData": ssh_key() },
            ]}},
        },
        "networkProfile": { "networkInterfaces": [{ "id": nic_path(name), "properties": { "primary": true, "deleteOption": "Delete" } }] },
        "diagnosticsProfile": { "bootDiagnostics": { "enabled": true } },
    }})
}

/// The group and everything that the nodes share, in order.
pub(crate) fn base() -> Vec<(String, Value)> {
    vec![
        (path(""), group()),
        (path(NSG), nsg()),
        (path(PIP), pip("demo-cluster")),
        (path(SET), set()),
        (path(VNET), vnet()),
        (path(LB), lb()),
    ]
}

/// Creates the base; everything must be there in the answer.
pub(crate) async fn create_base(emulator: &Emulator) {
    for (path, body) in base() {
        emulator.put(&path, &body).await.good();
    }
}

/// Creates a node with the address `10.0.0.<last>`.
pub(crate) async fn create_node(emulator: &Emulator, name: &str, last: u8) {
    emulator.put(&nic_path(name), &nic(&format!("10.0.0.{last}"))).await.good();
    emulator.put(&vm_path(name), &vm(name)).await.good();
}
