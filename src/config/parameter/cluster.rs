//! What a cluster is.

use serde_json::json;

use super::{Group, Kind, Parameter};

pub const NAME: Parameter = Parameter::new(Group::Cluster, Kind::Text, "name", "NAME", "NAME")
    .help("Name of the cluster; also its DNS label: 3 to 40 of a-z, 0-9 and `-`")
    .default("required")
    .example("mycluster")
    .everyday()
    .resolved(|spec| json!(spec.name));

pub const NUM_NODES: Parameter =
    Parameter::new(Group::Cluster, Kind::Integer { least: 1, most: 1000 }, "num_nodes", "--num-nodes", "COUNT")
        .help("Number of machines, 3 or more")
        .default("3")
        .unit("machines")
        .example("5")
        .everyday()
        .resolved(|spec| json!(spec.node_count))
        .aliases(&["nodes", "node-count", "num-machines", "count", "instances", "instance-count", "vm-count"]);

pub const ALLOW_SMALL: Parameter = Parameter::switch(Group::Cluster, "allow_small", "--allow-small")
    .help("Allow 1 or 2 machines, with a single etcd member");

pub const PLATFORM: Parameter = Parameter::new(Group::Cluster, Kind::Text, "platform", "--platform", "NAME|DIR")
    .help("Open the ports that a platform bundle asks for: a name (see `platformctl bundles`) or a bundle's folder")
    .default("none")
    .example("caprover")
    .everyday();

pub const DEIS: Parameter = Parameter::switch(Group::Cluster, "deis", "--deis")
    .help("Open the ports of the default platform: 80, 443 and 2222")
    .everyday();

pub const NOHTTPS: Parameter = Parameter::switch(Group::Cluster, "nohttps", "--nohttps")
    .help("With --platform or --deis: leave closed what carries TLS, port 443")
    .resolved(|spec| json!(spec.without_tls));

pub const OPEN: Parameter = Parameter::new(Group::Cluster, Kind::List, "open", "--open", "PORT")
    .help("Open another port on the load balancer: PORT[/tcp|udp][:PROBE]; PROBE is a path, a TCP port or both (repeatable)")
    .default("none; TCP ports are probed themselves")
    .example("8080:/health,53/udp:8053")
    .resolved(|spec| {
        spec.open_ports.iter().map(|port| json!(port.to_string())).collect()
    })
    .aliases(&["open-port", "open-ports", "port", "ports"]);
