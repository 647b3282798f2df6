//! Whether packets pass between nodes on the swarm's overlay networks: real connections, from a node's end of a network to
//! the other nodes' ends of it. A refused connection has been there and back, so it is as good as one that is taken.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::finding::{CLUSTER, Finding};

pub(super) const CHECK: &str = "overlay";
/// The network of published ports; every node of a swarm has an end of it, whether anything runs or not.
pub(super) const INGRESS: &str = "ingress";
/// A port on which nothing listens.
const PORT: u16 = 1;
const CONNECT_SECONDS: u32 = 5;

/// Where a node's end of a network is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Docker's own sandbox of the ingress network.
    IngressSandbox,
    /// A container that is attached to the network.
    Container(String),
}

/// A node's end of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub node: String,
    /// Without its prefix's length.
    pub address: String,
    pub entry: Entry,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub from: String,
    pub to: String,
    /// None when packets passed.
    pub error: Option<String>,
}

/// The shell command that connects from `end` to all the others at once; it prints a line for each address.
pub(super) fn script(end: &End, others: &[&End]) -> String {
    let namespace = match &end.entry {
        Entry::IngressSandbox => "/run/docker/netns/ingress_sbox".to_owned(),
        Entry::Container(id) => format!("/proc/$(docker inspect --format '{{{{.State.Pid}}}}' {id})/ns/net"),
    };
    let mut script = format!("namespace={namespace}; ");
    for other in others {
        let address = &other.address;
        let _ = write!(
            script,
            "( said=$(sudo nsenter --net=\"$namespace\" timeout {CONNECT_SECONDS} bash -c 'exec 3<>/dev/tcp/{address}/{PORT}' \
             2>&1); echo \"{address} $? $(echo \"$said\" | head -n1)\" ) & "
        );
    }
    script + "wait"
}

/// What the command printed.
pub(super) fn read(output: &str, end: &End, others: &[&End]) -> Vec<Connection> {
    let connection = |other: &&End| {
        let line = output.lines().find_map(|line| line.strip_prefix(&other.address)?.strip_prefix(' '));
        let error = match line.map(|line| line.split_once(' ').unwrap_or((line, ""))) {
            Some(("0", _)) => None,
            Some((_, said)) if said.contains("refused") => None,
            Some(("124", _)) => Some(format!("no answer within {CONNECT_SECONDS} s")),
            Some((status, "")) => Some(format!("exit status {status}")),
            // bash says: `bash: connect: No route to host`.
            Some((_, said)) => Some(said.rsplit(": ").next().unwrap_or(said).to_owned()),
            None => Some("the try gave no result".to_owned()),
        };
        Connection { from: end.node.clone(), to: other.node.clone(), error }
    };
    others.iter().map(connection).collect()
}

/// All connections of a network: one finding when all pass; a node that none passes to or from is told once.
pub(super) fn judge(network: &str, connections: &[Connection]) -> Vec<Finding> {
    if connections.is_empty() {
        return Vec::new();
    }
    let failed: Vec<&Connection> = connections.iter().filter(|connection| connection.error.is_some()).collect();
    let nodes: BTreeSet<&str> = connections.iter().map(|connection| connection.from.as_str()).collect();
    if failed.is_empty() {
        let found = format!("network {network}: packets pass between all {} nodes", nodes.len());
        return vec![Finding::ok(CHECK, CLUSTER, found)];
    }
    let touches = |connection: &Connection, node: &str| connection.from == node || connection.to == node;
    // With two nodes, either would do: the pairs say more.
    let is_cut_off = |node: &&str| {
        nodes.len() > 2 && connections.iter().filter(|one| touches(one, node)).all(|one| one.error.is_some())
    };
    let cut_off: Vec<&str> = nodes.iter().copied().filter(is_cut_off).collect();
    let remedy = |node: &str| {
        format!(
            "UDP 4789, and TCP and UDP 7946 must be open between the nodes' private addresses; when they are: platformctl ssh \
             {node} sudo systemctl restart docker"
        )
    };
    let mut findings: Vec<Finding> = cut_off
        .iter()
        .map(|node| {
            let found = format!("network {network}: no packet passes between it and any other node");
            Finding::fail(CHECK, *node, found, remedy(node))
        })
        .collect();
    let others = failed.iter().filter(|connection| !cut_off.iter().any(|node| touches(connection, node)));
    findings.extend(others.map(|Connection { from, to, error }| {
        let error = error.as_deref().unwrap_or_default();
        Finding::fail(CHECK, format!("{from} → {to}"), format!("network {network}: {error}"), remedy(to))
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(node: &str, address: &str) -> End {
        End { node: node.into(), address: address.into(), entry: Entry::IngressSandbox }
    }

    #[test]
    fn answers_are_told_apart() {
        let (from, b, c, d, e) = (
            end("a", "10.0.0.2"),
            end("b", "10.0.0.3"),
            end("c", "10.0.0.31"),
            end("d", "10.0.0.4"),
            end("e", "10.0.0.5"),
        );
        let output = "10.0.0.31 1 bash: connect: Connection refused\n10.0.0.3 0 \n\
                      10.0.0.4 1 bash: connect: No route to host\n10.0.0.5 124 \n";
        let others = [&b, &c, &d, &e];
        let errors: Vec<Option<String>> = read(output, &from, &others).into_iter().map(|one| one.error).collect();
        assert_eq!(errors, [None, None, Some("No route to host".into()), Some("no answer within 5 s".into())]);
        assert!(read("", &from, &[&b])[0].error.is_some());
    }

    #[test]
    fn a_container_is_entered_by_its_process() {
        let from = End { entry: Entry::Container("abc".into()), ..end("a", "10.0.1.2") };
        let script = script(&from, &[&end("b", "10.0.1.3")]);
        assert!(
            script.starts_with("namespace=/proc/$(docker inspect --format '{{.State.Pid}}' abc)/ns/net; ( said="),
            "{script}"
        );
        assert!(script.contains("/dev/tcp/10.0.1.3/1"), "{script}");
    }

    #[test]
    fn failures_collapse() {
        let all = |broken: &dyn Fn(&str, &str) -> bool| {
            let mut connections = Vec::new();
            for from in ["a", "b", "c"] {
                for to in ["a", "b", "c"].into_iter().filter(|to| *to != from) {
                    let error = broken(from, to).then(|| "no answer".to_owned());
                    connections.push(Connection { from: from.into(), to: to.into(), error });
                }
            }
            let findings = judge("x", &connections);
            findings.into_iter().map(|one| format!("{}: {}", one.subject, one.found)).collect::<Vec<_>>()
        };
        assert_eq!(all(&|_, _| false), ["cluster: network x: packets pass between all 3 nodes"]);
        assert_eq!(
            all(&|from, to| from == "b" || to == "b"),
            ["b: network x: no packet passes between it and any other node"]
        );
        assert_eq!(all(&|from, to| (from, to) == ("a", "c")), ["a → c: network x: no answer"]);
        assert!(judge("x", &[]).is_empty());
    }
}
