//! Whose key signs in: a file, else the agent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::Handle;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};

use super::error::SshError;
use super::session::PinnedHost;
use diagnostics::given_file;

/// What signs in to nodes.
#[derive(Clone)]
pub enum Identity {
    /// A private key that was read from a file.
    Key(Arc<PrivateKey>),
    /// Every key of the agent behind `SSH_AUTH_SOCK`.
    Agent,
}

impl Identity {
    /// The key in `file`; without one, or when it is locked by a passphrase, the agent.
    pub fn load(file: Option<&Path>) -> Result<Self, SshError> {
        let Some(file) = file else { return Ok(Self::Agent) };
        let wrong = |reason: String| SshError::Identity(format!("reading the key `{}`: {reason}", file.display()));
        let text = given_file::read_text(file).map_err(|error| wrong(error.to_string()))?;
        match decode_secret_key(&text, None) {
            Ok(key) => Ok(Self::Key(Arc::new(key))),
            Err(russh::keys::Error::KeyIsEncrypted) => Ok(Self::Agent),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Whether there is an agent with at least one key.
    pub async fn check_agent() -> Result<(), SshError> {
        let no_agent = |reason: String| {
            SshError::Identity(format!(
                "the private key is locked or not beside the public one, so an SSH agent must hold it: {reason}"
            ))
        };
        let mut agent = AgentClient::connect_env().await.map_err(|error| no_agent(error.to_string()))?;
        let identities = agent.request_identities().await.map_err(|error| no_agent(error.to_string()))?;
        if identities.is_empty() { Err(no_agent("the agent holds no key; ssh-add adds one".into())) } else { Ok(()) }
    }

    /// The private key's file that belongs to a public key's file: the same name without `.pub`, when it exists.
    pub fn beside(public_key: &Path) -> Option<PathBuf> {
        let private = public_key.with_extension("");
        (public_key.extension()? == "pub" && private.is_file()).then_some(private)
    }

    pub(super) async fn sign_in(
        &self,
        handle: &mut Handle<PinnedHost>,
        user: &str,
        address: &str,
    ) -> Result<(), SshError> {
        let refused = |reason: String| SshError::Authentication { address: address.to_owned(), reason };
        let broken =
            |error: russh::Error| SshError::Protocol { address: address.to_owned(), reason: error.to_string() };
        let hash = handle.best_supported_rsa_hash().await.map_err(broken)?.flatten();
        match self {
            Self::Key(key) => {
                let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
                let result = handle.authenticate_publickey(user, key).await.map_err(broken)?;
                if result.success() { Ok(()) } else { Err(refused("the server does not know this key".into())) }
            }
            Self::Agent => {
                let mut agent = AgentClient::connect_env().await.map_err(|error| {
                    SshError::Identity(format!(
                        "the cluster's key is not in a file that can be used, and asking the agent: {error}"
                    ))
                })?;
                let identities =
                    agent.request_identities().await.map_err(|error| SshError::Identity(error.to_string()))?;
                let count = identities.len();
                for identity in identities {
                    let AgentIdentity::PublicKey { key, .. } = identity else { continue };
                    let result = handle.authenticate_publickey_with(user, key, hash, &mut agent).await;
                    if result.is_ok_and(|result| result.success()) {
                        return Ok(());
                    }
                }
                Err(refused(format!("none of the agent's {count} keys is known to it")))
            }
        }
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Key(_) => "Identity::Key",
            Self::Agent => "Identity::Agent",
        })
    }
}
