//! Whether nodes answer on SSH, each with its own host key.

use super::finding::Finding;
use nodes::inventory::InventoryNode;
use nodes::ssh::SshError;

const CHECK: &str = "ssh";

/// What came of connecting to a node.
pub(super) fn judge(cluster: &str, node: &InventoryNode, connected: Result<(), &SshError>) -> Finding {
    let name = &node.name;
    let error = match connected {
        Ok(()) => return Finding::ok(CHECK, name, "answers with its own host key"),
        Err(error) => error,
    };
    let status = format!("azure-coreos-cluster status {cluster}");
    let started = "start the machine when it is stopped; SSH of a running one may wait for its boot";
    match error {
        SshError::Connect { address, reason } => {
            let found = match reason.to_lowercase() {
                reason if reason.contains("refused") => format!("refuses connections at {address}"),
                reason if reason.contains("reset") => {
                    format!("drops connections at {address}: nothing answers behind the load balancer's port")
                }
                reason if reason.contains("timed out") => format!("does not answer at {address}"),
                _ => format!("cannot be connected to: {error}"),
            };
            Finding::fail(CHECK, name, found, format!("{status} shows whether it runs; {started}"))
        }
        SshError::TimedOut { address, within } => Finding::fail(
            CHECK,
            name,
            format!("does not answer at {address} within {} s", within.as_secs()),
            format!("{status} shows whether it runs; {started}"),
        ),
        SshError::Protocol { reason, .. } => Finding::fail(
            CHECK,
            name,
            format!("takes connections and drops them: {reason}"),
            format!("{status} shows whether it runs; {started}"),
        ),
        SshError::HostKey { address, offered } => Finding::fail(
            CHECK,
            name,
            format!("another machine answers at {address}: its host key is {offered}, not the one it was given"),
            format!(
                "do not sign in; when the machine was made anew, azure-coreos-cluster {cluster} writes its new key"
            ),
        ),
        SshError::Authentication { reason, .. } => Finding::fail(
            CHECK,
            name,
            format!("refuses the key: {reason}"),
            "--identity FILE names the key that the cluster was created with; without a file the agent is asked",
        ),
        SshError::Identity(reason) => Finding::fail(
            CHECK,
            name,
            format!("no key to sign in with: {reason}"),
            "start an agent and ssh-add the key, or --identity FILE",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::Level;
    use nodes::inventory::SocketEndpoint;

    #[test]
    fn errors_are_told_apart() {
        let node = InventoryNode {
            name: "n".into(),
            private_address: "10.32.0.4".parse().unwrap(),
            etcd_member: true,
            data_disk: false,
            ssh: SocketEndpoint { host: "h".into(), port: 22 },
            host_key: String::new(),
        };
        let address = || "h:22".to_owned();
        let connect = |reason: &str| SshError::Connect { address: address(), reason: reason.into() };
        for (error, found, remedy) in [
            (connect("Connection refused (os error 111)"), "refuses connections at h:22", "status c"),
            (connect("Connection reset by peer (os error 104)"), "drops connections at h:22", "status c"),
            (connect("Connection timed out (os error 110)"), "does not answer at h:22", "status c"),
            (connect("No route to host (os error 113)"), "cannot be connected to", "status c"),
            (
                SshError::TimedOut { address: address(), within: Duration::from_secs(9) },
                "does not answer at h:22 within 9 s",
                "status c",
            ),
            (
                SshError::Protocol { address: address(), reason: "Disconnected".into() },
                "drops them: Disconnected",
                "status c",
            ),
            (
                SshError::HostKey { address: address(), offered: "SHA256:x".into() },
                "its host key is SHA256:x",
                "do not sign in",
            ),
            (
                SshError::Authentication { address: address(), reason: "unknown".into() },
                "refuses the key: unknown",
                "--identity",
            ),
            (SshError::Identity("no agent".into()), "no key to sign in with: no agent", "ssh-add"),
        ] {
            let finding = judge("c", &node, Err(&error));
            assert_eq!((finding.level, finding.subject.as_str()), (Level::Fail, "n"));
            assert!(finding.found.contains(found), "{finding:?}");
            assert!(finding.remedy.as_ref().unwrap().contains(remedy), "{finding:?}");
        }
        assert_eq!(judge("c", &node, Ok(())).level, Level::Ok);
    }
}
