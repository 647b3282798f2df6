//! `azure-coreos-cluster NAME`: from nothing, or from what is there, to a cluster that is ready. The steps stand below, in
//! the order in which [`create`] takes them.

mod claim;
mod consent;
mod etcd;
mod steps;

use super::arguments::{ClusterArguments, CreateArguments};
use super::connection::connect;
use super::finished::tell_finished;
use super::prepare::{self, prepare_input, reporter};
use super::scale::refuse_unless_it_ends;
use super::status::tell_damage;
use super::{discovery, lost_spec, preflight};
use crate::outputs;
use crate::spec::Answers;
use claim::Claim;
use nodes::inventory::Inventory;
use report::output;
use report::{Failure, Reporter};

/// Runs the command.
pub(super) async fn run(cluster: ClusterArguments, arguments: CreateArguments) -> Result<(), Failure> {
    prepare::one_kind_of_output(&cluster.output)?;
    let reporter = reporter(&cluster.output)?;
    let hint = format!("azure-coreos-cluster {} goes on from here", cluster.name());
    let inventory = tell_finished(&hint, &reporter, create(&cluster, &arguments, &reporter)).await?;
    output::result(cluster.output.output, &inventory, &outputs::summary(&inventory))
}

pub(super) async fn create(
    cluster: &ClusterArguments,
    arguments: &CreateArguments,
    reporter: &Reporter,
) -> Result<Inventory, Failure> {
    let input = prepare::read(cluster);
    let claim = prepare::name(&input).map(|name| Claim::take(cluster.connection.state_dir.as_deref(), &name));
    // Mistakes of the spec are told first: they are there whoever has the cluster.
    let asked = prepare_input(cluster, input)?;
    let _claim = claim.transpose()?;
    tell_damage(&asked.directory, reporter);
    if let Some(stored) = &asked.stored {
        refuse_unless_it_ends(stored, asked.spec.node_count)?;
    }
    discovery::check_token(&asked, reporter).await?;
    let connection = connect(&cluster.connection, &asked.values, asked.stored.as_ref(), reporter).await?;

    preflight::register_providers(&connection, &asked, false, reporter).await?;
    let answers = preflight::ask(&connection, &asked).await?;
    if answers.image_plan.is_some() {
        preflight::register_providers(&connection, &asked, true, reporter).await?;
    }
    steps::check_identity(&asked.operator, arguments).await?;
    let token = discovery::request_token(&asked, reporter).await?;
    let prepared = asked.settle(Answers { token, ..answers })?;

    let (plan, observed) = steps::plan(&connection, &prepared, reporter).await?;
    lost_spec::check(&prepared, &plan, &observed, arguments.yes, reporter)?;
    if plan.makes_something() {
        preflight::before_creation(&connection, &prepared, &observed, reporter).await?;
    }
    steps::agree(&connection, &prepared, &plan, arguments.yes, reporter).await?;

    prepared.store(&connection.subscription)?;
    let (kept, new) = (steps::kept_machines(&plan), steps::new_machines(&plan));
    steps::carry_out(&connection, &prepared, plan, reporter).await?;
    let inventory = steps::inventory(&connection, &prepared).await?;
    steps::write(&prepared, &inventory)?;
    steps::check_power(&connection, &prepared, &kept, arguments, reporter).await?;
    etcd::join(&prepared, &inventory, &new, arguments, reporter).await?;
    steps::wait_until_ready(&prepared, &inventory, arguments, reporter).await?;
    etcd::tell(&prepared, &inventory, arguments, reporter).await?;
    Ok(inventory)
}
