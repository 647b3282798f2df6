//! How etcd is reached, as nodes have it for `etcdctl` in `/etc/environment`: addresses, and files of certificates.
//! <https://etcd.io/docs/v3.5/dev-guide/interacting_v3/>

use std::collections::HashMap;
use std::path::Path;

use diagnostics::given_file::{self, GivenFileError};

const ENDPOINTS: &str = "ETCDCTL_ENDPOINTS";
const AUTHORITY: &str = "ETCDCTL_CACERT";
const CERTIFICATE: &str = "ETCDCTL_CERT";
const KEY: &str = "ETCDCTL_KEY";

/// What is needed to speak with etcd.
pub(super) struct EtcdEnvironment {
    /// `https://10.0.0.4:2379`; not empty.
    pub(super) endpoints: Vec<String>,
    /// PEM of the authority that signed etcd's certificates.
    pub(super) authority: Vec<u8>,
    /// PEM of this node's own.
    pub(super) certificate: Vec<u8>,
    /// PEM; a secret.
    pub(super) key: Vec<u8>,
}

/// Why etcd cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidEnvironment {
    #[error(transparent)]
    File(#[from] GivenFileError),
    #[error("it does not set `{0}`")]
    Missing(&'static str),
    #[error("`{ENDPOINTS}` has `{0}`, which does not start with `https://`")]
    Endpoint(String),
    #[error("`{variable}` names `{path}`: {source}")]
    Named { variable: &'static str, path: String, source: GivenFileError },
}

impl EtcdEnvironment {
    /// Reads a file of variables, and the files that it names.
    pub(super) fn read(path: &Path) -> Result<Self, InvalidEnvironment> {
        let text = given_file::read_text(path)?;
        let variables: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let value = |name: &'static str| {
            let found = variables.get(name).map(|value| value.trim().trim_matches('"'));
            found.filter(|value| !value.is_empty()).ok_or(InvalidEnvironment::Missing(name))
        };
        let mut endpoints = Vec::new();
        for endpoint in value(ENDPOINTS)?.split(',') {
            if !endpoint.starts_with("https://") {
                return Err(InvalidEnvironment::Endpoint(endpoint.to_owned()));
            }
            endpoints.push(endpoint.trim_end_matches('/').to_owned());
        }
        let file = |variable: &'static str| {
            let path = value(variable)?;
            let named = |source| InvalidEnvironment::Named { variable, path: path.to_owned(), source };
            given_file::read(Path::new(path)).map_err(named)
        };
        Ok(Self { endpoints, authority: file(AUTHORITY)?, certificate: file(CERTIFICATE)?, key: file(KEY)? })
    }
}
