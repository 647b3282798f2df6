//! From the connection's arguments to a cluster: by its directory here, or by a node that is reached through a tunnel.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use crate::Platform;
use diagnostics::{Environment, Origin, Problems, given_file};
use nodes::cluster::{Cluster, ClusterFacts, Gateway, Route, Timeouts};
use nodes::clusters::{self, clusters_home, known_clusters, unknown_cluster};
use nodes::inventory::{Inventory, InventoryNode, SocketEndpoint};
use nodes::ssh::Identity;
use report::Failure;

use super::arguments::ConnectionArguments;

const SSH_PORT: u16 = 22;
/// Who signs in to nodes; what people put before the host out of habit.
const USER: &str = "core";
/// Where a tunnel comes from, first found first.
const TUNNEL_VARIABLES: [&str; 2] = ["PLATFORMCTL_TUNNEL", "DEISCTL_TUNNEL"];
/// Names the cluster where the flag does not.
const CLUSTER_VARIABLE: &str = "PLATFORMCTL_CLUSTER";
/// What a cluster is called that has no directory here.
const UNNAMED: &str = "(tunnel)";

/// The platform of the cluster that is meant; nothing is connected yet, but for a tunnel to an unknown cluster.
pub(super) async fn platform(arguments: &ConnectionArguments) -> Result<Platform, Failure> {
    Ok(Platform::new(cluster(arguments).await?))
}

/// The cluster that is meant.
pub(super) async fn cluster(arguments: &ConnectionArguments) -> Result<Cluster, Failure> {
    let tunnel = tunnel(arguments)?;
    let timeouts = Timeouts {
        connect: Duration::from_secs(arguments.ssh_timeout),
        command: Duration::from_secs(arguments.request_timeout),
        ..Timeouts::default()
    };
    // Where a cluster has no machines, a tunnel leads to another, which nobody named.
    let is_elsewhere = tunnel.is_some() && named(arguments)?.is_none();
    let inventory = find_inventory(arguments, tunnel.is_some())?;
    let Some(inventory) = inventory.filter(|inventory| !(is_elsewhere && inventory.without_machines)) else {
        return match tunnel {
            Some(endpoint) => through_unknown(arguments, endpoint, timeouts).await,
            None => Err(none_known(arguments)?),
        };
    };
    if inventory.without_machines {
        let name = &inventory.name;
        return Err(Failure::Unhealthy {
            reasons: vec![format!(
                "cluster `{name}` has no machines: the local emulator ran with --vms none when it was made"
            )],
            hint: format!(
                "azure-coreos-cluster local down && azure-coreos-cluster local up --vms qemu, then azure-coreos-cluster {name} --local"
            ),
        });
    }
    let identity = identity(arguments, inventory.ssh.identity.clone())?;
    let route = match tunnel {
        Some(endpoint) => Route::Through(Gateway {
            endpoint,
            host_keys: inventory.nodes.iter().map(|node| node.host_key.clone()).collect(),
        }),
        None => Route::DirectOrDetour,
    };
    Ok(Cluster::new(inventory.into(), identity, route, timeouts))
}

/// The cluster that the flag names, else the environment, and which of them.
fn named(arguments: &ConnectionArguments) -> Result<Option<(Origin, String)>, Failure> {
    if let Some(name) = &arguments.cluster {
        return Ok(Some((Origin::Flag("--cluster"), name.clone())));
    }
    let variables = Environment::read(&[CLUSTER_VARIABLE])?;
    let name = variables.get(CLUSTER_VARIABLE).filter(|name| !name.is_empty());
    Ok(name.map(|name| (Origin::Environment(CLUSTER_VARIABLE.to_owned()), name)))
}

/// The inventory of the cluster that is meant: the named one, else the only one; none when none is known, or when a
/// tunnel leads to one of several.
pub(super) fn find_inventory(arguments: &ConnectionArguments, tunnel: bool) -> Result<Option<Inventory>, Failure> {
    let home = clusters_home(arguments.state_dir.as_deref())?;
    let known = known_clusters(&home)?;
    let mut problems = Problems::new();
    let (origin, name) = match (named(arguments)?, known.as_slice()) {
        (Some(named), _) => named,
        (None, [only]) => (Origin::Default, only.clone()),
        (None, []) => return Ok(None),
        (None, _) if tunnel => return Ok(None),
        (None, several) => {
            let message = format!("there are several clusters, name one: {}", several.join(", "));
            let hint = format!("--cluster NAME, or {CLUSTER_VARIABLE}=NAME for all commands of this shell");
            problems.add_with_hint(Origin::Flag("--cluster"), message, hint);
            return Err(problems.into());
        }
    };
    // A name is one folder's, never a way out of `home`.
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_name && let Some(inventory) = clusters::inventory(&home, &name)? {
        return Ok(Some(inventory));
    }
    problems.add(origin, unknown_cluster(&home, &name)?);
    Err(problems.into())
}

fn none_known(arguments: &ConnectionArguments) -> Result<Failure, Failure> {
    let home = clusters_home(arguments.state_dir.as_deref())?;
    let mut problems = Problems::new();
    let message = format!("no cluster is known in `{}`", home.display());
    problems.add_with_hint(Origin::Flag("--cluster"), message, "azure-coreos-cluster NAME --local creates one");
    Ok(problems.into())
}

fn identity(arguments: &ConnectionArguments, of_cluster: Option<PathBuf>) -> Result<Identity, Failure> {
    let file = arguments.identity.clone().or(of_cluster);
    Identity::load(file.as_deref()).map_err(|error| {
        Failure::Usage(format!("{error}; --identity FILE names the private key of one who may sign in"))
    })
}

