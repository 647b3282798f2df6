//! Members that join: room is made for each, it is started where it does not run, and gets its vote when it has caught up.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::members_by;
use crate::pki::Material;
use crate::readiness::wait_for_ssh;
use crate::spec::{Node as SpecNode, SettledSpec};
use crate::userdata::{ETCD_UNIT, etcd_member_files};
use nodes::cluster::{Cluster, Node};
use nodes::etcd::{Member, Members, Store, StoreError};
use nodes::ssh::SshError;
use report::mark::GOOD;
use report::{Failure, NodeError, Reporter};

/// For etcd to answer: the machines that began it may be booting.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// From starting a member to its having all that the others have.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(10 * 60);
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// For a file, or a word to systemd.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
/// Over what user-data says of it: whom etcd has when it joins may be others by then.
const JOINING_DROP_IN: &str = "/etc/systemd/system/etcd-member.service.d/30-joining.conf";

/// The nodes whose members are to join etcd, which had begun before they came.
pub(crate) struct Joining<'j> {
    cluster: &'j Cluster,
    spec: &'j SettledSpec,
    nodes: Vec<SpecNode>,
    members: Members,
}

impl<'j> Joining<'j> {
    /// Looks who of the spec's members is not in etcd, or is there in name only, because its machine is among the `new` ones of
    /// this run. None when all are. `cluster` has them all; machines may still be booting.
    pub(crate) async fn look(
        cluster: &'j Cluster,
        spec: &'j SettledSpec,
        new: &BTreeSet<String>,
    ) -> Result<Option<Self>, Failure> {
        let mut nodes: Vec<SpecNode> = spec.nodes().into_iter().filter(|node| node.etcd_joins).collect();
        if nodes.is_empty() {
            return Ok(None);
        }
        let is_joining = |node: &&Node| nodes.iter().any(|joining| joining.name == node.name());
        // A learner answers no questions about members.
        let members = members_by(cluster, cluster.members().filter(|node| !is_joining(node)));
        let listed = patiently(&members, cluster).await?;
        nodes.retain(|node| !is_settled(&listed, node) || new.contains(&node.name));
        Ok(Some(Self { cluster, spec, nodes, members }).filter(|joining| !joining.nodes.is_empty()))
    }

    /// Has each of them join, one after the other. Whoever calls holds the cluster's lock.
    pub(crate) async fn join(
        &self,
        material: &Material,
        new: &BTreeSet<String>,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        for joining in &self.nodes {
            self.join_one(joining, material, new.contains(&joining.name)).await?;
            reporter.note(format!("{GOOD} etcd: {} joined", joining.name));
        }
        Ok(())
    }

    async fn join_one(&self, joining: &SpecNode, material: &Material, is_new: bool) -> Result<(), Failure> {
        let refused = |error: StoreError| Store::new(self.cluster.clone()).failure(error);
        let node = self.cluster.node(&joining.name).ok_or_else(|| {
            Failure::Other(anyhow::anyhow!("the inventory does not have node `{}`; this is a bug", joining.name))
        })?;
        let unreachable = |error: SshError| Failure::Host {
            errors: vec![NodeError { node: joining.name.clone(), cause: error.to_string() }],
            unhealthy: Vec::new(),
            hint: format!("azure-coreos-cluster status {} --console shows what Azure knows of it", self.spec.name),
        };
        wait_for_ssh(node, self.spec.user_data_format).await.map_err(unreachable)?;
        if is_new {
            // What an earlier machine of this name had, this one does not have.
            let listed = self.members.list().await.map_err(refused)?;
            for earlier in listed.iter().filter(|member| member.is_at(joining.address)) {
                self.members.remove(earlier).await.map_err(refused)?;
            }
        }
        let is_added = self.members.add_learner(&joining.name, joining.address).await.map_err(refused)?;
        let listed = self.members.list().await.map_err(refused)?;
        start(node, self.spec, joining, material, &listed, is_added).await?;
        promote(&self.members, joining, self.spec).await
    }
}

fn is_settled(listed: &[Member], node: &SpecNode) -> bool {
    listed.iter().any(|member| member.is_at(node.address) && member.has_vote())
}

/// Etcd's members, as soon as it answers.
async fn patiently(members: &Members, cluster: &Cluster) -> Result<Vec<Member>, Failure> {
    let deadline = Instant::now() + ANSWER_DEADLINE;
    loop {
        match members.list().await {
            Ok(listed) => return Ok(listed),
            Err(error) if Instant::now() > deadline => return Err(Store::new(cluster.clone()).failure(error)),
            Err(error) => tracing::debug!(%error, "etcd does not answer yet"),
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Gives the node what its user-data would have given a member, and starts it. All of it can be repeated. What a member that
/// was added just now has of an earlier membership is of no use, and would keep it from starting.
async fn start(
    node: &Node,
    spec: &SettledSpec,
    joining: &SpecNode,
    material: &Material,
    listed: &[Member],
    is_added: bool,
) -> Result<(), Failure> {
    let files = etcd_member_files(spec, joining, material).map_err(anyhow::Error::new)?;
    for file in files {
        let owner = file.owner.as_deref().unwrap_or("root:root");
        write(node, &file.path, &file.content, owner, file.permissions.as_deref().unwrap_or("0644")).await?;
    }
    let text = format!(
        "[Service]\nEnvironment=ETCD_INITIAL_CLUSTER={}\nEnvironment=ETCD_INITIAL_CLUSTER_STATE=existing\n",
        initial_cluster(listed, joining)
    );
    write(node, JOINING_DROP_IN, &text, "root:root", "0644").await?;
    let empty = match is_added {
        true => format!("sudo systemctl stop {ETCD_UNIT}; sudo rm -rf /var/lib/etcd/member; "),
        false => String::new(),
    };
    // What has failed to start until now may be waiting for its next try.
    let command = format!(
        "{empty}sudo systemctl daemon-reload && sudo systemctl add-wants multi-user.target {ETCD_UNIT} && \
         {{ systemctl is-active --quiet {ETCD_UNIT} || {{ sudo systemctl reset-failed {ETCD_UNIT}; \
         sudo systemctl --no-block restart {ETCD_UNIT}; }}; }}"
    );
    succeed(node, &command, None).await
}

/// Etcd's own list, in which whoever has not started has no name yet.
/// <https://etcd.io/docs/v3.5/op-guide/runtime-configuration/#add-a-new-member>
fn initial_cluster(listed: &[Member], joining: &SpecNode) -> String {
    let named = |member: &Member| match member.is_at(joining.address) {
        true => Some(joining.name.clone()),
        false => member.name.clone(),
    };
    let pairs = listed.iter().filter_map(|member| {
        let name = named(member)?;
        Some(member.peer_urls.iter().map(move |url| format!("{name}={url}")))
    });
    pairs.flatten().collect::<Vec<_>>().join(",")
}

async fn write(node: &Node, path: &str, content: &str, owner: &str, mode: &str) -> Result<(), Failure> {
    let (user, group) = owner.split_once(':').unwrap_or((owner, "root"));
    let command = format!("sudo install -D -m {mode} -o {user} -g {group} /dev/stdin '{path}'");
    succeed(node, &command, Some(content)).await
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
        let reason = match members.list().await {
            Ok(listed) if is_settled(&listed, joining) => return Ok(()),
            Ok(listed) => match listed.iter().find(|member| member.is_at(joining.address)) {
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
