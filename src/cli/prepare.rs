//! What `create`, `plan` and `user-data` have in common: from arguments to a spec, key material and user-data.

use super::arguments::{ClusterArguments, OutputArguments};
use super::connection;
use crate::config::parameter::{CUSTOM_DATA, NAME, Parameter, SSH_CERT, TEMPLATES};
use crate::config::{ClusterInput, Values, resolve, resolve_before_machines};
use crate::directory::{Bound, Cloud, ClusterDirectory, StoredCluster};
use crate::execute::Before;
use crate::pki::{KeyFingerprints, Material, SshKeyPair};
use crate::plan::FirstBoot;
use crate::spec::{ClusterName, ClusterSpec, DiscoveryUrl, Node};
use crate::userdata;
use diagnostics::{Origin, Problems};
use nodes::ssh::Identity;
use report::OutputFormat;
use report::{EventSink, Failure, Reporter};

/// Everything that is settled before Azure is asked anything.
pub struct Prepared {
    pub spec: ClusterSpec,
    pub directory: ClusterDirectory,
    /// What an earlier run settled.
    pub stored: Option<StoredCluster>,
    pub cloud: Cloud,
    pub material: Material,
    /// What the user gave, all layers as one.
    pub values: Values,
    /// What each node is given, by index.
    pub first_boots: Vec<FirstBoot>,
    operator_key: SshKeyPair,
    identity: Option<std::path::PathBuf>,
}

/// Validates, and renders user-data in memory; writes nothing.
pub fn prepare(arguments: &ClusterArguments) -> Result<Prepared, Failure> {
    prepare_input(arguments, read(arguments))
}

/// What the user wrote, with the files that it names; those that the shell hands over can be read only once.
pub fn read(arguments: &ClusterArguments) -> ClusterInput {
    arguments.parameters.input(arguments.file.as_deref())
}

/// The name, when it is valid. Without one there is no directory; `resolve` reports it with everything else.
pub fn name(input: &ClusterInput) -> Option<ClusterName> {
    input.values.text(&NAME).and_then(|name| name.parse().ok())
}

/// The same as [`prepare`], for what was read before.
pub fn prepare_input(arguments: &ClusterArguments, input: ClusterInput) -> Result<Prepared, Failure> {
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
        stored => resolve(&input, stored.as_ref().map(|stored| &stored.spec), &public_key)?,
    };
    let directory = directory.ok_or_else(|| Failure::Other(anyhow::anyhow!("a valid spec without a name")))?;
    let cloud = connection::cloud(&arguments.connection, stored.as_ref().map(StoredCluster::place).as_ref())?;

    let material = directory.material(spec.name.as_str(), &[])?;
    let identity = match input.file(&SSH_CERT) {
        Some(file) => Identity::beside(&std::path::absolute(&file.path).map_err(anyhow::Error::new)?),
        None => stored.as_ref().and_then(|stored| stored.identity.clone()),
    };
    let values = input.values;
    let mut prepared =
        Prepared { spec, directory, stored, cloud, material, values, first_boots: Vec::new(), operator_key, identity };
    if prepared.spec.has_addresses() {
        prepared.render()?;
    }
    Ok(prepared)
}

impl Prepared {
    /// Writes key material and spec, before anything on Azure depends on them.
    pub fn store(&self, subscription: &str) -> Result<(), Failure> {
        self.directory.create()?;
        if self.uses_operator_key() {
            self.directory.store_operator_key(&self.operator_key)?;
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
            identity: self.identity.clone(),
            bound: Bound::Machines,
            spec: self.spec.clone(),
        };
        self.directory.store_cluster(&stored)?;
        Ok(())
    }

    /// What the last run left says of what there is.
    pub fn before(&self) -> Before {
        match &self.stored {
            Some(stored) if stored.bound == Bound::Machines => Before::Machines,
            _ => Before::NoMachines,
        }
    }

    /// The private key's file; none when the key is only in an agent.
    pub fn identity(&self) -> Option<std::path::PathBuf> {
        if self.uses_operator_key() { Some(self.directory.identity()) } else { self.identity.clone() }
    }

    /// Whether nobody but an agent can sign in: the key is not ours, or it is locked by a passphrase.
    pub fn needs_agent(&self) -> bool {
        !self.uses_operator_key()
    }

    /// Whether an earlier run came as far as to make machines, whose etcd knows one discovery URL for good.
    pub fn may_have_machines(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.bound == Bound::Machines)
    }

    /// Takes the token that was asked for; machines that exist keep theirs.
    pub fn take_token(&mut self, token: Option<DiscoveryUrl>) -> Result<(), Failure> {
        if token.is_some() && !self.may_have_machines() {
            self.spec.discovery_url = token;
            self.render()?;
        }
        Ok(())
    }

    /// What stands on the node's machine about the keys in its user-data.
    pub fn fingerprints(&self, node: &Node) -> anyhow::Result<KeyFingerprints> {
        KeyFingerprints::of(self.material.node(&node.name), &self.material.authority, node.etcd_member)
    }

    /// Whether the operator's key is the one that we made.
    pub fn uses_operator_key(&self) -> bool {
        self.operator_key.public.trim() == self.spec.ssh_public_key.as_str()
    }

    /// Where a parameter's value comes from, for mistakes that only Azure knows of.
    pub fn origin(&self, parameter: &Parameter) -> Origin {
        self.values.get(parameter).map_or(Origin::Default, |given| given.origin.clone())
    }

    /// Each node's keys, which name its address, and its user-data, once all addresses are known.
    pub fn render(&mut self) -> Result<(), Failure> {
        self.material = self.directory.material(self.spec.name.as_str(), &self.spec.nodes())?;
        let mut problems = Problems::new();
        self.first_boots.clear();
        for node in self.spec.nodes() {
            match userdata::render(&self.spec, &node, &self.material, self.spec.user_data_format) {
                Ok(user_data) => {
                    let keys = match self.spec.custom_data_only {
                        true => None,
                        false => Some(self.fingerprints(&node)?.to_string()),
                    };
                    self.first_boots.push(FirstBoot { user_data, keys });
                }
                Err(error @ userdata::UserDataError::Template(..)) => {
                    return Err(Failure::Other(anyhow::Error::new(error)));
                }
                Err(error) => {
                    // What the user added is most of it, when anything was added.
                    let added = [&CUSTOM_DATA, &TEMPLATES].into_iter().find_map(|parameter| self.values.get(parameter));
                    let origin = added.map_or(Origin::Flag(CUSTOM_DATA.flag), |given| given.origin.clone());
                    problems.add(origin, error.to_string());
                    // The nodes differ little; one explanation is enough.
                    break;
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }
}

/// Events and a document on one stdout would be neither.
pub fn one_kind_of_output(output: &OutputArguments) -> Result<(), Failure> {
    let events_on_stdout = output.events.as_deref() == Some(std::path::Path::new("-"));
    if events_on_stdout && output.output != OutputFormat::Text {
        return Err(Failure::Usage("`--events -` and `--output` both want stdout; give events a file".into()));
    }
    Ok(())
}

/// A reporter as the output arguments ask for it.
pub fn reporter(output: &OutputArguments) -> Result<Reporter, Failure> {
    let sink = output.events.as_deref().map(EventSink::open).transpose();
    let sink = sink.map_err(|error| Failure::Usage(format!("`--events`: {error:#}")))?;
    Ok(Reporter::new(sink))
}
