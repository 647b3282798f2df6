//! Ed25519 key pairs in OpenSSH's formats: host keys that we give to machines, and the operator's key when there is none.

use anyhow::Context as _;
use openssl::pkey::{Id, PKey};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{LineEnding, PrivateKey, PublicKey};
use serde::{Deserialize, Serialize};

use super::certificate::self_signed;

/// Length of an Ed25519 seed in bytes, RFC 8032.
const SEED_BYTES: usize = 32;
/// As long as the cluster's own certificates.
const CERTIFICATE_DAYS: u32 = 3650;

/// A key pair.
#[derive(Clone, Serialize, Deserialize)]
pub struct SshKeyPair {
    /// `-----BEGIN OPENSSH PRIVATE KEY-----` …, unencrypted.
    pub private: String,
    /// `ssh-ed25519 AAAA… comment` with a line feed.
    pub public: String,
}

impl SshKeyPair {
    /// An error when the two are not a pair.
    pub fn check(&self) -> anyhow::Result<()> {
        let private = PrivateKey::from_openssh(&self.private).context("its SSH key cannot be read")?;
        let public = PublicKey::from_openssh(self.public.trim()).context("its public SSH key cannot be read")?;
        anyhow::ensure!(private.public_key().key_data() == public.key_data(), "its public SSH key is another key's");
        Ok(())
    }
}

/// A new Ed25519 pair.
pub fn generate_ssh_key_pair(comment: &str) -> anyhow::Result<SshKeyPair> {
    let mut seed = [0; SEED_BYTES];
    openssl::rand::rand_bytes(&mut seed)?;
    let key = PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), comment)?;
    Ok(SshKeyPair {
        private: key.to_openssh(LineEnding::LF)?.to_string(),
        public: format!("{}\n", key.public_key().to_openssh()?),
    })
}

/// A self-signed X.509 certificate of the pair's key in PEM, for tools that want one in place of an SSH key.
pub fn operator_certificate(name: &str, pair: &SshKeyPair) -> anyhow::Result<String> {
    let key = PrivateKey::from_openssh(&pair.private)?;
    let KeypairData::Ed25519(pair) = key.key_data() else { anyhow::bail!("the key is not Ed25519") };
    let key = PKey::private_key_from_raw_bytes(pair.private.as_ref(), Id::ED25519)?;
    self_signed(name, &key, CERTIFICATE_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{SshCertificate, SshPublicKey};

    #[test]
    fn pairs_are_read_back() {
        let pair = generate_ssh_key_pair("node").unwrap();
        let private = PrivateKey::from_openssh(&pair.private).unwrap();
        assert_eq!(format!("{}\n", private.public_key().to_openssh().unwrap()), pair.public);
        assert!(pair.public.parse::<SshPublicKey>().is_ok(), "{}", pair.public);
        let certificate = SshCertificate::read(operator_certificate("core", &pair).unwrap().as_bytes()).unwrap();
        let key = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert_eq!(certificate.key.as_str(), key(&pair.public));
        assert_ne!(generate_ssh_key_pair("node").unwrap().public, pair.public);
    }
}
