//! A machine's folder: what is where, and the process that may still run from it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};

/// Characters of a resource's name that a file name keeps.
const NAME_CHARACTERS: usize = 40;

/// How long a killed process may take to disappear.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// A short unique file name for an ARM id: the resource's name, readable, and eight hexadecimal digits of the id's hash.
pub(super) fn file_name(id: &str) -> String {
    let name = id.rsplit('/').next().unwrap_or(id);
    let readable: String = name
        .chars()
        .take(NAME_CHARACTERS)
        .map(|character| if character.is_ascii_alphanumeric() || "-_".contains(character) { character } else { '-' })
        .collect();
    format!("{readable}-{}", short_hash(id))
}

/// Eight hexadecimal digits.
pub(super) fn short_hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..4])
}

/// Makes a folder that only its owner can look into.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that only its owner can read, in one step.
pub(super) fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    let temporary = path.with_extension("new");
    let write = || {
        // A file left by a killed process may have another mode.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(contents)?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("writing `{}`", path.display()))
}

/// Where a machine keeps everything but its disks.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder of the machine `id`; nothing is created.
    pub(super) fn of(machines_directory: &Path, id: &str) -> Self {
        Self { path: machines_directory.join(file_name(id)) }
    }

    /// The machine's name on this host.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the serial port said, boot after boot.
    pub(super) fn console(&self) -> PathBuf {
        self.path.join("console.log")
    }

    /// What QEMU itself said since it was last started.
    pub(super) fn errors(&self) -> PathBuf {
        self.path.join("qemu.log")
    }

    /// The Ignition configuration; there only while QEMU starts for a first boot. Mode 0600.
    pub(super) fn configuration(&self) -> PathBuf {
        self.path.join("config.ign")
    }

    /// What the guest's agent is given, a file an item.
    pub(super) fn guest_items(&self) -> PathBuf {
        self.path.join("guest")
    }

    /// What a suspended machine had in memory. Mode 0600.
    pub(super) fn memory(&self) -> PathBuf {
        self.path.join("memory")
    }

    /// There once the memory is whole.
    pub(super) fn memory_note(&self) -> PathBuf {
        self.path.join("memory.console-offset")
    }

    fn process_id(&self) -> PathBuf {
        self.path.join("qemu.pid")
    }

    /// Makes the folder.
    pub(super) fn create(&self) -> Result<()> {
        create_private(&self.path).with_context(|| format!("creating `{}`", self.path.display()))
    }

    /// Removes the folder and everything in it.
    pub(super) fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing `{}`", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Remembers the process across a crash of this one.
    pub(super) fn note_process(&self, process_id: u32) -> Result<()> {
        write_private(&self.process_id(), process_id.to_string().as_bytes())
    }

    /// The process has ended.
    pub(super) fn forget_process(&self) {
        let _ = fs::remove_file(self.process_id());
    }

    /// Ends a QEMU that runs from this folder although nobody supervises it.
    pub(super) fn end_stale_process(&self) -> Result<()> {
        let Ok(text) = fs::read_to_string(self.process_id()) else {
            return Ok(());
        };
        if let Some(process) = text.trim().parse().ok().and_then(Pid::from_raw) {
            let deadline = Instant::now() + END_PATIENCE;
            while self.runs_here(process) {
                let _ = kill_process(process, Signal::KILL);
                if Instant::now() > deadline {
                    bail!("process {} of `{}` does not end", process.as_raw_nonzero(), self.path.display());
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        self.forget_process();
        Ok(())
    }

    /// Whether the process is this folder's QEMU: the number may have been given to another one.
    fn runs_here(&self, process: Pid) -> bool {
        let command_line = fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())).unwrap_or_default();
        let console = self.console();
        let wanted = console.as_os_str().as_encoded_bytes();
        command_line.windows(wanted.len()).any(|window| window == wanted)
    }
}

/// Ends every unsupervised QEMU below the folder of machines.
pub(super) fn end_stale_processes(machines_directory: &Path) -> Result<()> {
    let entries =
        fs::read_dir(machines_directory).with_context(|| format!("listing `{}`", machines_directory.display()))?;
    for entry in entries {
        let path = entry.context("listing the machines")?.path();
        Folder { path }.end_stale_process()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn file_names_are_short_readable_and_unique() {
        let id = "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/node.1";
        assert_eq!(file_name(id), format!("node-1-{}", short_hash(id)));
        assert_ne!(file_name("/a/node"), file_name("/b/node"));
        assert_eq!(file_name(&format!("/x/{}", "n".repeat(64))).len(), NAME_CHARACTERS + 9);
    }

    #[test]
    fn a_stale_process_is_ended_and_a_strangers_is_not() {
        let directory = tempfile::tempdir().expect("a folder");
        let folder = Folder::of(directory.path(), "/x/node");
        folder.create().expect("created");

        let mut stranger = Command::new("sleep").arg("1000").spawn().expect("sleep");
        folder.note_process(stranger.id()).expect("noted");
        end_stale_processes(directory.path()).expect("nothing to end");
        assert!(stranger.try_wait().expect("state").is_none());
        stranger.kill().expect("ended");
        stranger.wait().expect("ended");

        let console = folder.console();
        fs::write(&console, "").expect("written");
        let mut own = Command::new("tail").arg("-f").arg(&console).spawn().expect("tail");
        // For a moment after its start a process has no command line yet.
        while fs::read(format!("/proc/{}/cmdline", own.id())).expect("a process").is_empty() {
            thread::yield_now();
        }
        folder.note_process(own.id()).expect("noted");
        // The zombie of our own child has no command line any more, which is what ends the wait.
        end_stale_processes(directory.path()).expect("ended");
        assert!(!own.wait().expect("ended").success());
        assert!(!folder.process_id().exists());
    }

    #[test]
    fn private_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a folder");
        let path = directory.path().join("secret");
        write_private(&path, b"a").expect("written");
        write_private(&path, b"b").expect("written again");
        assert_eq!(fs::read(&path).expect("read"), b"b");
        assert_eq!(path.metadata().expect("metadata").permissions().mode() & 0o777, 0o600);
    }
}
