//! What a suspended machine had in memory, as a file: written before its process ends, read by the next one.
//!
//! QEMU moves a machine between processes by its migration stream (<https://www.qemu.org/docs/master/devel/migration/main.html>);
//! here the stream goes through a file. The disks must be as they were when it was written, so it is good for one start only.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::folder::{Folder, write_private};
use super::qmp::Qmp;
use crate::shell_word::shell_word;

/// A gibibyte is written and read in seconds; a busy disk may take minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often QEMU is asked how far it is.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// QEMU holds itself back to far less unless it is told otherwise.
const BYTES_PER_SECOND: u64 = 64 << 30;

/// A machine's memory on disk.
pub(super) struct Memory {
    /// QEMU's arguments that take it up.
    pub arguments: [String; 2],
    /// Where the console's output of the interrupted boot begins.
    pub console_offset: u64,
}

impl Memory {
    /// The memory of a suspended machine; `None` when it was not suspended.
    pub(super) fn of(folder: &Folder) -> Option<Self> {
        let note = fs::read_to_string(folder.memory_note()).ok()?;
        let console_offset = note.trim().parse().ok()?;
        let file = folder.memory();
        file.exists().then(|| Self {
            arguments: ["-incoming".to_owned(), format!("exec:cat {}", shell_word(&file))],
            console_offset,
        })
    }

    /// Forgets it: the machine goes on, or is started without it.
    pub(super) fn forget(folder: &Folder) -> Result<()> {
        for file in [folder.memory_note(), folder.memory()] {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing `{}`", file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Halts the guest and writes its memory. When that fails the guest goes on, and nothing is left of the attempt.
    pub(super) async fn save(folder: &Folder, qmp: &Qmp, console_offset: u64) -> Result<()> {
        let saved = Self::write(folder, qmp, console_offset).await;
        if saved.is_err() {
            let _ = qmp.execute("migrate_cancel", json!({})).await;
            // The cause is what the caller is told.
            let _ = Self::forget(folder);
            qmp.execute("cont", json!({})).await.context("letting the machine go on")?;
        }
        saved
    }

    async fn write(folder: &Folder, qmp: &Qmp, console_offset: u64) -> Result<()> {
        Self::forget(folder)?;
        let file = folder.memory();
        // It holds every secret of the guest: it is private before it has content.
        write_private(&file, b"")?;
        qmp.execute("stop", json!({})).await?;
        qmp.execute("migrate-set-parameters", json!({ "max-bandwidth": BYTES_PER_SECOND })).await?;
        qmp.execute("migrate", json!({ "uri": format!("exec:cat > {}", shell_word(&file)) })).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = qmp.execute("query-migrate", json!({})).await?;
            match answer["status"].as_str() {
                Some("completed") => break,
                Some("failed" | "cancelled") => bail!("writing `{}`: {}", file.display(), reason(&answer)),
                _ if Instant::now() > deadline => bail!("writing `{}` takes too long", file.display()),
                _ => sleep(POLL_INTERVAL).await,
            }
        }
        // Last: a file that was cut short has no note, and is not taken up.
        write_private(&folder.memory_note(), format!("{console_offset}\n").as_bytes())
    }

    /// Waits until a new process has read it, forgets it, and lets the guest go on.
    pub(super) async fn take_up(folder: &Folder, qmp: &Qmp) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while qmp.execute("query-status", json!({})).await?["status"] == "inmigrate" {
            if Instant::now() > deadline {
                bail!("reading `{}` takes too long", folder.memory().display());
            }
            sleep(POLL_INTERVAL).await;
        }
        // From the guest's next write on, its disks do not fit the file any more.
        Self::forget(folder)?;
        qmp.execute("cont", json!({})).await?;
        Ok(())
    }
}

fn reason(answer: &Value) -> &str {
    answer["error-desc"].as_str().unwrap_or("QEMU gives no reason; is the disk full?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_memory_with_its_note_is_taken_up() {
        let directory = tempfile::tempdir().expect("a folder");
        let folder = Folder::of(&directory.path().join("it's"), "/x/node");
        folder.create().expect("created");
        assert!(Memory::of(&folder).is_none());
        write_private(&folder.memory(), b"cut short").expect("written");
        assert!(Memory::of(&folder).is_none());
        write_private(&folder.memory_note(), b"17\n").expect("written");
        let memory = Memory::of(&folder).expect("there");
        assert_eq!(memory.console_offset, 17);
        assert_eq!(memory.arguments[0], "-incoming");
        assert!(memory.arguments[1].contains(r"it'\''s/"), "{}", memory.arguments[1]);
        Memory::forget(&folder).expect("forgotten");
        Memory::forget(&folder).expect("nothing to forget");
        assert!(Memory::of(&folder).is_none());
    }
}