/// The tunnel's endpoint, from the flag or the environment.
fn tunnel(arguments: &ConnectionArguments) -> Result<Option<SocketEndpoint>, Failure> {
    let variables = Environment::read(&TUNNEL_VARIABLES)?;
    let from_environment =
        || TUNNEL_VARIABLES.into_iter().find_map(|variable| Some((variable, variables.get(variable)?)));
    let flag = arguments.tunnel.clone().map(|text| ("--tunnel", text));
    let Some((origin, text)) = flag.or_else(from_environment) else { return Ok(None) };
    let mut problems = Problems::new();
    match problems.take(Origin::Flag(origin), endpoint(&text)) {
        Some(endpoint) => Ok(Some(endpoint)),
        None => Err(problems.into()),
    }
}

/// `host`, `host:port`, an IPv6 address, `[v6]` or `[v6]:port`, with `core@` before it or not.
fn endpoint(text: &str) -> Result<SocketEndpoint, String> {
    let wrong = || format!("`{text}` is not [core@]HOST[:PORT], like 203.0.113.7:22001 or [2001:db8::1]:22001");
    let place = match text.rsplit_once('@') {
        Some((USER, place)) => place,
        Some((other, _)) => return Err(format!("`{text}`: nodes take the user `{USER}` only, not `{other}`")),
        None => text,
    };
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) if host.parse::<Ipv6Addr>().is_err() => return Err(wrong()),
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
        None if place.parse::<Ipv6Addr>().is_ok() => (place, None),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = port.map_or(Ok(SSH_PORT), |port| port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong))?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    if host.is_empty() || host.starts_with('-') || !host.chars().all(is_part) {
        return Err(wrong());
    }
    Ok(SocketEndpoint { host: host.to_owned(), port })
}

/// A cluster that only a tunnel leads to: the gateway's host key must be known to SSH, and which nodes there are stands
/// in the cluster's own etcd since its first `install`.
async fn through_unknown(
    arguments: &ConnectionArguments,
    endpoint: SocketEndpoint,
    timeouts: Timeouts,
) -> Result<Cluster, Failure> {
    let identity = identity(arguments, None)?;
    let file = match &arguments.known_hosts {
        Some(file) => file.clone(),
        None => {
            let home = std::env::var_os("HOME").ok_or_else(|| Failure::Usage("`HOME` is not set".into()))?;
            PathBuf::from(home).join(".ssh/known_hosts")
        }
    };
    // Its reader reads whatever it is given.
    let SocketEndpoint { host, port } = &endpoint;
    let pin = format!(
        "`ssh -p {port} {USER}@{host}` asks once whether its key is right and keeps it; --known-hosts FILE names another \
         file, such as the cluster's own"
    );
    let unreadable = |error: String| Failure::Usage(format!("reading `{}`: {error}; {pin}", file.display()));
    given_file::open(&file).map_err(|error| unreadable(error.to_string()))?;
    let keys = russh::keys::known_hosts::known_host_keys_path(host, *port, &file)
        .map_err(|error| unreadable(error.to_string()))?;
    let host_keys: Vec<String> = keys.into_iter().filter_map(|(_, key)| key.to_openssh().ok()).collect();
    if host_keys.is_empty() {
        return Err(Failure::Usage(format!(
            "`{}` holds no key of {host}:{port}, so it cannot be told from another machine; {pin}",
            file.display(),
        )));
    }
    let first = InventoryNode {
        name: endpoint.host.clone(),
        private_address: std::net::Ipv4Addr::LOCALHOST,
        etcd_member: true,
        data_disk: false,
        ssh: endpoint.clone(),
        host_key: host_keys[0].clone(),
    };
    let gateway = Gateway { endpoint, host_keys };
    // The gateway sees itself at 127.0.0.1, so this cluster of one node is the gateway.
    let alone = ClusterFacts {
        name: UNNAMED.into(),
        nodes: vec![first],
        public_address: std::net::Ipv4Addr::UNSPECIFIED,
        ports: Vec::new(),
    };
    let platform = Platform::new(Cluster::new(alone, identity.clone(), Route::Through(gateway.clone()), timeouts));
    match platform.facts_on_record().await? {
        Some(facts) => Ok(Cluster::new(facts, identity, Route::Through(gateway), timeouts)),
        None => Err(Failure::Usage(format!(
            "the cluster behind {}:{} does not say which nodes it has; the first `platformctl install` writes that, run \
             where the cluster was created (--cluster NAME)",
            gateway.endpoint.host, gateway.endpoint.port
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (text, expected) in [
            ("203.0.113.7", Some(("203.0.113.7", 22))),
            ("example.test:22001", Some(("example.test", 22001))),
            ("[2001:db8::1]:2222", Some(("2001:db8::1", 2222))),
            ("[2001:db8::1]", Some(("2001:db8::1", 22))),
            ("2001:db8::1", Some(("2001:db8::1", 22))),
            ("core@203.0.113.7", Some(("203.0.113.7", 22))),
            ("core@example.test:22001", Some(("example.test", 22001))),
            ("core@[2001:db8::1]:22001", Some(("2001:db8::1", 22001))),
            ("core@2001:db8::1", Some(("2001:db8::1", 22))),
            ("root@example.test", None),
            ("@example.test", None),
            ("core@", None),
            ("[example.test]:22", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]22", None),
            ("ssh://example.test", None),
            ("-oProxyCommand=x", None),
            ("example.test:", None),
            ("example.test:0", None),
            (":22", None),
            ("a b", None),
        ] {
            let endpoint = endpoint(text).ok();
            let found = endpoint.as_ref().map(|endpoint| (endpoint.host.as_str(), endpoint.port));
            assert_eq!(found, expected, "{text}");
        }
    }
}
