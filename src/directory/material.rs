//! Key material on disk: one file per authority and node, so that no file can hold half a pair.

use std::collections::BTreeMap;

use super::ClusterDirectory;
use crate::pki::{Authority, Material, NodeMaterial, SshKeyPair, generate_ssh_key_pair, operator_certificate};
use crate::spec::Node;

impl ClusterDirectory {
    /// The cluster's key material; what is not on disk is made, in memory only.
    pub(crate) fn material(&self, cluster: &str, nodes: &[Node]) -> anyhow::Result<Material> {
        let authority = match self.stored_authority()? {
            Some(authority) => authority,
            None => Authority::generate(cluster)?,
        };
        let mut by_name = BTreeMap::new();
        for node in nodes {
            let file = self.node_keys(&node.name);
            let keys = match self.read_json::<NodeMaterial>(&file)? {
                Some(keys) => {
                    keys.check().map_err(|error| self.damaged(&file, &format!("{error:#}")))?;
                    keys
                }
                None => NodeMaterial::generate(&authority, node)?,
            };
            by_name.insert(node.name.clone(), keys);
        }
        Ok(Material::new(authority, by_name))
    }

    /// The cluster's authority as it is on disk; none when it is not.
    pub(crate) fn stored_authority(&self) -> anyhow::Result<Option<Authority>> {
        let authority = self.read_json::<Authority>(&self.authority())?;
        if let Some(authority) = &authority {
            authority.check().map_err(|error| self.damaged(&self.authority(), &format!("{error:#}")))?;
        }
        Ok(authority)
    }

    /// Keeps the material; what is on disk already stays as it is.
    pub(crate) fn store_material(&self, material: &Material) -> anyhow::Result<()> {
        if !self.authority().exists() {
            self.write_json(&self.authority(), &material.authority)?;
        }
        for (name, keys) in material.nodes() {
            if !self.node_keys(name).exists() {
                self.write_json(&self.node_keys(name), keys)?;
            }
        }
        Ok(())
    }

    /// The operator's key pair; a new one, not yet written, when there is none.
    pub(crate) fn operator_key(&self, cluster: &str) -> anyhow::Result<SshKeyPair> {
        match self.read(&self.identity())? {
            Some(private) => {
                let key = russh::keys::PrivateKey::from_openssh(&private)
                    .map_err(|error| self.damaged(&self.identity(), &error.to_string()))?;
                Ok(SshKeyPair { public: format!("{}\n", key.public_key().to_openssh()?), private })
            }
            None => generate_ssh_key_pair(&format!("core@{cluster}")),
        }
    }

    /// Keeps the operator's key pair; one that is on disk already stays as it is.
    pub(crate) fn store_operator_key(&self, pair: &SshKeyPair) -> anyhow::Result<()> {
        if self.identity().exists() {
            return Ok(());
        }
        self.write(&self.identity(), &pair.private)?;
        self.write(&self.identity().with_extension("pub"), &pair.public)?;
        self.write(&self.identity().with_extension("cert.pem"), &operator_certificate("core", pair)?)
    }

    /// Removes the keys of these nodes.
    pub(crate) fn forget_node_keys(&self, nodes: &[String]) -> anyhow::Result<()> {
        nodes.iter().try_for_each(|node| Self::remove_file(&self.node_keys(node)))
    }

    /// Removes the keys of all nodes.
    pub(super) fn forget_nodes(&self) -> anyhow::Result<()> {
        let nodes = self.path("nodes");
        match std::fs::remove_dir_all(&nodes) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => report::access(removed, &nodes, "removing"),
        }
    }
}
