//! What apps need of a bundle to be reached.

use routing::LabelPrefix;

/// How requests find apps under a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRouting {
    /// The bundle's name, which all its names in the swarm begin with.
    pub bundle: String,
    /// Its components: services find them under these names on networks that they share.
    pub components: Vec<String>,
    /// The overlay network that routers and public services share, by its name in the swarm.
    pub network: String,
    /// More networks of the bundle that services of apps may join, by their names in the swarm.
    pub open_networks: Vec<String>,
    /// What names of the labels begin with by which services say which requests are theirs.
    pub labels: LabelPrefix,
}

impl AppRouting {
    /// Whether a network is one that the bundle shares with apps.
    pub fn is_shared(&self, network: &str) -> bool {
        self.network == network || self.open_networks.iter().any(|open| open == network)
    }
}
