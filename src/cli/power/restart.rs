//! `restart NAME`: one node after the other, each ready again before the next one goes.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::super::finished::tell_finished;
use super::super::ready;
use super::arguments::RestartArguments;
use super::cluster::PoweredCluster;
use super::progress::Progress;
use super::remedy::{again, and_then, failure};
use super::reporter;
use crate::arm::{ArmError, ArmErrorKind};
use crate::execute::{Machine, Switch, SwitchPlan, switch};
use crate::readiness::{Awaited, BootId, boot_id, check_quorum_without};
use crate::spec::SettledSpec;
use diagnostics::{Origin, Problems, suggestion};
use nodes::inventory::Inventory;
use nodes::ssh::Identity;
use report::mark::DEGRADED;
use report::{Failure, Reporter, first_few, output};

/// Nodes that a message names.
const MOST_SHOWN: usize = 7;

/// What programs read.
#[derive(Debug, Serialize)]
struct Restarted {
    name: String,
    restarted: Vec<String>,
}

/// Runs the command.
pub(in super::super) async fn run(arguments: RestartArguments) -> Result<(), Failure> {
    let reporter = reporter(&arguments.cluster.output)?;
    let progress = Mutex::new(None);
    let hint = format!("`{}` goes on from here", again("restart", &arguments.cluster.name));
    let ended = tell_finished(&hint, &reporter, restart(&arguments, &progress, &reporter)).await;
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    let restarted = match (ended, progress) {
        (Ok(restarted), _) => restarted,
        (Err(failure), Some(progress)) => return Err(and_then(failure, &progress.what_is_left())),
        (Err(failure), None) => return Err(failure),
    };
    let text = format!("cluster {}: restarted {}\n", restarted.name, restarted.restarted.join(", "));
    output::result(arguments.cluster.output.output, &restarted, &text)
}

/// `told` is where an end by the user finds how far it came; none before anything was done.
async fn restart(
    arguments: &RestartArguments,
    told: &Mutex<Option<Progress>>,
    reporter: &Reporter,
) -> Result<Restarted, Failure> {
    let cluster = PoweredCluster::open("restart", &arguments.cluster, reporter).await?;
    let name = cluster.name();
    let nodes = chosen(&cluster.stored.spec, &arguments.nodes)?;
    let machines: Vec<Machine> = nodes.iter().map(|node| existing(&cluster, node)).collect::<Result<_, _>>()?;
    check_running(name, &machines)?;
    let inventory = cluster.directory.read_inventory()?.ok_or_else(|| Failure::Unhealthy {
        reasons: vec![format!(
            "cluster {name}: its creation did not come to its end, so nothing tells how nodes are reached"
        )],
        hint: format!("`azure-coreos-cluster {name}` goes on with it"),
    })?;
    let asked = ready::unasked(&cluster.stored.spec, &inventory).is_none();
    let identity = asked.then(|| ready::identity(&inventory)).transpose()?;
    let remember = |change: &dyn Fn(&mut Progress)| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        change(told.get_or_insert_with(|| Progress::new(name, nodes.clone())));
    };
    remember(&|_| {});
    for machine in &machines {
        let node = machine.id.name();
        let mut before = None;
        if let Some(identity) = &identity {
            check_quorum(&inventory, node, identity).await?;
            before = boot_before(&inventory, node, identity, reporter).await;
        }
        let ids = std::slice::from_ref(&machine.id);
        let errors = switch(&cluster.connection.arm, Switch::Restart, ids, reporter).await.errors;
        if !errors.is_empty() {
            return Err(failure(name, &again("restart", name), errors));
        }
        remember(&Progress::is_restarted);
        if asked {
            ready::wait(&cluster.stored.spec, &inventory, Awaited::Restarted { node, before }, reporter).await?;
        }
        remember(&Progress::is_ready);
    }
    if let Some(why) = ready::unasked(&cluster.stored.spec, &inventory) {
        reporter.note(format!("{DEGRADED} {why}"));
    }
    Ok(Restarted { name: name.to_owned(), restarted: nodes })
}

