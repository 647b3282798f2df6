//! `destroy NAME`: shows what goes, asks, removes it, and waits until it is gone.

mod found;

use std::fmt::Write as _;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arguments::DestroyArguments;
use super::connection::{Connection, connect_to};
use super::finished::tell_finished;
use super::owner_tag::tag_all_again;
use super::prepare::reporter;
use super::status::{cluster_name, tell_damage};
use super::{own_emulator, own_keys};
use crate::directory::{
    Bound, Cloud, ClusterDirectory, ClusterPlace, DirectoryLock, StoredCluster, clear_leftovers, removed_cluster,
};
use crate::execute::{Emptiness, OwnResources, Removal, RemovalError, removal, remove};
use crate::spec::ClusterName;
use diagnostics::{Origin, Problems};
use nodes::clusters::{clusters_home, unknown_cluster};
use nodes::inventory::Inventory;
use report::mark::DEGRADED;
use report::output;
use report::{Failure, Mendable, Reporter};

/// Runs the command.
pub(super) async fn run(arguments: DestroyArguments) -> Result<(), Failure> {
    super::prepare::one_kind_of_output(&arguments.output)?;
    let reporter = reporter(&arguments.output)?;
    let hint = format!("azure-coreos-cluster destroy {} removes what is left", arguments.name);
    tell_finished(&hint, &reporter, destroy(&arguments, &reporter)).await
}

async fn destroy(arguments: &DestroyArguments, reporter: &Reporter) -> Result<(), Failure> {
    let name = cluster_name(&arguments.name)?;
    let home = clusters_home(arguments.connection.state_dir.as_deref())?;
    clear_leftovers(&home)?;
    let directory = ClusterDirectory::locate(Some(&home), &name)?;
    if let Some(group) = &arguments.resource_group {
        return found::destroy(arguments, &directory, &name, group, reporter).await;
    }
    if !directory.exists()? {
        return gone_or_unknown(arguments, &home, &name);
    }
    let lock = DirectoryLock::acquire(&directory)?;
    let Some(known) = Known::read(&directory, reporter)? else {
        directory.remove_unused()?;
        return gone_or_unknown(arguments, &home, &name);
    };
    let again = format!("azure-coreos-cluster destroy {name}");
    if let Known::Settled(stored) = &known {
        own_emulator::check(stored, &again)?;
    }
    let sign_in = arguments.sign_in.values()?;
    let connection = connect_to(&arguments.connection, &sign_in, Some(&known.place()), reporter).await?;
    let own = known.resources(&connection.subscription);
    let stays = format!("`{again}` goes on when Azure answers again; nothing of the cluster's directory was removed");
    let look = || async {
        let looked = removal(&connection.arm, &own, Emptiness::Unexpected, reporter).await;
        looked.map_err(|error| cannot_be_told(error, &name, &again, &stays))
    };
    let removal = look().await?;
    reporter.note(preview(&removal));
    if !arguments.ignore_keys {
        own_keys::check(&connection.arm, &directory, &removal, &again).await?;
    }
    let erases_keys_only = removal.ids().is_empty() && (known.had_machines() || directory.inventory().exists());
    if erases_keys_only {
        reporter.note(format!(
            "{DEGRADED} this cluster had machines, and {} shows none of them; what is left to remove is `{}` with their keys",
            asked(&connection)?,
            directory.root().display()
        ));
    }
    if (erases_keys_only || !removal.ids().is_empty()) && !arguments.yes {
        let question = match erases_keys_only {
            true => format!("erase the keys of cluster {name} for good?"),
            false => format!("remove cluster {name} for good?"),
        };
        ask(&question, &again, &removal, look).await?;
    }
    take_away(&connection, &own, &removal, &again, reporter).await?;
    // The keys of machines that are gone open nothing.
    let now = OffsetDateTime::now_utc().format(&Rfc3339).map_err(anyhow::Error::new)?;
    directory.retire(&now)?;
    drop(lock);
    removed(arguments, &name, &removal, connection.cloud)
}

/// Says what was removed.
fn removed(arguments: &DestroyArguments, name: &ClusterName, removal: &Removal, cloud: Cloud) -> Result<(), Failure> {
    let removed = !removal.ids().is_empty();
    let value = serde_json::json!({ "name": name.as_str(), "removed": removed });
    let text = match removed {
        false => format!("cluster {name}: nothing was left on {}\n", cloud.as_str()),
        true => format!("cluster {name} is gone\n"),
    };
    output::result(arguments.output.output, &value, &text)
}

/// Asks whether to remove what was shown, and looks once more: thinking takes time, in which others make things.
async fn ask<L: Future<Output = Result<Removal, Failure>>>(
    question: &str,
    again: &str,
    shown: &Removal,
    look: impl FnOnce() -> L,
) -> Result<(), Failure> {
    let nobody_here = format!("nobody is here to confirm; `{again} --yes` removes without asking");
    report::confirm_removal(question, nobody_here).await?;
    match look().await? == *shown {
        true => Ok(()),
        false => Err(Failure::Usage(format!(
            "what exists has changed meanwhile, so nothing was removed; `{again}` shows it anew"
        ))),
    }
}

