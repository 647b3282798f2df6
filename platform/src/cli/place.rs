//! Where one target is: a machine, or a container on a machine. For commands that lead to one place.

use clap::Args;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::container::{self, Phase, TaskContainer};
use crate::target::{HOST_COMPONENTS, Instances, Known, Subject, subjects};
use nodes::cluster::{Cluster, Node};
use nodes::natural_order;
use report::Failure;

/// A place and what to run there.
#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// Machine, component, instance like `router@2`, or app like `app/hello`
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// What to run [default: a shell]; options of our own come before TARGET
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// Give the command a terminal, also when it would get none
    #[arg(short = 't', long)]
    pub tty: bool,
}

/// A place to go to.
pub(super) enum Place {
    Machine(Node),
    Container { node: Node, id: String },
}

/// Finds the one place that `target` means: a machine, the N-th or else any running container of a component or an app's
/// service, or, for what the nodes run themselves, the N-th or else the first node that runs it.
pub(super) async fn find(cluster: &Cluster, target: &str) -> Result<Place, Failure> {
    if let Some(node) = cluster.node(target) {
        return Ok(Place::Machine(node.clone()));
    }
    let names = cluster.ordered_names();
    let ask = async |node| (node, container::on_node(node, &names).await);
    let mut answers: FuturesUnordered<_> = cluster.nodes().iter().map(ask).collect();
    let exact_name = target.split('@').next().unwrap_or_default();
    let (mut found, mut unreachable) = (Vec::new(), Vec::new());
    while let Some((node, answer)) = answers.next().await {
        match answer {
            Ok(containers) => found.extend(containers),
            Err(error) => match error.unreachable() {
                Some(ssh) => unreachable.push((node.name().to_owned(), ssh.clone())),
                None => return Err(error.into()),
            },
        }
        // Slow nodes are waited for only as long as what is named may be there.
        if found.iter().any(|container: &TaskContainer| container.name == exact_name)
            && let Ok(Some(place)) = choose(cluster, target, &found, &names)
        {
            return Ok(place);
        }
    }
    let reason = match choose(cluster, target, &found, &names) {
        Ok(Some(place)) => return Ok(place),
        Ok(None) => format!("`{target}` has no running container on the nodes that answer"),
        Err(failure) if unreachable.is_empty() => return Err(failure),
        Err(failure) => failure.to_string().trim_start_matches("error: ").to_owned(),
    };
    let hint = format!("platformctl status {target}");
    match cluster.unreachable(unreachable) {
        Failure::Host { errors, hint, .. } if !errors.is_empty() => {
            Err(Failure::Host { errors, unhealthy: vec![reason], hint })
        }
        _ => Err(Failure::Unhealthy { reasons: vec![reason], hint }),
    }
}

/// The place among what was found; none when the target is known but nothing of it runs.
fn choose(cluster: &Cluster, target: &str, found: &[TaskContainer], nodes: &[&str]) -> Result<Option<Place>, Failure> {
    let (mut apps, mut components): (Vec<&str>, Vec<&str>) =
        found.iter().map(|container| container.name.as_str()).partition(|name| name.starts_with("app/"));
    components.extend(HOST_COMPONENTS.iter().map(|host| host.name));
    for names in [&mut apps, &mut components] {
        names.sort_unstable();
        names.dedup();
    }
    let known = Known { components: &components, apps: &apps, machines: nodes };
    let chosen = subjects(&[target.to_owned()], &known)?;
    let [Subject::Service { name, instances }] = chosen.as_slice() else {
        return match chosen.as_slice() {
            [Subject::Machine { name }] => Ok(cluster.node(name).cloned().map(Place::Machine)),
            _ => Err(Failure::Usage(format!("`{target}` is several; name one of them"))),
        };
    };
    if HOST_COMPONENTS.iter().any(|host| host.name == *name) {
        let mut members: Vec<&Node> = cluster.members().collect();
        members.sort_by(|one, other| natural_order(one.name(), other.name()));
        let count = members.len();
        let chosen = members.into_iter().zip(1..).find(|(_, number)| instances.include(*number));
        return match chosen {
            Some((node, _)) => Ok(Some(Place::Machine(node.clone()))),
            None => Err(Failure::Usage(format!("`{target}`: {count} machines run `{name}`"))),
        };
    }
    let of_target = found.iter().filter(|container| container.phase == Phase::Running && container.name == *name);
    let meant = of_target.filter(|container| match container.number {
        Some(number) => instances.include(number),
        None => *instances == Instances::All,
    });
    let chosen = meant.min_by_key(|container| container.number);
    Ok(chosen.and_then(|container| {
        Some(Place::Container { node: cluster.node(&container.node)?.clone(), id: container.id.clone() })
    }))
}