/// The names of the nodes that were asked for, in the cluster's order; all of them when none was.
fn chosen(spec: &SettledSpec, asked: &[String]) -> Result<Vec<String>, Problems> {
    let nodes = spec.nodes();
    if asked.is_empty() {
        return Ok(nodes.into_iter().map(|node| node.name).collect());
    }
    let mut problems = Problems::new();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let mut indices = std::collections::BTreeSet::new();
    for asked in asked {
        let known = nodes.iter().position(|node| node.name == *asked || node.index.to_string() == *asked);
        match (known, suggestion(asked, names.iter().copied())) {
            (Some(index), _) => {
                indices.insert(index);
            }
            (None, Some(meant)) => {
                problems.add_with_hint(
                    Origin::Flag("--node"),
                    unknown(spec, asked, &names),
                    format!("did you mean `{meant}`?"),
                );
            }
            (None, None) => problems.add(Origin::Flag("--node"), unknown(spec, asked, &names)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(indices.into_iter().map(|index| nodes[index].name.clone()).collect())
}

fn unknown(spec: &SettledSpec, asked: &str, names: &[&str]) -> String {
    let asked = diagnostics::quoted(asked);
    format!("{asked} is no node of cluster {}; these are: {}", spec.name, first_few(names, MOST_SHOWN))
}

fn existing(cluster: &PoweredCluster, node: &str) -> Result<Machine, Failure> {
    let found = cluster.machines.own.iter().find(|machine| machine.id.name() == node);
    found.cloned().ok_or_else(|| {
        let error =
            ArmError::local(ArmErrorKind::Refused, format!("restarting virtual machine `{node}`"), "it does not exist");
        Failure::azure(error, format!("nothing was restarted; `azure-coreos-cluster {}` makes it anew", cluster.name()))
    })
}

/// Azure restarts only what runs.
fn check_running(name: &str, machines: &[Machine]) -> Result<(), Failure> {
    let off = SwitchPlan::new(Switch::Restart, machines).off;
    if off.is_empty() {
        return Ok(());
    }
    let reasons = off.iter().map(|(id, power)| format!("{id} is {power}, and only what runs is restarted"));
    Err(Failure::Unhealthy {
        reasons: reasons.collect(),
        hint: format!("nothing was restarted; `azure-coreos-cluster start {name}` starts what does not run"),
    })
}

/// The boot that the node is in; a note when it does not say.
async fn boot_before(inventory: &Inventory, node: &str, identity: &Identity, reporter: &Reporter) -> Option<BootId> {
    match boot_id(inventory, node, identity).await {
        Ok(before) => Some(before),
        Err(reason) => {
            let what = "does not say which boot it is in, so that only Azure tells whether it was restarted";
            reporter.note(format!("{DEGRADED} {node} {what}: {reason}"));
            None
        }
    }
}

/// Whether etcd decides without the node that is about to go.
async fn check_quorum(inventory: &Inventory, node: &str, identity: &Identity) -> Result<(), Failure> {
    check_quorum_without(inventory, node, identity).await.map_err(|reasons| Failure::Unhealthy {
        reasons: reasons
            .into_iter()
            .chain([format!("node `{node}` was not restarted: without it etcd would have no quorum")])
            .collect(),
        hint: format!("ssh -F {} NODE systemctl status etcd-member", inventory.ssh.config.display()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;
    use crate::spec::{Answers, settle};

    #[test]
    fn nodes_are_chosen_by_name_or_index() {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let spec = resolve(&ClusterInput::flags("demo", &[]), None, &key).unwrap();
        let spec = settle(spec, Answers::default()).unwrap();
        let all = ["demo-coreos-0", "demo-coreos-1", "demo-coreos-2"];
        for (asked, expected) in [
            (&[][..], Ok(&all[..])),
            (&["demo-coreos-1"], Ok(&all[1..2])),
            (&["2", "0", "demo-coreos-0"], Ok(&["demo-coreos-0", "demo-coreos-2"])),
            (&["demo-coreos-7"], Err("did you mean `demo-coreos-")),
            (
                &["x", "1"],
                Err("`x` is no node of cluster demo; these are: demo-coreos-0, demo-coreos-1, demo-coreos-2"),
            ),
            (&["3"], Err("`3` is no node of cluster demo")),
        ] {
            let asked: Vec<String> = asked.iter().map(|node| (*node).to_owned()).collect();
            match (chosen(&spec, &asked), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{asked:?}"),
                (Err(problems), Err(part)) => {
                    let text = Failure::from(problems).to_string();
                    assert!(text.contains(part), "{text}");
                }
                (found, expected) => panic!("{asked:?}: {found:?} instead of {expected:?}"),
            }
        }
    }
}
