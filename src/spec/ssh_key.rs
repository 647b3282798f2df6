//! The operator's public key, in a form that Azure takes.

use std::fmt;
use std::str::FromStr;

use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::public::KeyData;
use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// Azure refuses shorter RSA keys.
/// <https://learn.microsoft.com/azure/virtual-machines/linux/create-ssh-keys-detailed>
const RSA_BITS: u32 = 2048;

/// One line of OpenSSH's format: type, key, comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SshPublicKey(String);

/// Why a key was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSshKey {
    /// It is a private key.
    #[error("this is a private key; give the public one (`….pub`)")]
    Private,
    /// There is more than one.
    #[error("there is more than one line; give one key, and others by `--custom-data`")]
    Several,
    /// It cannot be read.
    #[error("not a public key in OpenSSH's format: {0}")]
    Unreadable(String),
    /// It looks like a certificate and is none.
    #[error("not an X.509 certificate: {0}")]
    Certificate(String),
    /// Azure takes no key of this type.
    #[error("Azure refuses keys of type `{0}`; it takes `ssh-ed25519` and `ssh-rsa` with at least 2048 bits")]
    Type(String),
    /// The modulus is too short.
    #[error("the RSA key has {0} bits; Azure asks for at least 2048")]
    ShortRsa(u32),
}

impl SshPublicKey {
    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SshPublicKey {
    type Err = InvalidSshKey;

    fn from_str(text: &str) -> Result<Self, InvalidSshKey> {
        let line = text.trim();
        if line.contains("PRIVATE KEY") {
            return Err(InvalidSshKey::Private);
        }
        if line.lines().count() > 1 {
            return Err(InvalidSshKey::Several);
        }
        let key = PublicKey::from_openssh(line).map_err(|error| InvalidSshKey::Unreadable(error.to_string()))?;
        match key.key_data() {
            KeyData::Ed25519(_) => {}
            KeyData::Rsa(rsa) => {
                let bits = rsa.key_size();
                if bits < RSA_BITS {
                    return Err(InvalidSshKey::ShortRsa(bits));
                }
            }
            _ => return Err(InvalidSshKey::Type(key.algorithm().to_string())),
        }
        Ok(Self(line.to_owned()))
    }
}

impl fmt::Display for SshPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

stands_as_text!(SshPublicKey, InvalidSshKey);
