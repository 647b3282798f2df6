//! Tries the overlay networks: where nodes have ends of them, and what becomes of connections between these.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder};
use futures::future::join_all;

use super::Finding;
use super::overlay::{self, Connection, End, Entry};
use nodes::cluster::Node;

const DEADLINE: Duration = Duration::from_secs(45);

/// The ingress network, and the one that most nodes have containers on.
pub(super) async fn examine(nodes: &[Node]) -> Vec<Finding> {
    let mut networks: BTreeMap<String, Vec<End>> = BTreeMap::new();
    for (network, end) in all_ends(nodes).await {
        networks.entry(network).or_default().push(end);
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
                now.iter().any(|(other, now)| other == network && Some(now) == end)
            };
            connections.retain(|one| one.error.is_none() || (stays(&one.from) && stays(&one.to)));
        }
    }
    networks.keys().zip(&connections).flat_map(|(network, connections)| overlay::judge(network, connections)).collect()
}

async fn connect(nodes: &[Node], end: &End, ends: &[End]) -> Vec<Connection> {
    let others: Vec<&End> = ends.iter().filter(|other| other.node != end.node).collect();
    let Some(node) = nodes.iter().find(|node| node.name() == end.node) else { return Vec::new() };
    let said = node.run(&overlay::script(end, &others), None, DEADLINE).await;
    overlay::read(&said.map(|output| output.stdout).unwrap_or_default(), end, &others)
}

async fn all_ends(nodes: &[Node]) -> Vec<(String, End)> {
    join_all(nodes.iter().map(ends)).await.concat()
}

/// A node's ends of overlay networks, by network: Docker's own one, or a container's.
async fn ends(node: &Node) -> Vec<(String, End)> {
    let filters = HashMap::from([("driver", vec!["overlay"])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let listed = node.ask("listing networks", |docker| {
        let options = options.clone();
        async move { docker.list_networks(Some(options)).await }
    });
    let names = listed.await.unwrap_or_default().into_iter().filter_map(|network| network.name);
    let inspect = async |network: String| {
        let inspected = node.ask("inspecting a network", |docker| {
            let network = network.clone();
            async move { docker.inspect_network(&network, None::<InspectNetworkOptions>).await }
        });
        let containers = inspected.await.ok()?.containers?;
        let ends = containers.into_iter().filter_map(|(id, container)| {
            let address = container.ipv4_address?.split_once('/')?.0.to_owned();
            Some((entry(&network, &id)?, address))
        });
        // Any would do, but the same one each time.
        let (entry, address) = ends.min_by(|one, other| one.1.cmp(&other.1))?;
        Some((network, End { node: node.name().to_owned(), address, entry }))
    };
    join_all(names.map(inspect)).await.into_iter().flatten().collect()
}

/// How the end with this id is entered; `lb-…` are ends of Docker's own that cannot be.
fn entry(network: &str, id: &str) -> Option<Entry> {
    match (network, id) {
        (overlay::INGRESS, "ingress-sbox") => Some(Entry::IngressSandbox),
        (overlay::INGRESS, _) => None,
        _ => id.chars().all(|character| character.is_ascii_hexdigit()).then(|| Entry::Container(id.to_owned())),
    }
}
