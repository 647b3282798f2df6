//! What `create`, `plan` and `user-data` have in common: from arguments to what was [`Asked`], and from that and what Azure
//! answers to a settled spec, key material and user-data.

use std::path::PathBuf;

use super::arguments::{ClusterArguments, OutputArguments};
use super::{connection, own_emulator};
use crate::config::parameter::{CUSTOM_DATA, NAME, Parameter, SSH_CERT, TEMPLATES};
use crate::config::{ClusterInput, Values, resolve, resolve_before_machines};
use crate::directory::{Bound, Cloud, ClusterDirectory, StoredCluster};
use crate::execute::Before;
use crate::pki::{KeyFingerprints, Material, SshKeyPair};
use crate::plan::FirstBoot;
use crate::spec::{Answers, ClusterName, ClusterSpec, Node, SettledSpec, settle, settle_for_show};
use crate::userdata::{self, UserDataError};
use diagnostics::{Origin, Problems};
use nodes::ssh::Identity;
use report::OutputFormat;
use report::{EventSink, Failure, Reporter};

/// What was asked for, validated, before Azure is asked anything.
pub(super) struct Asked {
    pub spec: ClusterSpec,
    pub directory: ClusterDirectory,
    /// What an earlier run settled.
    pub stored: Option<StoredCluster>,
    pub cloud: Cloud,
    /// What the user gave, all layers as one.
    pub values: Values,
    pub operator: Operator,
}

/// A cluster without unknowns, its keys and its user-data: made of [`Asked`] by settling its spec, and not changed.
pub(super) struct Prepared {
    pub spec: SettledSpec,
    pub directory: ClusterDirectory,
    /// What an earlier run settled.
    pub stored: Option<StoredCluster>,
    pub cloud: Cloud,
    pub material: Material,
    /// What the user gave, all layers as one.
    pub values: Values,
    /// What each node is given, by index.
    pub first_boots: Vec<FirstBoot>,
    operator: Operator,
}

/// Validates, user-data included as far as addresses are known; writes nothing.
pub(super) fn prepare(arguments: &ClusterArguments) -> Result<Asked, Failure> {
    prepare_input(arguments, read(arguments))
}

/// What the user wrote, with the files that it names; those that the shell hands over can be read only once.
pub(super) fn read(arguments: &ClusterArguments) -> ClusterInput {
    arguments.parameters.input(arguments.file.as_deref())
}

/// The name, when it is valid. Without one there is no directory; `resolve` reports it with everything else.
pub(super) fn name(input: &ClusterInput) -> Option<ClusterName> {
    input.values.text(&NAME).and_then(|name| name.parse().ok())
}

/// The same as [`prepare`], for what was read before.
pub(super) fn prepare_input(arguments: &ClusterArguments, input: ClusterInput) -> Result<Asked, Failure> {
    if input.values.get(&NAME).is_none() && input.problems.is_empty() {
        return Err(Failure::Usage(
            "a cluster needs a name: azure-coreos-cluster NAME, or `name` in the file of -f".into(),
        ));
    }
    let name = name(&input);
    let directory = match &name {
        Some(name) => Some(ClusterDirectory::locate(arguments.connection.state_dir.as_deref(), name)?),
        None => None,
    };
    let stored = match &directory {
        Some(directory) => directory.stored_cluster()?,
        None => None,
    };
    let operator_key = match (&directory, &name) {
        (Some(directory), Some(name)) => directory.operator_key(name.as_str())?,
        _ => crate::pki::generate_ssh_key_pair("core")?,
    };
    let public_key = operator_key.public.parse().map_err(|error| Failure::Other(anyhow::Error::new(error)))?;
    let spec = match &stored {
        Some(stored) if stored.bound == Bound::Resources => resolve_before_machines(&input, &stored.spec, &public_key)?,
        stored => resolve(&input, stored.as_ref().map(|stored| &*stored.spec), &public_key)?,
    };
    let directory = directory.ok_or_else(|| Failure::Other(anyhow::anyhow!("a valid spec without a name")))?;
    let cloud = connection::cloud(&arguments.connection, stored.as_ref().map(StoredCluster::place).as_ref())?;

    if let (Cloud::Local, Some(stored)) = (cloud, &stored) {
        own_emulator::check(stored, &format!("azure-coreos-cluster {}", spec.name))?;
    }

    let identity = match input.file(&SSH_CERT) {
        Some(file) => Identity::beside(&std::path::absolute(&file.path).map_err(anyhow::Error::new)?),
        None => stored.as_ref().and_then(|stored| stored.identity.clone()),
    };
    let is_ours = operator_key.public.trim() == spec.ssh_public_key.as_str();
    let operator = Operator { key: operator_key, is_ours, own_file: directory.identity(), identity };
    let asked = Asked { spec, directory, stored, cloud, values: input.values, operator };
    asked.check_user_data()?;
    Ok(asked)
}

