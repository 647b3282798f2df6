//! Makes the swarm what it should be, from whatever is there: none, a part, or all of it.
//! <https://docs.docker.com/engine/swarm/admin_guide/>

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::{
    LocalNodeState, NodeSpec, NodeSpecRoleEnum, Swarm as SwarmObject, SwarmInfo, SwarmInitRequest, SwarmJoinRequest,
    SwarmSpec, SwarmSpecDispatcher, SwarmSpecEncryptionConfig,
};
use bollard::query_parameters::{DeleteNodeOptionsBuilder, LeaveSwarmOptionsBuilder, UpdateNodeOptionsBuilder};
use futures::future::{join_all, try_join_all};
use tokio::time::Instant;

use super::address_pool::{self, SUBNET_PREFIX_BITS};
use super::{Member, Role, Swarm};
use nodes::cluster::{Cluster, DockerError, Node};
use report::mark::GOOD;
use report::{Failure, Reporter};

/// Managers talk to each other here. <https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts>
const MANAGEMENT_PORT: u16 = 2377;
/// Three missed ones and a node's tasks are started elsewhere. Docker's five seconds take a busy machine for a dead one,
/// and moving its tasks makes the others busy; requests do not wait for this, because routers try the next task.
const HEARTBEAT_PERIOD_NANOSECONDS: i64 = 10_000_000_000;
/// From joining to being heard of by the managers.
const JOIN_DEADLINE: Duration = Duration::from_secs(5 * 60);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Changes of one object that overtake each other are made again.
const MOST_CONFLICTS: u32 = 10;
/// Labels that stacks place their services by.
const LABELS: [&str; 3] = ["controlPlane", "dataPlane", "routerMesh"];
/// The one that only managers get: what keeps state beside etcd stays near it.
const MANAGERS_LABEL: &str = "controlPlane";

/// Whether `members`, as the managers tell them, are all nodes of `cluster` with what [`form`] gives each at its end. One that
/// does not answer now was formed all the same.
pub fn is_formed(cluster: &Cluster, members: &[Member]) -> bool {
    cluster.nodes().iter().all(|node| {
        let mut of_node = members.iter().filter(|member| member.name == node.name());
        of_node.any(|member| LABELS.iter().all(|label| member.labels.contains_key(*label)))
    })
}

/// Forms or repairs the swarm over all nodes of `cluster`, all of which must answer. Changes nothing that is right.
pub async fn form(cluster: &Cluster, reporter: &Reporter) -> Result<Swarm, Failure> {
    let swarm = Swarm::new(cluster.clone());
    let mut states = states(cluster.nodes()).await?;
    if states.iter().all(|(_, info)| info.local_node_state != Some(LocalNodeState::ACTIVE)) {
        init(cluster, reporter).await?;
        states = self::states(cluster.nodes()).await?;
    }
    one_cluster(&states)?;
    let members = swarm.members().await?.ok_or_else(|| no_manager(&states))?;
    forget_foreign(&swarm, &states, &members).await?;
    let joining = states.iter().filter(|(_, info)| !is_member(info, &members));
    let joining: Vec<&Node> = joining.map(|(node, _)| node).collect();
    if !joining.is_empty() {
        join(&swarm, &joining, &states, reporter).await?;
    }
    let members = wait_until_ready(&swarm).await?;
    forget_replaced(&swarm, &members, reporter).await?;
    settle(&swarm, &members, reporter).await?;
    Ok(swarm)
}

/// What Docker on each node says of its part in a swarm.
async fn states(nodes: &[Node]) -> Result<Vec<(Node, SwarmInfo)>, DockerError> {
    let state = |node: Node| async move {
        let info = node.ask("reading its state", |docker| async move { docker.info().await }).await?;
        Ok((node, info.swarm.unwrap_or_default()))
    };
    try_join_all(nodes.iter().cloned().map(state)).await
}

