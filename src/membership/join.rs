//! Members that join: room is made for each, it is started where it does not run, and gets its vote when it has caught up.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::members_by;
use crate::pki::Material;
use crate::readiness::wait_for_ssh;
use crate::spec::{Node as SpecNode, SettledSpec};
use crate::userdata::{ETCD_UNIT, etcd_member_files};
use nodes::cluster::{Cluster, Node};
use nodes::etcd::{Members, StoreError};
use nodes::ssh::SshError;
use report::mark::GOOD;
use report::{Failure, NodeError, Reporter};

/// From starting a member to its having all that the others have.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(10 * 60);
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// For a file, or a word to systemd.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// Has every member of the spec in etcd that was not there when etcd began, one after the other. A member that is there
/// with its vote is left alone. `cluster` has them all; the machines of new ones may still be booting.
pub(crate) async fn join(
    cluster: &Cluster,
    spec: &SettledSpec,
    material: &Material,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let joining: Vec<SpecNode> = spec.nodes().into_iter().filter(|node| node.etcd_joins).collect();
    if joining.is_empty() {
        return Ok(());
    }
    let is_joining = |node: &&Node| joining.iter().any(|joining| joining.name == node.name());
    // A learner answers no questions about members.
    let members = members_by(cluster, cluster.members().filter(|node| !is_joining(node)));
    let refused = |error: StoreError| nodes::etcd::Store::new(cluster.clone()).failure(error);
    for joining in joining {
        let listed = members.list().await.map_err(refused)?;
        let is_settled =
            listed.iter().any(|member| member.is_at(joining.address) && member.name.is_some() && !member.is_learner);
        if is_settled {
            continue;
        }
        let node = cluster.node(&joining.name).ok_or_else(|| {
            Failure::Other(anyhow::anyhow!("the inventory does not have node `{}`; this is a bug", joining.name))
        })?;
        let unreachable = |error: SshError| Failure::Host {
            errors: vec![NodeError { node: joining.name.clone(), cause: error.to_string() }],
            unhealthy: Vec::new(),
            hint: format!("azure-coreos-cluster status {} --console shows what Azure knows of it", spec.name),
        };
        wait_for_ssh(node, spec.user_data_format).await.map_err(unreachable)?;
        members.add_learner(&joining.name, joining.address).await.map_err(refused)?;
        start(node, spec, &joining, material).await?;
        promote(&members, &joining, spec).await?;
        reporter.note(format!("{GOOD} etcd: {} joined", joining.name));
    }
    Ok(())
}

/// Gives the node what its user-data would have given a member, and starts it. All of it can be repeated.
async fn start(node: &Node, spec: &SettledSpec, joining: &SpecNode, material: &Material) -> Result<(), Failure> {
    let files = etcd_member_files(spec, joining, material).map_err(anyhow::Error::new)?;
    for file in files {
        let (user, group) = file.owner.as_deref().and_then(|owner| owner.split_once(':')).unwrap_or(("root", "root"));
        let mode = file.permissions.as_deref().unwrap_or("0644");
        let command = format!("sudo install -D -m {mode} -o {user} -g {group} /dev/stdin '{}'", file.path);
        succeed(node, &command, Some(&file.content)).await?;
    }
    // What has failed to start until now may be waiting for its next try.
    let command = format!(
        "sudo systemctl daemon-reload && sudo systemctl add-wants multi-user.target {ETCD_UNIT} && \
         {{ systemctl is-active --quiet {ETCD_UNIT} || {{ sudo systemctl reset-failed {ETCD_UNIT}; \
         sudo systemctl --no-block restart {ETCD_UNIT}; }}; }}"
    );
    succeed(node, &command, None).await
}

async fn succeed(node: &Node, command: &str, input: Option<&str>) -> Result<(), Failure> {
    let told = |cause: String| Failure::Host {
        errors: vec![NodeError { node: node.name().to_owned(), cause }],
        unhealthy: Vec::new(),
        hint: "the same command goes on from here".into(),
    };
    let output = node.run(command, input, COMMAND_TIMEOUT).await.map_err(|error| told(error.to_string()))?;
    output.success().map(drop).map_err(|said| told(format!("making it a member of etcd: {said}")))
}

/// Until etcd takes it for a full member, which it does when the learner has caught up.
async fn promote(members: &Members, joining: &SpecNode, spec: &SettledSpec) -> Result<(), Failure> {
    let deadline = Instant::now() + CATCH_UP_DEADLINE;
    loop {
        let listed = members.list().await;
        let reason = match listed {
            Ok(listed) => match listed.iter().find(|member| member.is_at(joining.address)) {
                Some(member) if !member.is_learner && member.name.is_some() => return Ok(()),
                Some(member) if member.name.is_none() => "it has not started".to_owned(),
                Some(member) => match members.promote(member).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error.to_string(),
                },
                None => "etcd does not list it".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        if Instant::now() > deadline {
            return Err(Failure::Unhealthy {
                reasons: vec![format!(
                    "node `{}` did not catch up with etcd within {} s: {reason}",
                    joining.name,
                    CATCH_UP_DEADLINE.as_secs()
                )],
                hint: format!(
                    "`platformctl --cluster {} ssh {} journalctl --unit {ETCD_UNIT}` says why; the same command goes on from here",
                    spec.name, joining.name
                ),
            });
        }
        sleep(POLL_INTERVAL).await;
    }
}
