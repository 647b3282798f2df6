//! Ports of the nodes themselves: no bundle opens them, no service publishes them, and `--open` refuses them.

/// Over TCP and UDP alike: a service that publishes one takes it from its owner on every node, and whoever reaches Docker,
/// Swarm or etcd owns the cluster. Each with its owner.
/// <https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts>
const CLUSTER_PORTS: [(u16, &str); 8] = [
    (SSH, "SSH"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2377, "Docker Swarm"),
    (2379, "etcd"),
    (2380, "etcd"),
    (4789, "Docker Swarm"),
    (7946, "Docker Swarm"),
];
/// The one of them that the world reaches, each node's by a public port of its own.
pub const SSH: u16 = 22;

/// What a port of the nodes is for; none when it is free.
pub fn owner(port: u16) -> Option<&'static str> {
    CLUSTER_PORTS.iter().find(|(reserved, _)| *reserved == port).map(|(_, owner)| *owner)
}
