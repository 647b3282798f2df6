//! `platformctl machines`: each node's state, asked over SSH.

use std::fmt::Write as _;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;

use super::arguments::ConnectionArguments;
use super::connect;
use nodes::cluster::Node;
use nodes::inventory::InventoryNode;
use nodes::ssh::SshError;
use report::Failure;
use report::OutputFormat;
use report::output;

/// One question to one node.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Prints one `key=value` a line.
const QUESTION: &str = "\
    . /etc/os-release; echo \"os=$PRETTY_NAME\"; echo \"kernel=$(uname -r)\"; \
    echo \"state=$(systemctl is-system-running)\"; \
    echo \"failed=$(systemctl --failed --plain --no-legend | cut -d' ' -f1 | tr '\\n' ' ')\"; \
    echo \"docker=$(sudo docker info --format '{{.ServerVersion}}' 2>/dev/null)\"; \
    echo \"etcd=$(systemctl is-active etcd-member.service)\"; \
    echo \"uptime=$(cut -d. -f1 /proc/uptime)\"";

/// A node's state as programs read it.
#[derive(Serialize)]
struct Machine {
    name: String,
    address: String,
    etcd_member: bool,
    /// systemd's word, or `unreachable`.
    state: String,
    failed_units: Vec<String>,
    docker: Option<String>,
    etcd: Option<String>,
    os: Option<String>,
    kernel: Option<String>,
    uptime_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs the command: 7 when a node cannot be reached, 8 when one is neither `running` nor `degraded`.
pub(super) async fn run(arguments: &ConnectionArguments, format: OutputFormat) -> Result<(), Failure> {
    let cluster = connect::cluster(arguments).await?;
    let answers = join_all(cluster.nodes().iter().map(ask)).await;
    let mut machines = Vec::new();
    let mut errors = Vec::new();
    for (node, answer) in cluster.nodes().iter().zip(answers) {
        match answer {
            Ok(text) => machines.push(machine(node.facts(), &text)),
            Err(error) => {
                machines.push(unreachable(node.facts(), &error));
                errors.push((node.name().to_owned(), error));
            }
        }
    }
    output::result(format, &machines, &text(&machines))?;
    if !errors.is_empty() {
        return Err(cluster.unreachable(errors));
    }
    let unwell = machines.iter().filter(|machine| !["running", "degraded"].contains(&machine.state.as_str()));
    let mut reasons: Vec<String> =
        unwell.map(|machine| format!("node `{}` is `{}`", machine.name, machine.state)).collect();
    let silent = machines.iter().filter(|machine| machine.etcd_member && machine.etcd.as_deref() != Some("active"));
    reasons.extend(silent.map(|machine| format!("node `{}`: etcd-member.service is not active", machine.name)));
    let hint = "platformctl ssh NODE journalctl --boot --priority warning".to_owned();
    if reasons.is_empty() { Ok(()) } else { Err(Failure::Unhealthy { reasons, hint }) }
}

async fn ask(node: &Node) -> Result<String, SshError> {
    Ok(node.run(QUESTION, None, TIMEOUT).await?.stdout)
}

fn machine(node: &InventoryNode, answer: &str) -> Machine {
    let value = |key: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let etcd = value("etcd").filter(|_| node.etcd_member);
    Machine {
        name: node.name.clone(),
        address: node.private_address.to_string(),
        etcd_member: node.etcd_member,
        state: value("state").unwrap_or_else(|| "unknown".into()),
        failed_units: value("failed")
            .map(|text| text.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default(),
        docker: value("docker"),
        etcd,
        os: value("os"),
        kernel: value("kernel"),
        uptime_seconds: value("uptime").and_then(|text| text.parse().ok()),
        error: None,
    }
}

fn unreachable(node: &InventoryNode, error: &SshError) -> Machine {
    Machine { state: "unreachable".into(), error: Some(error.to_string()), ..machine(node, "") }
}

fn text(machines: &[Machine]) -> String {
    let width = machines.iter().map(|machine| machine.name.len()).max().unwrap_or_default().max("MACHINE".len());
    let mut text =
        format!("{:<width$}  {:<15} {:<12} {:<10} {:<16} {}\n", "MACHINE", "ADDRESS", "STATE", "ETCD", "DOCKER", "OS");
    for machine in machines {
        let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        let _ = writeln!(
            text,
            "{:<width$}  {:<15} {:<12} {:<10} {:<16} {}",
            machine.name,
            machine.address,
            machine.state,
            or_dash(&machine.etcd),
            or_dash(&machine.docker),
            or_dash(&machine.os)
        );
        if !machine.failed_units.is_empty() {
            let _ = writeln!(text, "  failed units: {}", machine.failed_units.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use nodes::inventory::SocketEndpoint;

    #[test]
    fn answers_become_machines() {
        let node = InventoryNode {
            name: "a".into(),
            private_address: "10.32.0.4".parse().unwrap(),
            etcd_member: true,
            data_disk: false,
            ssh: SocketEndpoint { host: "127.0.0.1".into(), port: 22001 },
            host_key: String::new(),
        };
        let machine = machine(
            &node,
            "os=Flatcar\nstate=degraded\nfailed=a.service b.service \ndocker=\netcd=active\nuptime=12\n",
        );
        assert_eq!((machine.state.as_str(), machine.docker, machine.uptime_seconds), ("degraded", None, Some(12)));
        assert_eq!(machine.failed_units, ["a.service", "b.service"]);
        assert_eq!(machine.etcd.as_deref(), Some("active"));
    }
}
