//! Every parameter of a cluster, each described once: flag, key of cluster.yaml and environment variable, what it takes,
//! its default, unit and example. The command line, the file, the schema and the docs are all made from this.

mod azure;
mod cluster;
mod machine;
mod network;
mod sign_in;
mod user_data;

pub use azure::*;
pub use cluster::*;
pub use machine::*;
pub use network::*;
pub use sign_in::*;
pub use user_data::*;

use serde_json::Value;

use crate::spec::ClusterSpec;

/// What environment variables begin with.
pub const VARIABLE_PREFIX: &str = "AZURE_COREOS_CLUSTER_";

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A whole number within these bounds.
    Integer {
        least: u32,
        most: u32,
    },
    /// `true` or `false`; a flag alone is true.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several texts: a repeated flag, a list in the file, commas in both and in the environment.
    List,
    /// `key=value` pairs; a mapping in the file.
    Map,
    /// The path of a file that is read; in the file, beside the file.
    File,
    /// The path of a folder; in the file, beside the file.
    Directory,
}

/// Under which heading it stands in `--help` and in the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Cluster,
    Machines,
    UserData,
    Network,
    Azure,
    SignIn,
}

impl Group {
    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Machines => "Machines",
            Self::UserData => "User-data",
            Self::Network => "Network",
            Self::Azure => "Azure",
            Self::SignIn => "Sign-in",
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// In cluster.yaml; in capitals behind [`VARIABLE_PREFIX`] the environment variable.
    pub key: &'static str,
    /// On the command line, with its dashes.
    pub flag: &'static str,
    pub kind: Kind,
    pub group: Group,
    /// What stands for the value in help.
    pub value_name: &'static str,
    /// In words; empty when there is none.
    pub default: &'static str,
    /// The value of the flag when it stands alone.
    pub alone: Option<&'static str>,
    /// Of numbers; empty for others.
    pub unit: &'static str,
    /// A value that is valid.
    pub example: &'static str,
    /// One sentence without a full stop.
    pub help: &'static str,
    /// Older names of the flag, and those of other tools: they work, and help does not show them.
    pub aliases: &'static [&'static str],
    /// Whether short help shows it.
    pub everyday: bool,
    /// What it is called in words, when it cannot change once the cluster is made.
    pub settled: Option<&'static str>,
    /// What a resolved spec has for it; none for what is not part of a spec.
    pub resolved: Option<fn(&ClusterSpec) -> Value>,
}

impl Parameter {
    const fn new(group: Group, kind: Kind, key: &'static str, flag: &'static str, value_name: &'static str) -> Self {
        let alone = match kind {
            Kind::Switch => Some("true"),
            _ => None,
        };
        Self {
            key,
            flag,
            kind,
            group,
            value_name,
            default: "",
            alone,
            unit: "",
            example: "",
            help: "",
            aliases: &[],
            everyday: false,
            settled: None,
            resolved: None,
        }
    }

    const fn switch(group: Group, key: &'static str, flag: &'static str) -> Self {
        Self::new(group, Kind::Switch, key, flag, "true|false").default("false").example("true")
    }

    const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn alone(self, alone: &'static str) -> Self {
        Self { alone: Some(alone), ..self }
    }

    const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn everyday(self) -> Self {
        Self { everyday: true, ..self }
    }

    const fn settled(self, what: &'static str) -> Self {
        Self { settled: Some(what), ..self }
    }

    const fn resolved(self, resolved: fn(&ClusterSpec) -> Value) -> Self {
        Self { resolved: Some(resolved), ..self }
    }

    /// `AZURE_COREOS_CLUSTER_VM_SIZE`.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.key.to_ascii_uppercase())
    }
}

/// The parameter that other tools call so, as a flag, a key or the end of a variable.
pub fn of_other_tools(word: &str) -> Option<&'static Parameter> {
    let flag = word.to_ascii_lowercase().replace('_', "-");
    PARAMETERS.iter().find(|parameter| parameter.aliases.contains(&flag.as_str())).copied()
}

/// All of them, in the order of help and docs.
pub const PARAMETERS: &[&Parameter] = &[
    &NAME,
    &NUM_NODES,
    &ALLOW_SMALL,
    &PLATFORM,
    &DEIS,
    &NOHTTPS,
    &OPEN,
    &VM_SIZE,
    &VM_NAME_PREFIX,
    &COREOS_IMAGE,
    &BLOB_CONTAINER_URL,
    &ACCEPT_TERMS,
    &OS_DISK_SIZE,
    &DATA_DISK,
    &DATA_DISK_COUNT,
    &DATA_DISK_TYPE,
    &AVAILABILITY_SET,
    &ZONES,
    &SCALE_SET,
    &PROXIMITY,
    &ACCELERATED_NETWORKING,
    &SPOT,
    &IDENTITIES,
    &CUSTOM_DATA,
    &CUSTOM_DATA_ONLY,
    &USER_DATA_FORMAT,
    &TEMPLATES,
    &NTP_SERVERS,
    &DISCOVERY_SERVICE_URL,
    &NO_DISCOVERY_URL,
    &SSH,
    &SSH_CERT,
    &SSH_THUMB,
    &SSH_SOURCES,
    &PIP,
    &ADDRESS_SPACE,
    &VIRTUAL_NETWORK_NAME,
    &SUBNET_NAMES,
    &LOCATION,
    &RESOURCE_GROUP,
    &TAGS,
    &SKIP_PREFLIGHT,
    &CLOUD,
    &SUBSCRIPTION,
    &TENANT,
    &CLIENT_ID,
    &AZURE_CERT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_is_described_and_named_once() {
        let keys: BTreeSet<&str> = PARAMETERS.iter().map(|parameter| parameter.key).collect();
        let flags: BTreeSet<&str> = PARAMETERS.iter().map(|parameter| parameter.flag).collect();
        assert_eq!((keys.len(), flags.len()), (PARAMETERS.len(), PARAMETERS.len()));
        let mut names: Vec<&str> = PARAMETERS.iter().flat_map(|parameter| parameter.aliases).copied().collect();
        names.extend(flags.iter().map(|flag| flag.trim_start_matches('-')));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "an alias is a flag of another parameter");
        for parameter in PARAMETERS {
            let key = parameter.key;
            assert!(!parameter.help.is_empty() && !parameter.help.ends_with('.'), "{key}");
            assert!(!parameter.example.is_empty() && !parameter.default.is_empty(), "{key}");
            assert!(!matches!(parameter.kind, Kind::Integer { .. }) || !parameter.unit.is_empty(), "{key}");
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{key}");
        }
    }
}
