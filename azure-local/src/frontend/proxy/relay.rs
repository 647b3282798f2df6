//! One connection: carries bytes both ways until both sides are done, one fails, or both are silent for too long.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

const BUFFER_BYTES: usize = 32 * 1024;

/// How one connection ended.
enum End {
    Finished,
    Failed,
    Idle,
}

/// Whether the server is still there when the first byte moves. The way into a machine accepts before the machine does,
/// so that a refusal shows only as an early end; then nothing has been sent, and another machine can be tried.
pub(super) async fn is_alive(client: &TcpStream, server: &TcpStream) -> bool {
    let (mut first_byte, mut clients_first_byte) = ([0], [0]);
    tokio::select! {
        biased;
        first = server.peek(&mut first_byte) => matches!(first, Ok(length) if length > 0),
        _ = client.peek(&mut clients_first_byte) => true,
    }
}

/// Carries bytes until the connection ends, and ends it on both sides.
pub(super) async fn run(mut client: TcpStream, mut server: TcpStream, idle_timeout: Duration, reset_when_idle: bool) {
    // What is written goes out as it came.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let end = {
        let last_byte = Mutex::new(Instant::now());
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        tokio::select! {
            ended = async {
                tokio::try_join!(
                    carry(client_read, server_write, &last_byte),
                    carry(server_read, client_write, &last_byte)
                )
            } => if ended.is_ok() { End::Finished } else { End::Failed },
            () = silence(&last_byte, idle_timeout) => End::Idle,
        }
    };
    match end {
        End::Finished => {}
        End::Idle if !reset_when_idle => {}
        End::Failed | End::Idle => {
            reset(&client);
            reset(&server);
        }
    }
}

/// Makes the end of a connection a reset.
pub(super) fn reset(stream: &TcpStream) {
    // The only failure is a socket that is gone.
    let _ = stream.set_zero_linger();
}

async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, last_byte: &Mutex<Instant>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        *lock(last_byte) = Instant::now();
        to.write_all(&buffer[..length]).await?;
    }
}

/// Returns when no byte has come from either side for `limit`.
async fn silence(last_byte: &Mutex<Instant>, limit: Duration) {
    loop {
        let end = *lock(last_byte) + limit;
        if Instant::now() >= end {
            return;
        }
        sleep_until(end).await;
    }
}

fn lock(instant: &Mutex<Instant>) -> std::sync::MutexGuard<'_, Instant> {
    instant.lock().unwrap_or_else(PoisonError::into_inner)
}
