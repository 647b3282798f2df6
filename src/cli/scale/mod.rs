//! `scale NAME --num-nodes COUNT`: nodes are added as creation adds them, and taken away after what runs on them has moved.

pub(super) mod arguments;
mod departure;
mod grown;
mod shrink;

use super::arguments::{ClusterArguments, CreateArguments};
use super::finished::tell_finished;
use super::status::known_cluster;
use super::{create, prepare};
use crate::config::parameter::{NAME, NUM_NODES};
use crate::directory::StoredCluster;
use crate::outputs;
use crate::spec::QUORUM_NODES;
use arguments::ScaleArguments;
use nodes::inventory::Inventory;
use report::mark::GOOD;
use report::{Failure, Reporter, output};

/// Runs the command.
pub(super) async fn run(arguments: ScaleArguments) -> Result<(), Failure> {
    let output = &arguments.cluster.output;
    prepare::one_kind_of_output(output)?;
    let reporter = prepare::reporter(output)?;
    let hint = format!("`{}` goes on from here", again(&arguments));
    let inventory = tell_finished(&hint, &reporter, scale(&arguments, &reporter)).await?;
    output::result(output.output, &inventory, &outputs::summary(&inventory))
}

/// The command that was given.
fn again(arguments: &ScaleArguments) -> String {
    let mut text = format!("azure-coreos-cluster scale {} --num-nodes {}", arguments.cluster.name, arguments.num_nodes);
    if arguments.allow_small {
        text.push_str(" --allow-small");
    }
    for node in &arguments.lose {
        text.push_str(&format!(" --lose {node}"));
    }
    text
}

/// What takes nodes away has to end before the cluster is made to have more than so many: an error with the command for that.
pub(super) fn refuse_unless_it_ends(stored: &StoredCluster, count: u32) -> Result<(), Failure> {
    let small =
        |left: u32| if left < QUORUM_NODES && stored.spec.node_count >= QUORUM_NODES { " --allow-small" } else { "" };
    match stored.shrinking_to {
        Some(left) if count > left => Err(Failure::Unhealthy {
            reasons: vec![format!(
                "an earlier run took nodes of cluster {} away and did not come to its end: those from `{}` on may have left etcd \
                 and the swarm",
                stored.spec.name,
                stored.spec.machine_name(left)
            )],
            hint: format!("azure-coreos-cluster scale {} --num-nodes {left}{} ends it", stored.spec.name, small(left)),
        }),
        _ => Ok(()),
    }
}

async fn scale(arguments: &ScaleArguments, reporter: &Reporter) -> Result<Inventory, Failure> {
    let (_, stored) = known_cluster(&arguments.cluster.name, &arguments.cluster.connection, reporter)?;
    let has = stored.spec.node_count;
    refuse_unless_it_ends(&stored, arguments.num_nodes)?;
    let shrinks = arguments.num_nodes < has;
    if shrinks {
        shrink::shrink(arguments, reporter).await?;
    } else if arguments.num_nodes == has {
        reporter.note(format!("{GOOD} cluster {} has {has} nodes; what is missing of them is made", stored.spec.name));
    }
    // What is left to do is what creation does: a load balancer for so many nodes, new ones, their readiness.
    let parameters = [(&NAME, stored.spec.name.to_string()), (&NUM_NODES, arguments.num_nodes.to_string())];
    let cluster = ClusterArguments {
        parameters: arguments.cluster.sign_in.with(&parameters),
        file: None,
        connection: arguments.cluster.connection.clone(),
        output: arguments.cluster.output.clone(),
    };
    let create = CreateArguments { yes: arguments.yes, no_wait: false };
    let inventory = create::create(&cluster, &create, reporter).await?;
    grown::take_in(&stored.spec, &inventory, &again(arguments), reporter).await?;
    Ok(inventory)
}
