//! The inventory on disk. Programs get it with absolute paths; in the file they are relative to the directory.

use std::path::Path;

use nodes::clusters;
use nodes::inventory::{Inventory, InventorySsh};
use nodes::portable_path::portable;

use super::ClusterDirectory;
use crate::outputs;

impl ClusterDirectory {
    /// What the last run that came to its end found; none when none did.
    pub(crate) fn read_inventory(&self) -> anyhow::Result<Option<Inventory>> {
        clusters::inventory(self.home(), self.name())
    }

    /// Keeps the inventory, and what belongs to it for `ssh -F`.
    pub(crate) fn store_inventory(&self, inventory: &Inventory) -> anyhow::Result<()> {
        self.write(&self.known_hosts(), &outputs::known_hosts(inventory))?;
        self.write_ssh_config(inventory)?;
        let portable = |path: &Path| portable(self.root(), path);
        let ssh = InventorySsh {
            identity: inventory.ssh.identity.as_deref().map(portable),
            config: portable(&inventory.ssh.config),
            known_hosts: portable(&inventory.ssh.known_hosts),
            user: inventory.ssh.user.clone(),
        };
        self.write_json(&self.inventory(), &Inventory { ssh, ..inventory.clone() })
    }

    /// Writes the file for `ssh -F` anew when the directory has been copied to another place: ssh takes a relative path
    /// for one of the folder that it is called in, so this file alone holds where the directory is. `ssh_config(5)`
    pub(crate) fn write_ssh_config(&self, inventory: &Inventory) -> anyhow::Result<()> {
        let text = outputs::ssh_config(inventory, &self.known_hosts())?;
        if self.read(&self.ssh_config())?.as_deref() == Some(text.as_str()) {
            return Ok(());
        }
        self.write(&self.ssh_config(), &text)
    }
}