impl Asked {
    /// The cluster that is made: everything that was open is answered.
    pub(super) fn settle(self, answers: Answers) -> Result<Prepared, Failure> {
        let settled = settle(self.spec.clone(), answers);
        self.prepared(settled.map_err(|error| Failure::Other(anyhow::Error::new(error)))?)
    }

    /// The cluster that is only shown, as far as it can be: see [`settle_for_show`].
    pub(super) fn settle_for_show(self, answers: Answers) -> Result<Prepared, Failure> {
        let settled = settle_for_show(self.spec.clone(), answers);
        self.prepared(settled.map_err(|error| Failure::Usage(format!(
            "{error}: which addresses are free in the network is asked when the cluster is made; there is nothing to show before"
        )))?)
    }

    /// Each node's keys, which name its address, and its user-data.
    fn prepared(self, spec: SettledSpec) -> Result<Prepared, Failure> {
        let Self { directory, stored, cloud, values, operator, .. } = self;
        let nodes = spec.nodes();
        let material = directory.material(spec.name.as_str(), &nodes)?;
        let first_boots = first_boots(&spec, &nodes, &material, &values)?;
        Ok(Prepared { spec, directory, stored, cloud, material, values, first_boots, operator })
    }

    /// Whether an earlier run came as far as to make machines, whose etcd knows one discovery URL for good.
    pub(super) fn may_have_machines(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.bound == Bound::Machines)
    }

    /// Mistakes that only rendering finds are told before anything is asked of anybody. The nodes differ little, so the
    /// first one's user-data tells, once its address is known.
    fn check_user_data(&self) -> Result<(), Failure> {
        let Ok(spec) = settle_for_show(self.spec.clone(), Answers::default()) else { return Ok(()) };
        let first = &spec.nodes()[..1];
        let material = self.directory.material(spec.name.as_str(), first)?;
        first_boots(&spec, first, &material, &self.values).map(|_| ())
    }
}

/// What the nodes are given.
fn first_boots(
    spec: &SettledSpec,
    nodes: &[Node],
    material: &Material,
    values: &Values,
) -> Result<Vec<FirstBoot>, Failure> {
    let first_boot = |node: &Node| {
        let rendered = userdata::render(spec, node, material, spec.user_data_format);
        let user_data = rendered.map_err(|error| user_data_failure(error, values))?;
        let keys = match spec.custom_data_only {
            true => None,
            false => Some(fingerprints(material, node)?.to_string()),
        };
        Ok(FirstBoot { user_data, keys })
    };
    // The nodes differ little; the explanation of the first is enough.
    nodes.iter().map(first_boot).collect()
}

