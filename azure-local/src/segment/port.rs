//! One machine's connection to the switch: turns the byte stream into frames and back.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::table::{Frame, PortId, Table};
use crate::lock::lock;

/// Frames that wait for a slow machine before it misses some.
const QUEUED_FRAMES: usize = 512;

/// QEMU's own limit (`NET_BUFSIZE`): a greater length means that the stream is out of step.
const LONGEST_FRAME_BYTES: u32 = 4096 + 65536;

/// Serves a connection until either side ends it.
pub(super) fn attach(id: PortId, stream: UnixStream, table: Arc<Mutex<Table>>) {
    let (input, output) = stream.into_split();
    let (queue, frames) = mpsc::channel(QUEUED_FRAMES);
    lock(&table).attach(id, queue);
    tokio::spawn(async move {
        tokio::select! {
            ended = read(id, input, &table) => {
                if let Err(error) = ended {
                    tracing::debug!(port = id.0, %error, "a machine left its segment");
                }
            }
            ended = write(output, frames) => {
                if let Err(error) = ended {
                    tracing::debug!(port = id.0, %error, "a machine left its segment");
                }
            }
        }
        lock(&table).detach(id);
    });
}

async fn read(id: PortId, input: OwnedReadHalf, table: &Mutex<Table>) -> io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    loop {
        let length = match input.read_u32().await {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        if length > LONGEST_FRAME_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
        }
        let mut frame = vec![0; length as usize];
        input.read_exact(&mut frame).await?;
        lock(table).forward(id, frame.into());
    }
}

/// Ends when the queue is closed, which the table does by forgetting the port.
async fn write(output: OwnedWriteHalf, mut frames: mpsc::Receiver<Frame>) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(1 << 16, output);
    while let Some(frame) = frames.recv().await {
        write_frame(&mut output, &frame).await?;
        // Whatever is queued goes out together.
        while let Ok(frame) = frames.try_recv() {
            write_frame(&mut output, &frame).await?;
        }
        output.flush().await?;
    }
    Ok(())
}

async fn write_frame(output: &mut BufWriter<OwnedWriteHalf>, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    output.write_u32(length).await?;
    output.write_all(frame).await
}
