//! Key material of a cluster: its certificate authority, etcd's certificates, SSH host keys and the operator's key.
//!
//! Made once, before anything on Azure depends on it, and kept in the cluster's directory; `userdata` puts it into
//! machines.

mod authority;
mod certificate;
mod fingerprint;
mod sign_in;
mod ssh_host_key;

pub use authority::{Authority, Certificate};
pub use fingerprint::{KeyFingerprints, KeyPart, authority_fits};
pub use sign_in::{InvalidSignInCertificate, SignInCertificate, pkcs12};
pub use ssh_host_key::{SshKeyPair, generate_ssh_key_pair, operator_certificate};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::Node;

/// Everything secret that a cluster's machines are given.
#[derive(Clone)]
pub struct Material {
    /// Signs every certificate below.
    pub authority: Authority,
    nodes: BTreeMap<String, NodeMaterial>,
}

/// What one node is given.
#[derive(Clone, Serialize, Deserialize)]
pub struct NodeMaterial {
    /// Of etcd's member, for peers and clients: server and client authentication.
    pub member: Certificate,
    /// For `etcdctl` on the node: client authentication only.
    pub client: Certificate,
    /// The SSH server's identity.
    pub ssh_host_key: SshKeyPair,
}

impl Material {
    /// Material with its nodes by name.
    pub fn new(authority: Authority, nodes: BTreeMap<String, NodeMaterial>) -> Self {
        Self { authority, nodes }
    }

    /// Each node's name and material, by name.
    pub fn nodes(&self) -> impl Iterator<Item = (&String, &NodeMaterial)> {
        self.nodes.iter()
    }

    /// The material of a node.
    ///
    /// # Panics
    /// When the node is not of the cluster that the material was made for.
    pub fn node(&self, name: &str) -> &NodeMaterial {
        self.nodes.get(name).unwrap_or_else(|| panic!("no key material for node `{name}`"))
    }
}

impl NodeMaterial {
    /// An error when a part is not what it should be.
    pub fn check(&self) -> anyhow::Result<()> {
        self.member.check()?;
        self.client.check()?;
        self.ssh_host_key.check()
    }

    /// Fresh keys for `node`, its certificates signed by `authority`.
    pub fn generate(authority: &Authority, node: &Node) -> anyhow::Result<Self> {
        Ok(Self {
            member: authority.issue_member(&node.name, node.address)?,
            client: authority.issue_client(&node.name)?,
            ssh_host_key: generate_ssh_key_pair(&node.name)?,
        })
    }
}

/// Secrets stay out of logs.
macro_rules! opaque_debug {
    ($($type:ty),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(concat!(stringify!($type), " { .. }"))
            }
        }
    )*};
}
opaque_debug!(Material, NodeMaterial, Authority, Certificate, SshKeyPair);
