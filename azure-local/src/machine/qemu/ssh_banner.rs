//! When a guest is ready: its SSH server has sent its banner.
//!
//! A guest that boots beside others may need many seconds for it, and every connection makes its server start another
//! process. And a connection made before the guest has a network is repeated by QEMU ever more seldom. So the first one
//! is made when the guest's agent has spoken, connections are given time, and few are made.

use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::supervisor::Run;

const SSH_PORT: u16 = 22;

/// Before a connection that was refused is tried again. The way in accepts connections before the guest has a network,
/// and ends them when the guest says that nobody listens.
const PAUSE: Duration = Duration::from_millis(200);

/// After this another connection is made beside one that is silent: its first packet may have been lost.
const SILENCE: Duration = Duration::from_secs(4);

/// The longest that one connection is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections at a time.
const MOST_CONNECTIONS: usize = 4;

/// Returns when the guest has sent a banner.
pub(super) async fn wait_for(run: &Run, console: &Path) {
    while !run.agent_has_spoken(console) {
        sleep(PAUSE).await;
    }
    let mut connections = JoinSet::new();
    loop {
        if connections.len() < MOST_CONNECTIONS
            && let Ok(address) = run.forward(SSH_PORT).await
        {
            connections.spawn(async move {
                let reading = async {
                    let mut stream = TcpStream::connect(address).await.ok()?;
                    let mut start = [0; 4];
                    stream.read_exact(&mut start).await.ok()?;
                    (&start == b"SSH-").then_some(())
                };
                timeout(PATIENCE, reading).await.ok().flatten().is_some()
            });
        }
        match timeout(SILENCE, connections.join_next()).await {
            Ok(Some(Ok(true))) => return,
            Ok(_) => sleep(PAUSE).await,
            Err(_) => {}
        }
    }
}