/// Removes it, and returns when it is gone.
async fn take_away(
    connection: &Connection,
    own: &OwnResources,
    removal: &Removal,
    again: &str,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let result = remove(&connection.arm, own, removal, reporter).await;
    reporter.finish();
    result.map_err(|errors| Failure::azure_all(errors, format!("`{again}` removes what is left")))
}

/// What is known of a cluster that is to be removed.
enum Known {
    Settled(Box<StoredCluster>),
    /// The spec and its copy are lost or damaged; names are enough to find what exists.
    Named(Box<Inventory>, Cloud),
}

impl Known {
    /// None when neither a spec nor an inventory is there.
    fn read(directory: &ClusterDirectory, reporter: &Reporter) -> Result<Option<Self>, Failure> {
        tell_damage(directory, reporter);
        let damage = match directory.stored_cluster() {
            Ok(Some(stored)) => return Ok(Some(Self::Settled(Box::new(stored)))),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let Some(inventory) = directory.read_inventory()? else {
            if let Some(damage) = damage {
                return Err(damage.into());
            }
            if directory.authority().exists() {
                return Err(Mendable::file(
                    directory.spec().display(),
                    "is missing, and so is the inventory, though there are keys: what this cluster is made of is not known",
                    format!(
                        "put back a copy of it, or run `azure-coreos-cluster {}` with all options of the first time, then destroy",
                        directory.name()
                    ),
                )
                .into());
            }
            return Ok(None);
        };
        let file = directory.inventory();
        let cloud = Cloud::named(&inventory.cloud).ok_or_else(|| {
            let hint = "put back a copy of it";
            Mendable::file(file.display(), format!("names the cloud `{}`, which is none", inventory.cloud), hint)
        })?;
        let why = damage.map_or_else(|| "there is no spec".to_owned(), |error| error.to_string());
        reporter.note(format!("{DEGRADED} {why}; what is to be removed is found by the names in `{}`", file.display()));
        Ok(Some(Self::Named(Box::new(inventory), cloud)))
    }

    /// Whether keys of machines may be in the directory.
    fn had_machines(&self) -> bool {
        match self {
            Self::Settled(stored) => stored.bound == Bound::Machines,
            Self::Named(..) => true,
        }
    }

    fn place(&self) -> ClusterPlace {
        match self {
            Self::Settled(stored) => stored.place(),
            Self::Named(inventory, cloud) => {
                ClusterPlace { cloud: *cloud, azure_cloud: None, subscription: inventory.subscription.clone() }
            }
        }
    }

    fn resources(&self, subscription: &str) -> OwnResources {
        match self {
            Self::Settled(stored) => OwnResources::of_spec(subscription, &stored.spec),
            Self::Named(inventory, _) => {
                let machines: Vec<String> = inventory.nodes.iter().map(|node| node.name.clone()).collect();
                OwnResources::of_names(subscription, &inventory.resource_group, &inventory.name, &machines)
            }
        }
    }
}

/// Who was asked what exists.
fn asked(connection: &Connection) -> Result<String, Failure> {
    Ok(match &connection.emulator {
        Some(emulator) => {
            format!("the local emulator in `{}` ({})", crate::local::directory()?.root().display(), emulator.base)
        }
        None => format!("Azure's subscription {}", connection.subscription),
    })
}

/// Nobody can tell what is to be removed; what to do about it.
fn cannot_be_told(error: RemovalError, name: &ClusterName, again: &str, stays: &str) -> Failure {
    let hint = match &error {
        RemovalError::Azure(_) => stays.to_owned(),
        RemovalError::Untagged { ids, .. } => {
            format!(
                "nothing was removed; when they are the cluster's, give them its tag, then `{again}`:\n{}",
                tag_all_again(name.as_str(), ids)
            )
        }
    };
    Failure::azure(error.into_arm_error(), hint)
}

/// A cluster that was removed from here is gone, and that is success; a name that never was here is a mistake.
fn gone_or_unknown(arguments: &DestroyArguments, home: &Path, name: &ClusterName) -> Result<(), Failure> {
    let Some(record) = removed_cluster(home, name)? else {
        let mut problems = Problems::new();
        problems.add(Origin::Flag("NAME"), unknown_cluster(home, name.as_str())?);
        return Err(problems.into());
    };
    let value = serde_json::json!({ "name": name.as_str(), "removed": false, "removed_before": record.removed });
    let text = format!("cluster {name} is gone: `destroy` removed it from here at {}\n", record.removed);
    output::result(arguments.output.output, &value, &text)
}

fn preview(removal: &Removal) -> String {
    let mut text = String::new();
    match removal {
        Removal::Nothing => text.push_str("nothing of the cluster exists"),
        Removal::Group { group, resources } => {
            let _ = write!(text, "removes {group} with its {} resources:", resources.len());
            for resource in resources {
                let _ = write!(text, "\n  - {resource}");
            }
        }
        Removal::Resources { stages, others } => {
            let count: usize = stages.iter().map(Vec::len).sum();
            let _ = write!(text, "removes {count} resources of the cluster:");
            for id in stages.iter().flatten() {
                let _ = write!(text, "\n  - {id}");
            }
            let _ = write!(text, "\nthe resource group stays");
            if !others.is_empty() {
                let _ = write!(text, ", because these are not the cluster's:");
            }
            for other in others {
                let _ = write!(text, "\n  = {other}");
            }
        }
    }
    text
}
