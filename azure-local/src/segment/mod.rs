//! A virtual network as an Ethernet segment: a learning switch whose ports are unix stream sockets.
//!
//! QEMU's `-netdev stream` connects to it and sends each frame preceded by its length, 4 bytes, big-endian. The host
//! of machines makes one segment per virtual network.

mod port;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::lock::lock;
use table::{PortId, Table};

/// One Ethernet segment. Dropping it disconnects every machine and removes the socket.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    accepting: JoinHandle<()>,
    table: Arc<Mutex<Table>>,
}

impl Segment {
    /// Listens at `path`, which must be shorter than 108 bytes. A socket that a dead process left there is replaced.
    pub fn listen(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        let table = Arc::new(Mutex::new(Table::default()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&table)));
        Ok(Self { path: path.to_owned(), accepting, table })
    }

    /// Where machines connect.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.accepting.abort();
        // Ports end when their queues do.
        lock(&self.table).clear();
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn accept(listener: UnixListener, table: Arc<Mutex<Table>>) {
    let mut next = 0;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                next += 1;
                port::attach(PortId(next), stream, Arc::clone(&table));
            }
            Err(error) => {
                // Out of descriptors, most likely: others may end meanwhile.
                tracing::warn!(%error, "a machine could not be connected to its segment");
                tokio::task::yield_now().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;
    use tokio::time::timeout;

    const BROADCAST: [u8; 6] = [0xff; 6];
    const DEADLINE: Duration = Duration::from_secs(30);

    fn mac(number: u8) -> [u8; 6] {
        [2, 0, 0, 0, 0, number]
    }

    fn frame(to: [u8; 6], from: [u8; 6], payload: &[u8]) -> Vec<u8> {
        [&to[..], &from[..], &[0x08, 0x00], payload].concat()
    }

    async fn send(stream: &mut UnixStream, frame: &[u8]) {
        let length = u32::try_from(frame.len()).expect("a length");
        stream.write_all(&length.to_be_bytes()).await.expect("sent");
        stream.write_all(frame).await.expect("sent");
    }

    async fn receive(stream: &mut UnixStream) -> Vec<u8> {
        timeout(DEADLINE, async {
            let length = stream.read_u32().await.expect("a length");
            let mut frame = vec![0; length as usize];
            stream.read_exact(&mut frame).await.expect("a frame");
            frame
        })
        .await
        .expect("a frame in time")
    }

    async fn segment_with_ports(count: usize) -> (tempfile::TempDir, Segment, Vec<UnixStream>) {
        let folder = tempfile::tempdir().expect("a folder");
        let segment = Segment::listen(&folder.path().join("segment")).expect("listening");
        let mut streams = Vec::new();
        for _ in 0..count {
            streams.push(UnixStream::connect(segment.path()).await.expect("connected"));
        }
        timeout(DEADLINE, async {
            while lock(&segment.table).ports() < count {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("all ports attached");
        (folder, segment, streams)
    }

    #[tokio::test]
    async fn broadcasts_reach_everyone_else_and_answers_reach_only_the_one_asked() {
        let (_folder, _segment, mut streams) = segment_with_ports(3).await;
        let question = frame(BROADCAST, mac(1), b"who is there");
        send(&mut streams[0], &question).await;
        assert_eq!(receive(&mut streams[1]).await, question);
        assert_eq!(receive(&mut streams[2]).await, question);

        let answer = frame(mac(1), mac(2), b"me");
        send(&mut streams[1], &answer).await;
        assert_eq!(receive(&mut streams[0]).await, answer);

        // Had the answer been flooded, the third port would see it before this.
        let last = frame(BROADCAST, mac(2), b"done");
        send(&mut streams[1], &last).await;
        assert_eq!(receive(&mut streams[2]).await, last);
    }

    #[tokio::test]
    async fn unknown_destinations_are_flooded() {
        let (_folder, _segment, mut streams) = segment_with_ports(3).await;
        let lost = frame(mac(9), mac(1), b"anyone");
        send(&mut streams[0], &lost).await;
        assert_eq!(receive(&mut streams[1]).await, lost);
        assert_eq!(receive(&mut streams[2]).await, lost);
    }

    #[tokio::test]
    async fn a_machine_that_does_not_read_holds_nobody_up() {
        let (_folder, _segment, mut streams) = segment_with_ports(3).await;
        let mut listening = streams.remove(1);
        let reading = tokio::spawn(async move {
            loop {
                let frame = receive(&mut listening).await;
                if frame.ends_with(b"last") {
                    return;
                }
            }
        });
        // The other port never reads; far more than its queue and its socket's buffer hold.
        let bulk = frame(BROADCAST, mac(1), &[7; 1400]);
        timeout(DEADLINE, async {
            for _ in 0..20_000 {
                send(&mut streams[0], &bulk).await;
            }
        })
        .await
        .expect("the sender is never blocked for good");
        timeout(DEADLINE, async {
            while !reading.is_finished() {
                // Sent again, because a full queue may have dropped it.
                send(&mut streams[0], &frame(BROADCAST, mac(1), b"last")).await;
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the reading port got the last frame");
        reading.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_length_no_frame_has_ends_the_connection() {
        let (_folder, segment, mut streams) = segment_with_ports(2).await;
        streams[0].write_all(&1_000_000_u32.to_be_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        timeout(DEADLINE, streams[0].read_to_end(&mut rest)).await.expect("closed in time").expect("closed");
        timeout(DEADLINE, async {
            while lock(&segment.table).ports() > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the port is gone");
    }

    #[tokio::test]
    async fn dropping_the_segment_closes_everything() {
        let (_folder, segment, mut streams) = segment_with_ports(1).await;
        let path = segment.path().to_owned();
        drop(segment);
        let mut rest = Vec::new();
        timeout(DEADLINE, streams[0].read_to_end(&mut rest)).await.expect("closed in time").expect("closed");
        assert!(!path.exists());
    }
}
