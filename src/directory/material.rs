//! Key material on disk: one file per authority and node, so that no file can hold half a pair.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::ClusterDirectory;
use crate::pki::{Authority, Material, NodeMaterial, SshKeyPair, generate_ssh_key_pair};
use crate::spec::Node;

impl ClusterDirectory {
    /// The cluster's key material; what is missing is made, and written before this returns when `store` is true.
    pub fn material(&self, cluster: &str, nodes: &[Node], store: bool) -> anyhow::Result<Material> {
        let authority_file = self.path("authority.json");
        let authority = match self.read_json(&authority_file)? {
            Some(authority) => authority,
            None => {
                let authority = Authority::generate(cluster)?;
                if store {
                    self.write_json(&authority_file, &authority)?;
                }
                authority
            }
        };
        let mut by_name = BTreeMap::new();
        for node in nodes {
            let file = self.path(&format!("nodes/{}.json", node.name));
            let keys = match self.read_json(&file)? {
                Some(keys) => keys,
                None => {
                    let keys = NodeMaterial::generate(&authority, node)?;
                    if store {
                        self.write_json(&file, &keys)?;
                    }
                    keys
                }
            };
            by_name.insert(node.name.clone(), keys);
        }
        Ok(Material::new(authority, by_name))
    }

    /// The operator's key pair; a new one, not yet written, when there is none.
    pub fn operator_key(&self, cluster: &str) -> anyhow::Result<SshKeyPair> {
        match self.read(&self.identity())? {
            Some(private) => {
                let key = russh::keys::PrivateKey::from_openssh(&private)
                    .with_context(|| format!("reading `{}`", self.identity().display()))?;
                Ok(SshKeyPair { public: format!("{}\n", key.public_key().to_openssh()?), private })
            }
            None => generate_ssh_key_pair(&format!("core@{cluster}")),
        }
    }

    /// Keeps the operator's key pair.
    pub fn store_operator_key(&self, pair: &SshKeyPair) -> anyhow::Result<()> {
        self.write(&self.identity(), &pair.private)?;
        self.write(&self.identity().with_extension("pub"), &pair.public)
    }
}
