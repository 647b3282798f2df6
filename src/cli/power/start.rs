//! `start NAME`: every machine that does not run is started, and then waited for as after creation.

use super::super::finished::tell_finished;
use super::super::{reached, ready};
use super::arguments::StartArguments;
use super::cluster::PoweredCluster;
use super::remedy::{again, failure};
use super::reporter;
use crate::arm::{ArmError, ArmErrorKind, ResourceId};
use crate::execute::{Switch, SwitchPlan, switch};
use crate::outputs::{self, reached_anew};
use crate::readiness::Awaited;
use nodes::inventory::Inventory;
use report::mark::GOOD;
use report::{Failure, Reporter, first_few, output};

/// Machines that a line names.
const MOST_SHOWN: usize = 5;

/// Runs the command.
pub(in super::super) async fn run(arguments: StartArguments) -> Result<(), Failure> {
    let reporter = reporter(&arguments.cluster.output)?;
    let hint = format!("`{}` goes on; what Azure has begun goes on by itself", again("start", &arguments.cluster.name));
    let inventory = tell_finished(&hint, &reporter, start(&arguments, &reporter)).await?;
    output::result(arguments.cluster.output.output, &inventory, &outputs::summary(&inventory))
}

async fn start(arguments: &StartArguments, reporter: &Reporter) -> Result<Inventory, Failure> {
    let cluster = PoweredCluster::open("start", &arguments.cluster, reporter).await?;
    let name = cluster.name();
    let again = again("start", name);
    let plan = SwitchPlan::new(Switch::Start, &cluster.machines.own);
    if !plan.kept.is_empty() {
        let kept: Vec<&ResourceId> = plan.kept.iter().map(|(id, _)| id).collect();
        reporter.note(format!("{GOOD} running already: {}", first_few(&kept, MOST_SHOWN)));
    }
    let errors = switch(&cluster.connection.arm, Switch::Start, &plan.acted_on, reporter).await.errors;
    if !errors.is_empty() {
        return Err(failure(name, &again, errors));
    }
    if !cluster.machines.absent.is_empty() {
        // Nobody is waited for who cannot come.
        let message = format!("do not exist: {}", first_few(&cluster.machines.absent, MOST_SHOWN));
        let error = ArmError::local(ArmErrorKind::Refused, format!("starting cluster {name}"), message);
        return Err(Failure::azure(error, format!("the others run; `azure-coreos-cluster {name}` makes them anew")));
    }
    let inventory = inventory(&cluster, &again, reporter).await?;
    if arguments.no_wait && ready::unasked(&cluster.stored.spec, &inventory).is_none() {
        return Ok(inventory);
    }
    ready::wait(&cluster.stored.spec, &inventory, Awaited::AllNodes, reporter).await?;
    Ok(inventory)
}

/// How the machines are reached now; written where that is another way than before.
async fn inventory(cluster: &PoweredCluster, again: &str, reporter: &Reporter) -> Result<Inventory, Failure> {
    let name = cluster.name();
    let Some(before) = cluster.directory.read_inventory()? else {
        return Err(Failure::Unhealthy {
            reasons: vec![format!("cluster {name}: its machines run, but its creation did not come to its end")],
            hint: format!("`azure-coreos-cluster {name}` goes on with it"),
        });
    };
    let refused = |error| failure(name, again, vec![error]);
    let reached = reached::read(&cluster.connection, &cluster.stored.spec, refused).await?;
    let now = reached_anew(before.clone(), &reached);
    if now == before {
        cluster.directory.write_ssh_config(&now)?;
    } else {
        cluster.directory.store_inventory(&now)?;
        reporter.note(format!(
            "the machines are reached at other addresses than before: `{}` and `ssh_config` are written anew",
            cluster.directory.inventory().display()
        ));
    }
    Ok(now)
}