/// A new swarm on the first manager-to-be.
async fn init(cluster: &Cluster, reporter: &Reporter) -> Result<(), Failure> {
    let Some(first) = cluster.members().next() else {
        return Err(unhealthy("the inventory names no member of etcd, so no node can manage a swarm"));
    };
    let mut routes = String::new();
    for answer in join_all(cluster.nodes().iter().map(|node| node.succeed("ip -4 route"))).await {
        routes.push_str(&answer.unwrap_or_else(|_| Ok(String::new())).unwrap_or_default());
        routes.push('\n');
    }
    let Some(pool) = address_pool::choose(&routes) else {
        return Err(unhealthy("every range of addresses that overlay networks could use is routed on some node"));
    };
    reporter.note(format!("{GOOD} swarm: forming on {}, overlay networks in {pool}", first.name()));
    let address = first.private_address().to_string();
    let request = SwarmInitRequest {
        listen_addr: Some(format!("0.0.0.0:{MANAGEMENT_PORT}")),
        advertise_addr: Some(address.clone()),
        data_path_addr: Some(address),
        default_addr_pool: Some(vec![pool.to_string()]),
        subnet_size: Some(SUBNET_PREFIX_BITS),
        spec: Some(SwarmSpec {
            encryption_config: Some(SwarmSpecEncryptionConfig { auto_lock_managers: Some(false) }),
            dispatcher: Some(SwarmSpecDispatcher { heartbeat_period: Some(HEARTBEAT_PERIOD_NANOSECONDS) }),
            ..SwarmSpec::default()
        }),
        ..SwarmInitRequest::default()
    };
    let doing = "forming the swarm";
    let result = first.ask(doing, |docker| docker_init(docker, request.clone())).await;
    match result {
        // The answer of an earlier try was lost on its way.
        Err(error) if error.message().contains("already part of a swarm") => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

async fn docker_init(docker: bollard::Docker, request: SwarmInitRequest) -> Result<String, bollard::errors::Error> {
    docker.init_swarm(request).await
}

/// Managers must all be of one swarm.
fn one_cluster(states: &[(Node, SwarmInfo)]) -> Result<(), Failure> {
    let mut clusters: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (node, info) in states {
        if let Some(id) = info.cluster.as_ref().and_then(|cluster| cluster.id.clone()).filter(|id| !id.is_empty()) {
            clusters.entry(id).or_default().push(node.name());
        }
    }
    if clusters.len() <= 1 {
        return Ok(());
    }
    let groups: Vec<String> = clusters.values().map(|nodes| nodes.join(" and ")).collect();
    Err(Failure::Unhealthy {
        reasons: vec![format!("the nodes are in different swarms: {}", groups.join("; "))],
        hint: "decide which swarm stays; on the other nodes run `docker swarm leave --force`, then install again"
            .into(),
    })
}

fn no_manager(states: &[(Node, SwarmInfo)]) -> Failure {
    let active = states.iter().filter(|(_, info)| info.local_node_state == Some(LocalNodeState::ACTIVE));
    let names: Vec<&str> = active.map(|(node, _)| node.name()).collect();
    Failure::Unhealthy {
        reasons: vec![format!(
            "{} are in a swarm, but no manager of it is among the members of etcd",
            names.join(", ")
        )],
        hint: "run `docker swarm leave --force` on these nodes, then install again".into(),
    }
}

/// Whether the managers know this node as the one that it says it is.
fn is_member(info: &SwarmInfo, members: &[Member]) -> bool {
    info.local_node_state == Some(LocalNodeState::ACTIVE)
        && members.iter().any(|member| info.node_id.as_deref() == Some(&member.id))
}

/// Takes nodes out of half-made or forgotten memberships, so that they can join.
async fn forget_foreign(swarm: &Swarm, states: &[(Node, SwarmInfo)], members: &[Member]) -> Result<(), Failure> {
    let ours: Vec<String> = swarm.cluster().members().map(manager_address).collect();
    for (node, info) in states.iter().filter(|(_, info)| !is_member(info, members)) {
        let state = info.local_node_state.unwrap_or(LocalNodeState::INACTIVE);
        if matches!(state, LocalNodeState::INACTIVE | LocalNodeState::EMPTY) {
            continue;
        }
        let remote = info.remote_managers.iter().flatten().filter_map(|manager| manager.addr.as_ref());
        let foreign: Vec<&String> = remote.filter(|address| !ours.contains(address)).collect();
        if state == LocalNodeState::ACTIVE && !foreign.is_empty() {
            return Err(Failure::Unhealthy {
                reasons: vec![format!("node `{}` is in another swarm, whose manager is {}", node.name(), foreign[0])],
                hint: "run `docker swarm leave --force` on it when that swarm is not needed, then install again".into(),
            });
        }
        let leave = |docker: bollard::Docker| async move {
            docker.leave_swarm(Some(LeaveSwarmOptionsBuilder::default().force(true).build())).await
        };
        node.ask("leaving a swarm that does not know it", leave).await?;
    }
    Ok(())
}

/// Joins nodes, managers first: a token is read when it is used, so it may have been rotated.
async fn join(
    swarm: &Swarm,
    joining: &[&Node],
    states: &[(Node, SwarmInfo)],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let tokens: SwarmObject =
        swarm.ask("reading the swarm's tokens", |docker| async move { docker.inspect_swarm().await }).await?;
    let tokens = tokens.join_tokens.unwrap_or_default();
    let is_joining = |node: &Node| joining.iter().any(|other| other.name() == node.name());
    let managers = states.iter().filter(|(node, info)| !is_joining(node) && info.control_available == Some(true));
    let remote: Vec<String> = managers.map(|(node, _)| manager_address(node)).collect();
    let (managers, workers): (Vec<&Node>, Vec<&Node>) = joining.iter().partition(|node| node.is_etcd_member());
    // Each manager changes the set that decides; one after the other keeps a majority of it up to date.
    for node in managers {
        join_one(node, &remote, tokens.manager.clone(), "manager", reporter).await?;
    }
    let workers = workers.into_iter().map(|node| join_one(node, &remote, tokens.worker.clone(), "worker", reporter));
    try_join_all(workers).await?;
    Ok(())
}

async fn join_one(
    node: &Node,
    remote: &[String],
    token: Option<String>,
    role: &str,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let address = node.private_address().to_string();
    let request = SwarmJoinRequest {
        listen_addr: Some(format!("0.0.0.0:{MANAGEMENT_PORT}")),
        advertise_addr: Some(address.clone()),
        data_path_addr: Some(address),
        remote_addrs: Some(remote.to_vec()),
        join_token: token,
    };
    let joined = node
        .ask("joining the swarm", |docker| {
            let request = request.clone();
            async move { docker.join_swarm(request).await }
        })
        .await;
    match joined {
        Ok(()) => {}
        // It goes on in the background, or an earlier try got through; whether it succeeds is asked for later.
        Err(error) if error.message().contains("Timeout was reached") => {}
        Err(error) if error.message().contains("already part of a swarm") => {}
        Err(error) => return Err(error.into()),
    }
    reporter.note(format!("{GOOD} swarm: {} joined as {role}", node.name()));
    Ok(())
}

/// Until every node of the cluster is heard of by the managers.
async fn wait_until_ready(swarm: &Swarm) -> Result<Vec<Member>, Failure> {
    let deadline = Instant::now() + JOIN_DEADLINE;
    loop {
        let members = swarm.members().await?.unwrap_or_default();
        let is_ready = |node: &&Node| members.iter().any(|member| member.name == node.name() && member.ready);
        let silent: Vec<&str> = swarm.cluster().nodes().iter().filter(|node| !is_ready(node)).map(Node::name).collect();
        if silent.is_empty() {
            return Ok(members);
        }
        if Instant::now() > deadline {
            return Err(unhealthy(&format!(
                "{} did not become ready in the swarm within {} s; nodes must reach each other's ports 2377 and 7946 \
                 over TCP, 7946 and 4789 over UDP",
                silent.join(", "),
                JOIN_DEADLINE.as_secs()
            )));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Removes what is left of machines that were made anew under the same name.
async fn forget_replaced(swarm: &Swarm, members: &[Member], reporter: &Reporter) -> Result<(), Failure> {
    for old in members.iter().filter(|member| !member.ready) {
        if !members.iter().any(|member| member.ready && member.name == old.name) {
            continue;
        }
        if old.role == Role::Manager {
            change(swarm, &old.id, |spec| spec.role = Some(NodeSpecRoleEnum::WORKER)).await?;
        }
        let remove = |docker: bollard::Docker| async move {
            docker.delete_node(&old.id, Some(DeleteNodeOptionsBuilder::default().force(true).build())).await
        };
        swarm.ask("removing a node that was replaced", remove).await?;
        reporter.note(format!("{GOOD} swarm: forgot the earlier {}", old.name));
    }
    Ok(())
}

/// Roles and labels. A label that is there stays as it is: users set them to place services.
async fn settle(swarm: &Swarm, members: &[Member], reporter: &Reporter) -> Result<(), Failure> {
    for node in swarm.cluster().nodes() {
        let Some(member) = members.iter().find(|member| member.ready && member.name == node.name()) else { continue };
        let role = if node.is_etcd_member() { Role::Manager } else { Role::Worker };
        let missing: Vec<&str> = LABELS.into_iter().filter(|label| !member.labels.contains_key(*label)).collect();
        if member.role == role && missing.is_empty() {
            continue;
        }
        if member.role != role {
            reporter.note(format!(
                "{GOOD} swarm: {} becomes a {}",
                member.name,
                if role == Role::Manager { "manager" } else { "worker" }
            ));
        }
        change(swarm, &member.id, |spec| {
            spec.role = Some(if role == Role::Manager { NodeSpecRoleEnum::MANAGER } else { NodeSpecRoleEnum::WORKER });
            let labels = spec.labels.get_or_insert_default();
            for label in &missing {
                let value = *label != MANAGERS_LABEL || role == Role::Manager;
                labels.insert((*label).to_owned(), value.to_string());
            }
        })
        .await?;
    }
    Ok(())
}

/// Changes a node's spec; when someone else changed it meanwhile, reads it again and changes that.
pub(super) async fn change(swarm: &Swarm, id: &str, edit: impl Fn(&mut NodeSpec)) -> Result<(), DockerError> {
    let mut conflicts = 0;
    loop {
        let node = swarm.ask("reading a node", |docker| async move { docker.inspect_node(id).await }).await?;
        let Some(member) = Member::read(node) else { return Ok(()) };
        let mut spec = member.spec;
        edit(&mut spec);
        let version = i64::try_from(member.version).unwrap_or(i64::MAX);
        let updated = swarm
            .ask("changing a node's role and labels", |docker| {
                let spec = spec.clone();
                let options = UpdateNodeOptionsBuilder::default().version(version).build();
                async move { docker.update_node(id, spec, options).await }
            })
            .await;
        match updated {
            Err(error) if error.message().contains("out of sequence") && conflicts < MOST_CONFLICTS => conflicts += 1,
            other => return other,
        }
    }
}

fn manager_address(node: &Node) -> String {
    format!("{}:{MANAGEMENT_PORT}", node.private_address())
}

fn unhealthy(reason: &str) -> Failure {
    Failure::Unhealthy { reasons: vec![reason.to_owned()], hint: "platformctl doctor".into() }
}
