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

/// What to do without a key that Azure takes.
const NEW_KEY: &str = "ssh-keygen -t ed25519 makes a key that Azure takes";

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
    /// It is PuTTY's file.
    #[error("this is PuTTY's private key; give the public one in OpenSSH's format")]
    Putty,
    /// There is more than one.
    #[error("there are {0} keys; give one key, and others by `--custom-data`")]
    Several(usize),
    /// A line as `authorized_keys` has it, and what stands before the key.
    #[error("there are options before the key (`{before}`), which would be lost; give the `{kind}` key alone")]
    Options { before: String, kind: String },
    /// A part of it is missing.
    #[error("the key is broken over several lines, and they do not make one")]
    Broken,
    /// Signed by an SSH certificate authority.
    #[error("this is an OpenSSH certificate (`{0}`); give the public key that it was made for")]
    OpenSshCertificate(String),
    /// PKCS #12; with the cipher that OpenSSL 3 reads only when it is told.
    #[error("this is a PFX (PKCS #12) file with a private key in it; give its certificate alone")]
    Pkcs12 { is_legacy: bool },
    /// Something else that has a name.
    #[error("this is {0}, and no public key")]
    Other(&'static str),
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

impl InvalidSshKey {
    /// The command that makes what Azure takes out of `file`, else one that makes a new key.
    pub fn remedy(&self, file: &str) -> String {
        let file = quoted(file);
        match self {
            Self::Private => format!("ssh-keygen -y -f {file} > key.pub"),
            Self::Putty => format!("puttygen {file} -O public-openssh -o key.pub"),
            Self::Options { kind, .. } => format!("grep -o '{kind} .*' {file} > key.pub"),
            Self::Pkcs12 { is_legacy } => {
                let legacy = if *is_legacy { "-legacy " } else { "" };
                format!("openssl pkcs12 {legacy}-in {file} -clcerts -nokeys -out certificate.pem")
            }
            _ => NEW_KEY.into(),
        }
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    shlex::try_quote(path).map_or_else(|_| "FILE".into(), std::borrow::Cow::into_owned)
}

impl SshPublicKey {
    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are one key, whatever their comments.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.split_whitespace().take(2).eq(other.0.split_whitespace().take(2))
    }

    /// The key out of the bytes that stand in base64 in every form of it (RFC 4253 §6.6).
    pub(super) fn from_blob(blob: &[u8], comment: &str) -> Result<Self, InvalidSshKey> {
        let unreadable = |error: russh::keys::ssh_key::Error| InvalidSshKey::Unreadable(error.to_string());
        let mut key = PublicKey::from_bytes(blob).map_err(unreadable)?;
        key.set_comment(comment);
        key.to_openssh().map_err(unreadable)?.parse()
    }
}

impl FromStr for SshPublicKey {
    type Err = InvalidSshKey;

    /// One line; [`super::SshCertificate::read`] takes the other forms that there are.
    fn from_str(text: &str) -> Result<Self, InvalidSshKey> {
        let line = text.trim();
        if line.contains("PRIVATE KEY") {
            return Err(InvalidSshKey::Private);
        }
        if line.contains(['\n', '\r']) {
            return Err(InvalidSshKey::Broken);
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
