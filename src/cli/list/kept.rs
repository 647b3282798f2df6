//! Clusters that have a directory here, and what it says of them.

use std::path::{Path, PathBuf};

use super::listed::{ClusterState, ListedCluster};
use crate::directory::{Cloud, ClusterDirectory, StoredCluster};
use crate::spec::ClusterName;
use nodes::clusters::directories;
use report::mark::DEGRADED;
use report::{Failure, Reporter};

/// A directory of a cluster.
pub(super) struct Kept {
    /// The folder's name, which commands take.
    pub name: String,
    pub directory: PathBuf,
    pub content: Content,
}

/// What is in it.
pub(super) enum Content {
    Settled(Box<StoredCluster>),
    /// Why it does not say what the cluster is.
    Damaged(String),
}

impl Kept {
    /// The same as a line of the list.
    pub(super) fn listed(&self, state: ClusterState, reason: Option<String>) -> ListedCluster {
        let stored = match &self.content {
            Content::Settled(stored) => Some(stored),
            Content::Damaged(_) => None,
        };
        ListedCluster {
            name: self.name.clone(),
            cloud: stored.map(|stored| stored.cloud),
            subscription: stored.map(|stored| stored.subscription.clone()),
            resource_group: stored.map(|stored| stored.spec.resource_group.to_string()),
            location: stored.map(|stored| stored.spec.location.to_string()),
            nodes: stored.map(|stored| stored.spec.node_count),
            state,
            reason,
            directory: Some(self.directory.clone()),
        }
    }

    /// Whether the directory is that of this cluster.
    pub(super) fn is(&self, cloud: Cloud, subscription: &str, resource_group: &str, name: &str) -> bool {
        match &self.content {
            Content::Settled(stored) => {
                stored.cloud == cloud
                    && stored.subscription.eq_ignore_ascii_case(subscription)
                    && stored.spec.resource_group.as_str().eq_ignore_ascii_case(resource_group)
                    && stored.spec.name.as_str() == name
            }
            Content::Damaged(_) => false,
        }
    }
}

/// All of them. One that cannot be read keeps no other from being listed, and is one of `failures`.
pub(super) fn kept_in(home: &Path, failures: &mut Vec<Failure>, reporter: &Reporter) -> Result<Vec<Kept>, Failure> {
    let mut all = Vec::new();
    for name in directories(home)? {
        let Ok(name) = name.parse::<ClusterName>() else {
            let path = home.join(&name);
            reporter.note(format!("{DEGRADED} `{}` is no name of a cluster, and is left out", path.display()));
            continue;
        };
        let directory = ClusterDirectory::locate(Some(home), &name)?;
        let content = match directory.stored_cluster() {
            Ok(Some(stored)) => Content::Settled(Box::new(stored)),
            Ok(None) => Content::Damaged(format!(
                "`{}` is lost; `azure-coreos-cluster {name}` with all options of the first time writes it anew",
                directory.spec().display()
            )),
            Err(error) => {
                let why = error.to_string();
                failures.push(error.into());
                Content::Damaged(why)
            }
        };
        all.push(Kept { name: name.to_string(), directory: directory.root().to_owned(), content });
    }
    Ok(all)
}
