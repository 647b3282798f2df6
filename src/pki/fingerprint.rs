//! What a node was given, in a form that is no secret: it stands as a tag on the machine, so that a run knows whether
//! the keys in the cluster's directory are those that the machine has.

use std::fmt;

use anyhow::Context as _;
use openssl::hash::MessageDigest;
use openssl::x509::X509;
use russh::keys::{HashAlg, PublicKey};

use super::{Authority, Certificate, NodeMaterial};

/// SHA-256 of each part of what one node was given.
///
/// Written as `host-key=SHA256:<43> authority=<64> certificates=<64> etcd=member`: 225 characters, of the 256 that a tag
/// holds. `ssh-keygen -l` and `openssl x509 -fingerprint -sha256` show the first two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFingerprints([(KeyPart, String); 4]);

/// A part that can differ by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPart {
    /// The SSH server's key.
    HostKey,
    /// The certificate of the cluster's authority, which the node trusts.
    Authority,
    /// Etcd's certificates of the node.
    Certificates,
    /// Whether etcd runs there as a member; no key, but as fixed as one.
    EtcdRole,
}

impl KeyPart {
    fn word(self) -> &'static str {
        match self {
            Self::HostKey => "host-key",
            Self::Authority => "authority",
            Self::Certificates => "certificates",
            Self::EtcdRole => "etcd",
        }
    }
}

impl KeyFingerprints {
    /// Of a node's keys; an error when they are not what they should be.
    pub fn of(keys: &NodeMaterial, authority: &Authority, etcd_member: bool) -> anyhow::Result<Self> {
        let host_key = PublicKey::from_openssh(keys.ssh_host_key.public.trim()).context("reading the SSH host key")?;
        let certificates = openssl::sha::sha256(&[digest(&keys.member)?, digest(&keys.client)?].concat());
        Ok(Self([
            (KeyPart::HostKey, host_key.fingerprint(HashAlg::Sha256).to_string()),
            (KeyPart::Authority, authority_fingerprint(authority)?),
            (KeyPart::Certificates, hex::encode(certificates)),
            (KeyPart::EtcdRole, if etcd_member { "member" } else { "client" }.to_owned()),
        ]))
    }

    /// The parts in which these are not what `tag` says; a part that the tag does not name is not judged.
    pub fn differences(&self, tag: &str) -> Vec<KeyPart> {
        let differs = |(part, value): &&(KeyPart, String)| said(tag, *part).is_some_and(|said| said != value);
        self.0.iter().filter(differs).map(|(part, _)| *part).collect()
    }
}

impl fmt::Display for KeyFingerprints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (part, value)) in self.0.iter().enumerate() {
            let lead = if index == 0 { "" } else { " " };
            write!(formatter, "{lead}{}={value}", part.word())?;
        }
        Ok(())
    }
}

/// Whether a machine with this tag was made with this authority; a tag that does not say is not judged.
pub fn authority_fits(authority: &Authority, tag: &str) -> anyhow::Result<bool> {
    let own = authority_fingerprint(authority)?;
    Ok(said(tag, KeyPart::Authority).is_none_or(|said| said == own))
}

fn authority_fingerprint(authority: &Authority) -> anyhow::Result<String> {
    let read = X509::from_pem(authority.certificate.as_bytes()).context("reading the authority's certificate")?;
    Ok(hex::encode(read.digest(MessageDigest::sha256())?))
}

/// What a tag says of a part.
fn said(tag: &str, part: KeyPart) -> Option<&str> {
    tag.split_whitespace().find_map(|word| word.strip_prefix(part.word())?.strip_prefix('='))
}

fn digest(certificate: &Certificate) -> anyhow::Result<[u8; 32]> {
    let read = X509::from_pem(certificate.certificate.as_bytes()).context("reading a certificate of the node")?;
    Ok(openssl::sha::sha256(&read.to_der()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Node;

    #[test]
    fn each_part_is_told_apart_and_fits_a_tag() {
        let node = |index: u32| Node {
            index,
            name: format!("{}-{}-{index}", "c".repeat(40), "p".repeat(18)),
            address: [10, 0, 0, 4].into(),
            etcd_member: true,
            etcd_joins: false,
        };
        let [authority, other] = ["one", "two"].map(|name| Authority::generate(name).unwrap());
        let keys = NodeMaterial::generate(&authority, &node(0)).unwrap();
        let tag = KeyFingerprints::of(&keys, &authority, true).unwrap().to_string();
        assert!(tag.len() <= 256 && tag.is_ascii(), "{tag}");
        assert!(!tag.contains('\'') && tag.starts_with("host-key=SHA256:"), "{tag}");

        let fresh = NodeMaterial::generate(&authority, &node(1)).unwrap();
        let other_host_key = NodeMaterial { ssh_host_key: fresh.ssh_host_key.clone(), ..keys.clone() };
        let other_client = NodeMaterial { client: fresh.client.clone(), ..keys.clone() };
        use KeyPart::{Authority as A, Certificates as C, EtcdRole as E, HostKey as H};
        for (keys, authority, member, expected) in [
            (&keys, &authority, true, vec![]),
            (&keys, &other, true, vec![A]),
            (&other_host_key, &authority, true, vec![H]),
            (&other_client, &authority, true, vec![C]),
            (&keys, &authority, false, vec![E]),
            (&fresh, &other, false, vec![H, A, C, E]),
        ] {
            let found = KeyFingerprints::of(keys, authority, member).unwrap();
            assert_eq!(found.differences(&tag), expected);
            assert_eq!(found.differences("something else"), [], "what is not said is not judged");
            assert_eq!(authority_fits(authority, &tag).unwrap(), !expected.contains(&A));
            assert!(authority_fits(authority, "something else").unwrap());
        }
        let broken = NodeMaterial {
            ssh_host_key: super::super::SshKeyPair { public: "x".into(), private: String::new() },
            ..keys
        };
        assert!(KeyFingerprints::of(&broken, &authority, true).is_err());
    }
}
