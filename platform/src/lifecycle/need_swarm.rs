//! The swarm that secrets live in: the first one forms it. `config` calls it.

use super::preflight;
use crate::Platform;
use crate::swarm;
use report::{Failure, Reporter};

/// Forms the swarm when there is none, or goes on where an earlier run was cut short.
pub(crate) async fn need_swarm(platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
    if platform.swarm.members().await?.is_some_and(|members| swarm::is_formed(&platform.cluster, &members)) {
        return Ok(());
    }
    preflight(platform, reporter).await?;
    swarm::form(&platform.cluster, reporter).await.map(drop)
}