fn user_data_failure(error: UserDataError, values: &Values) -> Failure {
    if matches!(error, UserDataError::Template(..)) {
        return Failure::Other(anyhow::Error::new(error));
    }
    // What the user added is most of it, when anything was added.
    let added = [&CUSTOM_DATA, &TEMPLATES].into_iter().find_map(|parameter| values.get(parameter));
    let origin = added.map_or(Origin::Flag(CUSTOM_DATA.flag), |given| given.origin.clone());
    let mut problems = Problems::new();
    problems.add(origin, error.to_string());
    problems.into()
}

/// What stands on the node's machine about the keys in its user-data.
fn fingerprints(material: &Material, node: &Node) -> anyhow::Result<KeyFingerprints> {
    KeyFingerprints::of(material.node(&node.name), &material.authority, node.etcd_member)
}

impl Prepared {
    /// Writes key material and spec, before anything on Azure depends on them.
    pub(super) fn store(&self, subscription: &str) -> Result<(), Failure> {
        self.directory.create()?;
        if self.operator.is_ours {
            self.directory.store_operator_key(&self.operator.key)?;
        }
        self.directory.store_material(&self.material)?;
        let emulator = match self.cloud {
            Cloud::Local => Some(crate::local::directory()?.root().to_owned()),
            Cloud::Azure => None,
        };
        let stored = StoredCluster {
            cloud: self.cloud,
            emulator,
            subscription: subscription.to_owned(),
            identity: self.operator.identity.clone(),
            bound: Bound::Machines,
            shrinking_to: None,
            spec: self.spec.clone(),
        };
        self.directory.store_cluster(&stored)?;
        Ok(())
    }

    /// What the last run left says of what there is.
    pub(super) fn before(&self) -> Before {
        match &self.stored {
            Some(stored) if stored.bound == Bound::Machines => Before::Machines,
            _ => Before::NoMachines,
        }
    }

    /// The private key's file; none when the key is only in an agent.
    pub(super) fn identity(&self) -> Option<PathBuf> {
        self.operator.identity()
    }

    /// What stands on the node's machine about the keys in its user-data.
    pub(super) fn fingerprints(&self, node: &Node) -> anyhow::Result<KeyFingerprints> {
        fingerprints(&self.material, node)
    }

    /// Whether the operator's key is the one that we made.
    pub(super) fn uses_operator_key(&self) -> bool {
        self.operator.is_ours
    }

    /// Where a parameter's value comes from, for mistakes that only Azure knows of.
    pub(super) fn origin(&self, parameter: &Parameter) -> Origin {
        self.values.origin(parameter)
    }
}

/// The key with which the operator signs in.
pub(super) struct Operator {
    /// The pair that we made, used or not.
    key: SshKeyPair,
    /// Whether the cluster's key is that one.
    is_ours: bool,
    /// Where our private key is, or will be.
    own_file: PathBuf,
    /// The private key beside the key that the user named.
    identity: Option<PathBuf>,
}

impl Operator {
    /// The private key's file; none when the key is only in an agent.
    pub(super) fn identity(&self) -> Option<PathBuf> {
        if self.is_ours { Some(self.own_file.clone()) } else { self.identity.clone() }
    }

    /// Whether nobody but an agent can sign in: the key is not ours, or it is locked by a passphrase.
    pub(super) fn needs_agent(&self) -> bool {
        !self.is_ours
    }
}

/// Events and a document on one stdout would be neither.
pub(super) fn one_kind_of_output(output: &OutputArguments) -> Result<(), Failure> {
    let events_on_stdout = output.events.as_deref() == Some(std::path::Path::new("-"));
    if events_on_stdout && output.output != OutputFormat::Text {
        return Err(Failure::Usage("`--events -` and `--output` both want stdout; give events a file".into()));
    }
    Ok(())
}

/// A reporter as the output arguments ask for it.
pub(super) fn reporter(output: &OutputArguments) -> Result<Reporter, Failure> {
    let sink = output.events.as_deref().map(EventSink::open).transpose();
    let sink = sink.map_err(|error| Failure::Usage(format!("`--events`: {error:#}")))?;
    Ok(Reporter::new(sink))
}
