//! A cluster of the list: where it is, what is known of it here, and what Azure says.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::arm::PowerState;
use crate::directory::Cloud;
use report::table;

/// As programs read it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ListedCluster {
    /// The directory's, which commands take; else the tag's.
    pub name: String,
    /// None, as with what follows, where the directory is damaged and nobody has such a cluster.
    pub cloud: Option<Cloud>,
    pub subscription: Option<String>,
    pub resource_group: Option<String>,
    pub location: Option<String>,
    /// How many nodes it was made with; none when no directory says it.
    pub nodes: Option<u32>,
    pub state: ClusterState,
    /// Why its state is not known, or what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What holds its keys; none when this machine has none.
    pub directory: Option<PathBuf>,
}

/// What a cluster's machines do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClusterState {
    Running,
    /// Some are off, or on their way, or not there.
    PartlyRunning,
    Stopped,
    /// It has no machines.
    NoMachines,
    /// Nothing of it is there, its group included.
    Gone,
    /// Nobody was asked, or nobody says.
    Unknown,
}

impl ClusterState {
    /// Of machines with these powers, out of so many as there should be.
    pub(super) fn of(powers: &[PowerState], nodes: Option<u32>) -> Self {
        let running = powers.iter().filter(|power| **power == PowerState::Running).count();
        let is_whole = nodes.is_none_or(|nodes| powers.len() >= nodes as usize);
        match running {
            _ if powers.is_empty() => Self::NoMachines,
            _ if powers.iter().all(|power| *power == PowerState::Unknown) => Self::Unknown,
            running if running == powers.len() && is_whole => Self::Running,
            0 if powers.iter().all(PowerState::is_off) => Self::Stopped,
            _ => Self::PartlyRunning,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::PartlyRunning => "partly running",
            Self::Stopped => "stopped",
            Self::NoMachines => "no machines",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

/// For people; paths below the user's own folder begin with `~`.
pub(super) fn text(clusters: &[ListedCluster], home: Option<&Path>) -> String {
    if clusters.is_empty() {
        return "no clusters\n".to_owned();
    }
    let directory = |cluster: &ListedCluster| match (&cluster.directory, home) {
        (None, _) => "-".to_owned(),
        (Some(path), Some(home)) if path.starts_with(home) => {
            format!("~/{}", path.strip_prefix(home).unwrap_or(path).display())
        }
        (Some(path), _) => path.display().to_string(),
    };
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let rows = clusters.iter().map(|cluster| {
        let reason = cluster.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        [
            cluster.name.clone(),
            or_dash(cluster.cloud.map(Cloud::as_str)),
            or_dash(cluster.location.as_deref()),
            or_dash(cluster.resource_group.as_deref()),
            cluster.nodes.map_or_else(|| "-".to_owned(), |nodes| nodes.to_string()),
            directory(cluster),
            format!("{}{reason}", cluster.state.word()),
        ]
    });
    table(["NAME", "CLOUD", "LOCATION", "GROUP", "NODES", "DIRECTORY", "STATE"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        use PowerState::{Deallocated, Running, Starting, Unknown};
        for (powers, nodes, expected) in [
            (vec![], Some(3), ClusterState::NoMachines),
            (vec![Running, Running], Some(2), ClusterState::Running),
            (vec![Running, Running], None, ClusterState::Running),
            (vec![Running, Running], Some(3), ClusterState::PartlyRunning),
            (vec![Running, Deallocated], Some(2), ClusterState::PartlyRunning),
            (vec![Deallocated, Deallocated], Some(2), ClusterState::Stopped),
            (vec![Deallocated, Starting], Some(2), ClusterState::PartlyRunning),
            (vec![Unknown, Unknown], Some(2), ClusterState::Unknown),
            (vec![Unknown, Running], Some(2), ClusterState::PartlyRunning),
        ] {
            assert_eq!(ClusterState::of(&powers, nodes), expected, "{powers:?} of {nodes:?}");
        }
    }

    #[test]
    fn texts() {
        let known = ListedCluster {
            name: "mycluster".into(),
            cloud: Some(Cloud::Azure),
            subscription: Some("s".into()),
            resource_group: Some("g".into()),
            location: Some("westeurope".into()),
            nodes: Some(3),
            state: ClusterState::Unknown,
            reason: Some("Azure could not be asked".into()),
            directory: Some("/home/me/state/mycluster".into()),
        };
        let other = ListedCluster {
            name: "other".into(),
            nodes: None,
            state: ClusterState::Running,
            reason: None,
            directory: None,
            ..known.clone()
        };
        let damaged = ListedCluster {
            name: "third".into(),
            cloud: None,
            resource_group: None,
            location: None,
            reason: None,
            ..known.clone()
        };
        assert_eq!(
            text(&[known, other, damaged], Some(Path::new("/home/me"))),
            "NAME       CLOUD  LOCATION    GROUP  NODES  DIRECTORY          STATE\n\
             mycluster  azure  westeurope  g      3      ~/state/mycluster  unknown: Azure could not be asked\n\
             other      azure  westeurope  g      -      -                  running\n\
             third      -      -           -      3      ~/state/mycluster  unknown\n"
        );
        assert_eq!(text(&[], None), "no clusters\n");
    }
}
