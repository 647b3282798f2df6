//! The platform's PostgreSQL server: what it holds, saved to a file and brought back, and its password changed.
//!
//! `cli/database` calls it. The component is called `database`, and its container takes the environment of the official image
//! <https://hub.docker.com/_/postgres>. Programs run in that container by `docker exec` on its node, so they are of the server's version,
//! and sign in over its Unix socket, which asks for no password.

mod archive;
mod backup;
mod password;
mod restore;
mod scram;
mod transfer;

pub(crate) use archive::{ArchiveHeader, HEADER_BYTES};
pub(crate) use password::{NewPassword, change_password};
#[cfg(test)]
pub(crate) use scram::{SALT_BYTES, verifier};
pub(crate) use transfer::Measured;

use std::time::Duration;

use futures::future::join_all;

use crate::container;
use nodes::cluster::{Cluster, Node};
use nodes::ssh::SshError;
use report::Failure;

/// The component, and the target of its settings.
const COMPONENT: &str = "database";
/// For a question to the server.
const PATIENCE: Duration = Duration::from_secs(60);
/// One line a container that runs: id, namespace, service.
const CONTAINERS: &str = "docker ps --no-trunc --filter status=running --filter label=com.docker.swarm.service.name \
    --format '{{.ID}} {{.Label \"com.docker.stack.namespace\"}} {{.Label \"com.docker.swarm.service.name\"}}'";
/// Who signs in where, in the container's shell.
const SIGN_IN: &str = "user=\"${POSTGRES_USER:-postgres}\"; database=\"${POSTGRES_DB:-$user}\"; ";
const LOOK: &str = "psql --no-psqlrc --no-password --tuples-only --no-align --set=ON_ERROR_STOP=1 --username=\"$user\" \
    --dbname=\"$database\" --command=\"SHOW server_version\" --command=\"SELECT pg_database_size(current_database())\"";

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Database<'c> {
    cluster: &'c Cluster,
    node: &'c Node,
    container: String,
    pub version: ServerVersion,
    /// On the node's disk; a backup is usually much smaller.
    pub bytes: u64,
}

/// A version of PostgreSQL: `17.12 (Debian 17.12-0+deb13u1)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerVersion {
    /// Files and backups of one major version are read by all its releases, and backups by later versions.
    pub major: u32,
    /// `17.12`
    pub number: String,
}

impl ServerVersion {
    fn read(text: &str) -> Option<Self> {
        let number = text.split_whitespace().next()?;
        let digits = number.find(|character: char| !character.is_ascii_digit()).map_or(number, |end| &number[..end]);
        let is_good = number.len() <= 40 && number.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        is_good.then_some(())?;
        Some(Self { major: digits.parse().ok()?, number: number.to_owned() })
    }
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.number)
    }
}

impl<'c> Database<'c> {
    /// Finds the database's container on the cluster's nodes and asks the server in it.
    pub(crate) async fn find(cluster: &'c Cluster) -> Result<Self, Failure> {
        let asked = join_all(cluster.nodes().iter().map(async |node| (node, node.succeed(CONTAINERS).await))).await;
        let (mut unreachable, mut refusals, mut found) = (Vec::new(), Vec::new(), None);
        for (node, answer) in asked {
            match answer {
                Err(error) => unreachable.push((node.name().to_owned(), error)),
                Ok(Err(said)) => refusals.push(format!("node `{}`: listing containers: {said}", node.name())),
                Ok(Ok(lines)) => found = found.or_else(|| Some((node, database_among(&lines)?))),
            }
        }
        match found {
            Some((node, container)) => Self::ask(cluster, node, container).await,
            None => Err(not_there(cluster, unreachable, refusals)),
        }
    }

    async fn ask(cluster: &'c Cluster, node: &'c Node, container: String) -> Result<Self, Failure> {
        let unready = |said: &str| Failure::Unhealthy {
            reasons: vec![format!("node `{}`: the database does not answer: {said}", node.name())],
            hint: "platformctl status database; platformctl journal database -n 50".into(),
        };
        let answer = node.succeed(&in_container(&container, LOOK)).await;
        let answer = answer.map_err(|error| cluster.unreachable(vec![(node.name().to_owned(), error)]))?;
        let text = answer.map_err(|said| unready(&said))?;
        let mut lines = text.lines();
        let version = lines.next().and_then(ServerVersion::read);
        let bytes = lines.next().and_then(|line| line.trim().parse().ok());
        let strange =
            || unready(&format!("asked for its version and size, it says `{}`", report::one_line(&text, 200)));
        let (version, bytes) = version.zip(bytes).ok_or_else(strange)?;
        Ok(Self { cluster, node, container, version, bytes })
    }

    /// The failure for a node that went away.
    fn unreachable(&self, error: SshError) -> Failure {
        self.cluster.unreachable(vec![(self.node.name().to_owned(), error)])
    }

    /// The failure for a program in the container that did not succeed.
    fn failed(&self, doing: &str, said: &str) -> Failure {
        Failure::Unhealthy {
            reasons: vec![format!("node `{}`: {doing}: {said}", self.node.name())],
            hint: "platformctl status database; platformctl journal database -n 50".into(),
        }
    }
}

/// The command for the node's shell that runs `script`, which has no single quotes, in the container.
fn in_container(container: &str, script: &str) -> String {
    format!("exec docker exec --interactive {container} sh -c '{SIGN_IN}exec {script}'")
}

/// The container of a bundle's component, not that of an app's service.
fn database_among(lines: &str) -> Option<String> {
    lines.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (id, namespace, service) = (words.next()?, words.next()?, words.next()?);
        let is_id = !id.is_empty() && id.chars().all(|character| character.is_ascii_hexdigit());
        (is_id && container::target_name(service, Some(namespace)) == COMPONENT).then(|| id.to_owned())
    })
}

fn not_there(cluster: &Cluster, unreachable: Vec<(String, SshError)>, mut refusals: Vec<String>) -> Failure {
    let away = match unreachable.is_empty() {
        true => "no container of the component `database` runs",
        false => "no container of the component `database` runs on the nodes that answer",
    };
    refusals.insert(0, away.to_owned());
    if !unreachable.is_empty()
        && let Failure::Host { errors, hint, .. } = cluster.unreachable(unreachable)
    {
        return Failure::Host { errors, unhealthy: refusals, hint };
    }
    let hint = "platformctl status database; where it was never installed: platformctl config database set enabled=true \
        node=MACHINE, platformctl install platform, platformctl start database";
    Failure::Unhealthy { reasons: refusals, hint: hint.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("17.12 (Debian 17.12-0+deb13u1)", Some((17, "17.12"))),
            ("18beta1", Some((18, "18beta1"))),
            ("9.6.24", Some((9, "9.6.24"))),
            ("", None),
            ("seventeen", None),
            ("17;rm", None),
        ] {
            let version = ServerVersion::read(text);
            assert_eq!(version.as_ref().map(|found| (found.major, found.number.as_str())), expected, "{text}");
        }
    }

    #[test]
    fn the_container_is_the_components() {
        for (lines, expected) in [
            ("0a platform platform_database.\n1b platform platform_router\n", None),
            ("0a app-shop app-shop_database\n1b platform platform_database\n", Some("1b")),
            ("x;y platform platform_database\n", None),
            ("0a\n\n", None),
        ] {
            assert_eq!(database_among(lines).as_deref(), expected, "{lines}");
        }
    }
}
