//! The serial console's file: its tail for boot diagnostics, and the lines by which a guest tells the host how it fares.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What the control plane shows of a console.
const TAIL_BYTES: u64 = 64 * 1024;

/// Beyond this size the file is cut to its tail before the next boot.
const LARGEST_BYTES: u64 = 8 * 1024 * 1024;

/// The guest's agent prints it at every boot, when a configuration has been applied and the network is about to come up.
pub(super) const AGENT_DONE: &str = "azure-local: agent done";

/// The initramfs prints it before it gives up.
const CANNOT_START: &str = "azure-local: the machine cannot start";

/// Before each line of the explanation.
const REASON: &str = "azure-local: reason: ";

/// How much of an explanation is passed on.
const SHOWN_REASONS: usize = 20;

/// The end of the console, at most 64 KiB; empty when there is none.
pub(super) fn tail(path: &Path) -> String {
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    since(path, length.saturating_sub(TAIL_BYTES))
}

/// Where the next boot's output will begin.
pub(super) fn prepare(path: &Path) -> u64 {
    let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length > LARGEST_BYTES {
        let kept = tail(path);
        if fs::write(path, &kept).is_ok() {
            return kept.len() as u64;
        }
    }
    length
}

/// Whether the guest's agent has done its work since `offset`.
pub(super) fn agent_has_spoken(path: &Path, offset: u64) -> bool {
    since(path, offset).contains(AGENT_DONE)
}

/// The initramfs's explanation since `offset`, when it gave up.
pub(super) fn why_it_cannot_start(path: &Path, offset: u64) -> Option<String> {
    let text = since(path, offset);
    let (_, report) = text.split_once(CANNOT_START)?;
    let mut reasons: Vec<&str> = Vec::new();
    for reason in report.lines().filter_map(|line| line.trim_end().strip_prefix(REASON)) {
        if !reasons.contains(&reason) && reasons.len() < SHOWN_REASONS {
            reasons.push(reason);
        }
    }
    Some(if reasons.is_empty() { "its initramfs gave no reason".to_owned() } else { reasons.join("\n") })
}

fn since(path: &Path, offset: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path)
        && file.seek(SeekFrom::Start(offset)).is_ok()
    {
        // What could be read is shown.
        let _ = file.take(LARGEST_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_tells_how_a_boot_went() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("console.log");
        assert_eq!(tail(&path), "");
        assert_eq!(prepare(&path), 0);
        let first = "[ 1.0] Linux\r\nazure-local: agent done\r\n";
        fs::write(&path, first).expect("written");
        assert!(agent_has_spoken(&path, 0));
        assert!(!agent_has_spoken(&path, prepare(&path)));
        assert_eq!(why_it_cannot_start(&path, 0), None);

        let report = "\r\nazure-local: the machine cannot start\r\nazure-local: reason: bad unit\r\n\
                      [ 2.0] noise\r\nazure-local: reason: bad unit\r\nazure-local: reason: worse\r\n";
        fs::write(&path, format!("{first}{report}")).expect("written");
        assert_eq!(why_it_cannot_start(&path, 0).as_deref(), Some("bad unit\nworse"));
    }

    #[test]
    fn a_long_console_is_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("console.log");
        let mut text = "x".repeat(usize::try_from(LARGEST_BYTES).expect("a size"));
        text.push_str("the end");
        fs::write(&path, text).expect("written");
        assert_eq!(tail(&path).len() as u64, TAIL_BYTES);
        assert_eq!(prepare(&path), TAIL_BYTES);
        assert!(tail(&path).ends_with("the end"));
    }
}
