//! `stop NAME`: every machine is deallocated, so that it is no longer paid for; disks and addresses stay.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::finished::tell_finished;
use super::arguments::StopArguments;
use super::cluster::PoweredCluster;
use super::remedy::{again, failure};
use super::{cost, reporter};
use crate::arm::ResourceId;
use crate::execute::{Switch, SwitchPlan, Switched, switch};
use crate::preflight::Estimate;
use report::mark::{DEGRADED, GOOD};
use report::{Failure, Reporter, demand_yes, first_few, output};

/// Machines that a line names.
const MOST_SHOWN: usize = 5;

/// What programs read.
#[derive(Debug, Serialize)]
struct Stopped {
    name: String,
    /// By this run.
    deallocated: Vec<String>,
    deallocated_before: Vec<String>,
    /// Machines that do not exist.
    absent: Vec<String>,
    still_paid_for: Vec<String>,
    /// At list price; absent when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<Estimate>,
}

/// Runs the command.
pub(in super::super) async fn run(arguments: StopArguments) -> Result<(), Failure> {
    let reporter = reporter(&arguments.cluster.output)?;
    let hint = format!("`{}` goes on; what Azure has begun goes on by itself", again("stop", &arguments.cluster.name));
    let stopped = tell_finished(&hint, &reporter, stop(&arguments, &reporter)).await?;
    output::result(arguments.cluster.output.output, &stopped, &text(&stopped))
}

async fn stop(arguments: &StopArguments, reporter: &Reporter) -> Result<Stopped, Failure> {
    let cluster = PoweredCluster::open("stop", &arguments.cluster, reporter).await?;
    let name = cluster.name();
    let again = again("stop", name);
    let plan = SwitchPlan::new(Switch::Deallocate, &cluster.machines.own);
    let kept: Vec<&ResourceId> = plan.kept.iter().map(|(id, _)| id).collect();
    if !kept.is_empty() {
        reporter.note(format!("{GOOD} deallocated already: {}", first_few(&kept, MOST_SHOWN)));
    }
    let absent = &cluster.machines.absent;
    if !absent.is_empty() {
        let absent = first_few(absent, MOST_SHOWN);
        reporter.note(format!("{DEGRADED} do not exist: {absent}; `azure-coreos-cluster {name}` makes them anew"));
    }
    if !plan.acted_on.is_empty() && !arguments.yes {
        let question = format!("stop cluster {name}? It serves nobody until `azure-coreos-cluster start {name}`");
        let nobody_here = format!("nobody is here to confirm; `{again} --yes` stops it without asking");
        demand_yes(&question, nobody_here, "nothing was stopped").await?;
    }
    let (switched, saved) = tokio::join!(
        switch(&cluster.connection.arm, Switch::Deallocate, &plan.acted_on, reporter),
        cost::saved(&cluster)
    );
    let Switched { done, errors } = switched;
    if !errors.is_empty() {
        return Err(failure(name, &again, errors));
    }
    let names = |ids: &[ResourceId]| ids.iter().map(|id| id.name().to_owned()).collect();
    Ok(Stopped {
        name: name.to_owned(),
        deallocated: names(&done),
        deallocated_before: kept.iter().map(|id| id.name().to_owned()).collect(),
        absent: names(absent),
        still_paid_for: cost::still_paid_for(&cluster.stored.spec, cluster.machines.own.len()),
        saved,
    })
}

fn text(stopped: &Stopped) -> String {
    let Stopped { name, deallocated, deallocated_before, still_paid_for, saved, .. } = stopped;
    let mut text = match (deallocated.len(), deallocated_before.len()) {
        (0, 1) => format!("cluster {name} was stopped before: 1 machine is deallocated\n"),
        (0, before) => format!("cluster {name} was stopped before: {before} machines are deallocated\n"),
        (now, 0) => format!("cluster {name} is stopped: {now} machines deallocated\n"),
        (now, before) => format!("cluster {name} is stopped: {now} machines deallocated, {before} were before\n"),
    };
    let _ = writeln!(text, "  still paid for: {}", still_paid_for.join(", "));
    if let Some(saved) = saved {
        let _ = writeln!(text, "  not paid for as long as it is stopped: {}", saved.saving());
    }
    let _ = writeln!(text, "\nnext:\n  azure-coreos-cluster start {name}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_only_where_it_is_known() {
        let mut stopped = Stopped {
            name: "demo".into(),
            deallocated: vec!["a".into(), "b".into()],
            deallocated_before: vec![],
            absent: vec![],
            still_paid_for: vec!["2 OS disks".into(), "the load balancer".into()],
            saved: Some(Estimate { currency: "USD".into(), per_hour: 0.2, per_month: 146.0, machines: 2 }),
        };
        assert_eq!(
            text(&stopped),
            "cluster demo is stopped: 2 machines deallocated\n  still paid for: 2 OS disks, the load balancer\n  \
             not paid for as long as it is stopped: about 0.20 USD an hour, 146 USD a month for 2 machines at list price\n\n\
             next:\n  azure-coreos-cluster start demo\n"
        );
        stopped.saved = None;
        assert!(!text(&stopped).contains("USD"));
        stopped.deallocated_before = vec!["c".into()];
        assert!(text(&stopped).starts_with("cluster demo is stopped: 2 machines deallocated, 1 were before\n"));
        stopped.deallocated.clear();
        assert!(text(&stopped).starts_with("cluster demo was stopped before: 1 machine is deallocated\n"));
    }
}
