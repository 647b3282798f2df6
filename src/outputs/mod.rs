//! What a user goes on with: the inventory, an `ssh_config` and `known_hosts` that work at once, DNS records, next steps.
//! Pure; `cli` writes and prints them.

mod inventory;
mod text;

pub use inventory::{Reached, inventory, reached_anew};
pub use text::summary;

use std::path::Path;

use minijinja::context;
use nodes::inventory::{Inventory, InventoryNode};

use crate::userdata::{UserDataError, render_template};

/// For `ssh -F`: a `Host` block per node, strict about host keys. `identity` is left out when the key is elsewhere.
pub fn ssh_config(inventory: &Inventory, known_hosts: &Path) -> Result<String, UserDataError> {
    let nodes: Vec<_> = inventory
        .nodes
        .iter()
        .map(|node| context! { name => node.name.as_str(), host => node.ssh.host.as_str(), port => node.ssh.port })
        .collect();
    let known_hosts = known_hosts.display().to_string();
    let identity = inventory.ssh.identity.as_ref().map(|path| path.display().to_string());
    let template = include_str!("../../templates/ssh_config");
    render_template("ssh_config", template, context! { nodes, identity, known_hosts })
}

/// One line per node, under the node's name and under its public endpoint, so that `ssh -p` without our `ssh_config`
/// finds the key too.
pub fn known_hosts(inventory: &Inventory) -> String {
    let line = |node: &InventoryNode| {
        let key: Vec<&str> = node.host_key.split_whitespace().take(2).collect();
        format!("{},[{}]:{} {}\n", node.name, node.ssh.host, node.ssh.port, key.join(" "))
    };
    inventory.nodes.iter().map(line).collect()
}
