//! Looks at everything that the platform needs and says what is wrong and what helps. Changes nothing.
//!
//! Asking and judging are apart: `examine`, `installed`, `mesh` and `public` ask nodes, swarm, etcd, load balancer and DNS,
//! each with a deadline; the modules named after what they judge are pure. `cli/platform/doctor` calls it.

mod certificate;
mod clock;
mod connection;
mod disk;
mod docker;
mod domain_certificate;
mod etcd;
mod examine;
mod finding;
mod health;
mod installed;
mod machine;
mod mesh;
mod name;
mod overlay;
mod probe;
mod public;
mod routes;
mod service;
mod setting;
pub(crate) mod support;
mod swarm;

pub(crate) use finding::{CLUSTER, Finding, GROUPS, Level};

use std::time::Duration;

use futures::future::join_all;

use super::Platform;
use examine::Examination;
use nodes::cluster::Node;
use nodes::ssh::SshError;

/// A node that has not answered by then, directly or through another one, is reported and left alone.
const CONNECT_DEADLINE: Duration = Duration::from_secs(20);

/// What all checks found.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    /// In the order of [`GROUPS`], and within a check as they were found.
    pub findings: Vec<Finding>,
    /// Names of nodes that cannot be reached over SSH.
    pub unreachable: Vec<String>,
}

/// Runs all checks.
pub(crate) async fn diagnose(platform: &Platform) -> Diagnosis {
    let cluster = &platform.cluster;
    let connect = async |node: &Node| match tokio::time::timeout(CONNECT_DEADLINE, node.session()).await {
        Ok(connected) => connected.map(drop),
        Err(_) => {
            let endpoint = &node.facts().ssh;
            let address = format!("{}:{}", endpoint.host, endpoint.port);
            Err(SshError::TimedOut { address, within: CONNECT_DEADLINE })
        }
    };
    let connected = join_all(cluster.nodes().iter().map(connect)).await;
    let mut findings = Vec::new();
    let mut unreachable = Vec::new();
    for (node, connected) in cluster.nodes().iter().zip(&connected) {
        findings.push(connection::judge(cluster.name(), node.facts(), connected.as_ref().map(drop)));
        if connected.is_err() {
            unreachable.push(node.name().to_owned());
        }
    }
    let answering = Platform::new(cluster.only(|node| !unreachable.iter().any(|name| name == node.name())));
    if !answering.cluster.nodes().is_empty() {
        findings.extend(Examination { cluster, answering: &answering }.all().await);
    }
    findings.sort_by_key(Finding::rank);
    Diagnosis { findings, unreachable }
}
