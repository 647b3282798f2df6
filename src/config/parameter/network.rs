//! How it is reached, and by whom.

use serde_json::json;

use super::{Group, Kind, Parameter};
use crate::spec::LAST_FRONT_PORT;

pub const SSH: Parameter =
    Parameter::new(Group::Network, Kind::Integer { least: 1, most: LAST_FRONT_PORT as u32 }, "ssh", "--ssh", "PORT")
        .help("First public SSH port; Azure hands out one port a node from here on")
        .default("22001")
        .unit("port number")
        .example("23001")
        .settled("first SSH port")
        .resolved(|spec| json!(spec.first_ssh_port));

pub const SSH_CERT: Parameter = Parameter::new(Group::Network, Kind::File, "ssh_cert", "--ssh-cert", "FILE")
    .help("Your public SSH key, Ed25519 or RSA, in any of the usual forms, or an X.509 certificate with one")
    .default("a new Ed25519 key")
    .example("~/.ssh/id_ed25519.pub")
    .everyday()
    .settled("SSH key")
    .resolved(|spec| json!(spec.ssh_public_key))
    .aliases(&["ssh-key", "ssh-key-value", "ssh-key-values", "ssh-public-key", "public-key"]);

pub const SSH_THUMB: Parameter = Parameter::new(Group::Network, Kind::Text, "ssh_thumb", "--ssh-thumb", "HEX")
    .help("Thumbprint (SHA-1 or SHA-256) that the certificate of --ssh-cert must have")
    .default("not checked")
    .example("0F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C");

pub const SSH_SOURCES: Parameter = Parameter::new(Group::Network, Kind::List, "ssh_sources", "--ssh-source", "CIDR")
    .help("Who may reach SSH: an address range (repeatable), or `*` alone for everybody")
    .default("*")
    .example("203.0.113.0/24,198.51.100.7")
    .resolved(|spec| json!(spec.ssh_sources))
    .aliases(&["ssh-sources"]);

pub const PIP: Parameter = Parameter::switch(Group::Network, "pip", "--pip")
    .help("Give each node a public IP address of its own, with its name as DNS label")
    .settled("public IP addresses of the nodes")
    .resolved(|spec| json!(spec.public_ip_per_node));

pub const ADDRESS_SPACE: Parameter =
    Parameter::new(Group::Network, Kind::Text, "address_space", "--address-space", "CIDR")
        .help("Address space of the cluster's virtual network")
        .default("10.32.0.0/16")
        .example("10.64.0.0/16")
        .settled("address space")
        .resolved(|spec| json!(spec.address_space));

pub const VIRTUAL_NETWORK_NAME: Parameter = Parameter::new(
    Group::Network,
    Kind::Text,
    "virtual_network_name",
    "--virtual-network-name",
    "[GROUP/]NAME",
)
.help("Virtual network that exists, in the cluster's resource group or another one; nodes take free addresses in it")
.default("one of the cluster's own")
.example("shared/hub")
.settled("virtual network")
.resolved(|spec| json!(spec.existing_network.as_ref().map(|existing| existing.network.to_string())))
.aliases(&["vnet", "vnet-name"]);

pub const SUBNET_NAMES: Parameter =
    Parameter::new(Group::Network, Kind::List, "subnet_names", "--subnet-names", "NAMES")
        .help("Subnets of that network over which the nodes are spread, each named once")
        .default("nodes, in a network of the cluster's own")
        .example("cluster-a,cluster-b")
        .settled("subnets")
        .resolved(|spec| json!(spec.existing_network.as_ref().map(|existing| existing.subnets.clone())))
        .aliases(&["subnet", "subnets", "subnet-name"]);
