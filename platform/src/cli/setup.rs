//! What most verbs begin with: the cluster, a reporter, and the bundle that is meant.

use std::path::PathBuf;

use clap::Args;

use crate::Platform;
use crate::bundle::{Bundle, BundleSource};
use crate::lifecycle::{Installation, Selection};
use crate::target;
use diagnostics::Environment;
use report::{EventSink, Failure, Reporter};

/// Which bundle.
#[derive(Clone, Debug, Args)]
pub(super) struct BundleArguments {
    /// Bundle: the name of a shipped one, or a folder [default: PLATFORMCTL_UNITS, DEISCTL_UNITS, else the installed
    /// one, else `platform`]
    #[arg(long, value_name = "NAME|DIR")]
    pub bundle: Option<String>,
}

/// Where progress goes.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ProgressArguments {
    /// Write one JSON object per event to FILE, `-` for stdout
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

impl ProgressArguments {
    /// A reporter to stderr and to the events' file.
    pub(super) fn reporter(&self) -> Result<Reporter, Failure> {
        let open = |file: &PathBuf| EventSink::open(file).map_err(|error| Failure::Usage(format!("{error:#}")));
        Ok(Reporter::new(self.events.as_ref().map(open).transpose()?))
    }
}

impl BundleArguments {
    /// The bundle that the user names by flag or environment.
    pub(super) fn named(&self) -> Result<Option<Bundle>, Failure> {
        let variables = Environment::read(&BundleSource::VARIABLES)?;
        let environment = |name: &str| variables.get(name);
        let named = self.bundle.is_some() || BundleSource::VARIABLES.iter().any(|name| environment(name).is_some());
        if !named {
            return Ok(None);
        }
        Ok(Some(BundleSource::resolve(self.bundle.as_deref(), &environment)?))
    }

    /// The named bundle, else the installed one, else the shipped default.
    pub(super) async fn resolve(&self, platform: &Platform) -> Result<Bundle, Failure> {
        match self.named()? {
            Some(bundle) => Ok(bundle),
            None => installed_or_default(platform.installation().await?.as_ref()),
        }
    }

    /// The same, for who knows what is installed.
    pub(super) fn resolve_with(&self, installed: Option<&Installation>) -> Result<Bundle, Failure> {
        match self.named()? {
            Some(bundle) => Ok(bundle),
            None => installed_or_default(installed),
        }
    }
}

fn installed_or_default(installed: Option<&Installation>) -> Result<Bundle, Failure> {
    match installed {
        Some(installation) => Ok(installation.bundle.clone()),
        None => Ok(BundleSource::resolve(None, &|_| None)?),
    }
}

/// The components that the targets mean. Instances are refused: these verbs are about whole components.
pub(super) fn selection(targets: &[String], bundle: &Bundle) -> Result<Selection, Failure> {
    let names: Vec<&str> = bundle.components().map(|component| component.name.as_str()).collect();
    let selected = target::select_texts(targets, &names)?;
    if let Some(one) = selected.iter().find(|one| one.instances != target::Instances::All) {
        return Err(Failure::Usage(format!(
            "`{}{}`: the swarm decides which instances run; `platformctl scale` changes their number, and `restart` takes \
             single ones",
            one.component, one.instances
        )));
    }
    Ok(selected.into_iter().map(|one| one.component.to_owned()).collect())
}
