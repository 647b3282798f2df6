//! `local logs`: the end of the emulator's log, and what comes after it.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use crate::local;
use report::mark::DEGRADED;
use report::output;
use report::{Failure, Reporter};

/// So much of the log's end is printed.
const LOG_END_BYTES: u64 = 1 << 20;
/// So much of it is in memory at once.
const LOG_PIECE_BYTES: u64 = 64 << 10;
/// How often `logs --follow` looks for more.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(300);

/// Prints the end of the log, and with `follow` what comes after it. A log grows as long as its emulator runs, so that it is
/// read piece by piece.
pub(super) async fn logs(follow: bool) -> Result<(), Failure> {
    let directory = local::directory()?;
    let path = directory.log();
    let file = local::folder::open_log(&directory)?;
    let length = file.metadata().map_err(anyhow::Error::new)?.len();
    let mut position = length.saturating_sub(LOG_END_BYTES);
    let mut is_first_line_cut = position > 0;
    if is_first_line_cut {
        let kib = LOG_END_BYTES >> 10;
        Reporter::new(None).note(format!(
            "{DEGRADED} the last {kib} KiB of {} KiB; all of it: {}",
            length >> 10,
            path.display()
        ));
    }
    loop {
        let mut piece = log_piece(&file, position).map_err(anyhow::Error::new)?;
        let is_end = (piece.len() as u64) < LOG_PIECE_BYTES;
        // A line that goes on in the next piece is printed with it.
        if let (false, Some(last)) = (is_end, piece.iter().rposition(|byte| *byte == b'\n')) {
            piece.truncate(last + 1);
        }
        position += piece.len() as u64;
        let cut = piece.iter().position(|byte| *byte == b'\n').filter(|_| is_first_line_cut).map_or(0, |end| end + 1);
        is_first_line_cut = false;
        output::print(&String::from_utf8_lossy(&piece[cut..]))?;
        if !is_end {
            continue;
        }
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW_INTERVAL).await;
    }
}

fn log_piece(mut file: &std::fs::File, position: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(position))?;
    let mut piece = Vec::new();
    file.take(LOG_PIECE_BYTES).read_to_end(&mut piece)?;
    Ok(piece)
}
