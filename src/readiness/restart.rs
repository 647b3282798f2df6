//! Which boot a node is in before it is restarted, so that it is told afterwards whether it was.

use super::LONGEST_ANSWER;
use super::check::{BOOT_ID, BootId};
use nodes::cluster::{Cluster, Route, Timeouts};
use nodes::inventory::Inventory;
use nodes::ssh::Identity;

/// The boot that a node is in, or why it does not say: what does not answer may be restarted just because of that.
pub(crate) async fn boot_id(inventory: &Inventory, node: &str, identity: &Identity) -> Result<BootId, String> {
    let cluster = Cluster::new(inventory.clone().into(), identity.clone(), Route::Direct, Timeouts::default());
    let Some(node) = cluster.nodes().iter().find(|known| known.name() == node) else {
        return Err("the inventory does not have it".into());
    };
    let said = node.run(BOOT_ID, None, LONGEST_ANSWER).await;
    node.disconnect().await;
    BootId::read(&said.map_err(|error| error.to_string())?.success()?)
}
