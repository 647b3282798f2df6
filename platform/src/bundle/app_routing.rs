//! What apps need of a bundle to be reached.

use routing::LabelPrefix;

/// How requests find apps under a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRouting {
    /// The overlay network that routers and public services share, by its name in the swarm.
    pub network: String,
    /// What names of the labels begin with by which services say which requests are theirs.
    pub labels: LabelPrefix,
}
