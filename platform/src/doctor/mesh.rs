//! Tries the overlay networks: where nodes have ends of them, and what becomes of connections between these.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder};
use futures::future::join_all;

use super::Finding;
use super::overlay::{self, CHECK, Connection, End, Entry};
use nodes::cluster::{DockerError, Node};

const DEADLINE: Duration = Duration::from_secs(45);

/// The ingress network, and the one that most nodes have containers on.
pub(super) async fn examine(nodes: &[Node]) -> Vec<Finding> {
    let mut networks: BTreeMap<String, Vec<End>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (node, found) in all_ends(nodes).await {
        match found {
            Ok(ends) => ends.into_iter().for_each(|(network, end)| networks.entry(network).or_default().push(end)),
            Err(error) => findings.push(Finding::warn(
                CHECK,
                node,
                format!("not tried: {error}"),
                format!("platformctl ssh {node} docker network ls; platformctl doctor again"),
            )),
        }
    }
    let others = networks.iter().filter(|(network, _)| *network != overlay::INGRESS);
    let widest = others.max_by_key(|(_, ends)| ends.len()).map(|(network, _)| network.clone());
    networks
        .retain(|network, ends| ends.len() > 1 && (network == overlay::INGRESS || Some(network) == widest.as_ref()));
    let try_all = async |ends: &Vec<End>| join_all(ends.iter().map(|end| connect(nodes, end, ends))).await.concat();
    let mut connections = join_all(networks.values().map(try_all)).await;
    if connections.iter().flatten().any(|connection| connection.error.is_some()) {
        // Containers come and go: what failed counts only when both ends are still there.
        let now = all_ends(nodes).await;
        for ((network, ends), connections) in networks.iter().zip(&mut connections) {
            let stays = |node: &str| {
                let end = ends.iter().find(|end| end.node == node);
                let same = |(other, now): &(String, End)| other == network && Some(now) == end;
                // Of a node that does not say, nothing has been shown to be gone.
                now.iter().any(|(other, now)| *other == node && now.as_ref().map_or(true, |now| now.iter().any(same)))
            };
            connections.retain(|one| one.error.is_none() || (stays(&one.from) && stays(&one.to)));
        }
    }
    for (network, connections) in networks.keys().zip(&connections) {
        findings.extend(overlay::judge(network, connections));
    }
    findings
}

async fn connect(nodes: &[Node], end: &End, ends: &[End]) -> Vec<Connection> {
    let others: Vec<&End> = ends.iter().filter(|other| other.node != end.node).collect();
    let Some(node) = nodes.iter().find(|node| node.name() == end.node) else { return Vec::new() };
    let said = node.run(&overlay::script(end, &others), None, DEADLINE).await;
    overlay::read(&said.map(|output| output.stdout).unwrap_or_default(), end, &others)
}

/// Ends by network.
type Ends = Vec<(String, End)>;

/// What each node says of its ends.
async fn all_ends(nodes: &[Node]) -> Vec<(&str, Result<Ends, DockerError>)> {
    join_all(nodes.iter().map(async |node| (node.name(), ends(node).await))).await
}

/// A node's ends of overlay networks, by network: Docker's own one, or a container's.
async fn ends(node: &Node) -> Result<Ends, DockerError> {
    let filters = HashMap::from([("driver", vec!["overlay"])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let listed = node.ask("listing networks", |docker| {
        let options = options.clone();
        async move { docker.list_networks(Some(options)).await }
    });
    let names = listed.await?.into_iter().filter_map(|network| network.name);
    let inspect = async |network: String| {
        let inspected = node.ask("inspecting a network", |docker| {
            let network = network.clone();
            async move { docker.inspect_network(&network, None::<InspectNetworkOptions>).await }
        });
        let containers = match inspected.await {
            Ok(found) => found.containers.unwrap_or_default(),
            // It went since it was listed.
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let ends = containers.into_iter().filter_map(|(id, container)| {
            let address = container.ipv4_address?.split_once('/')?.0.to_owned();
            Some((entry(&network, &id)?, address))
        });
        // Any would do, but the same one each time.
        let first = ends.min_by(|one, other| one.1.cmp(&other.1));
        Ok(first.map(|(entry, address)| (network, End { node: node.name().to_owned(), address, entry })))
    };
    let found = join_all(names.map(inspect)).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// How the end with this id is entered; `lb-…` are ends of Docker's own that cannot be.
fn entry(network: &str, id: &str) -> Option<Entry> {
    match (network, id) {
        (overlay::INGRESS, "ingress-sbox") => Some(Entry::IngressSandbox),
        (overlay::INGRESS, _) => None,
        _ => id.chars().all(|character| character.is_ascii_hexdigit()).then(|| Entry::Container(id.to_owned())),
    }
}
