//! A file that a user names, on its way into memory: whether it is a file at all, and no more of it than a limit. Whoever
//! reads what a stranger may name (cluster.yaml, user-data, templates, keys, certificates, bundles, Compose files, values)
//! calls this.
//!
//! What the shell hands over by number (`/dev/stdin`, `/dev/fd/N` of `<(command)`) is taken whatever it is, up to the same
//! limit: its user has opened it. `/dev/null` is an empty file. Every other pipe, device, socket and folder is refused by its
//! kind before it is read.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::file_text::is_utf_16;

/// Files that people write are smaller.
pub const MOST_BYTES: u64 = 4 << 20;
/// Files that the programs write themselves are smaller: a spec holds users' files, and JSON makes them longer.
pub const MOST_OWN_BYTES: u64 = 64 << 20;
/// A command that feeds `/dev/fd/N` has come to its end by then.
const LONGEST_SILENCE: Duration = Duration::from_secs(120);

/// Why a file that a user names is not read. The text goes on from "reading `FILE`: ".
#[derive(Debug, thiserror::Error)]
pub enum GivenFileError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is {kind}, not a file")]
    NotAFile { kind: &'static str },
    #[error("it is larger than the {} that are read of such a file", size(*most))]
    TooLarge { most: u64 },
    #[error("it is not UTF-8 text")]
    NotUtf8,
    #[error("it is UTF-16 text; save it as UTF-8")]
    Utf16,
    #[error("whoever writes to it has not come to an end within {} s", LONGEST_SILENCE.as_secs())]
    Endless,
}

/// The content of a file of at most [`MOST_BYTES`].
pub fn read(path: &Path) -> Result<Vec<u8>, GivenFileError> {
    if is_handed_over(path) {
        return read_handed_over(path);
    }
    read_file(path, MOST_BYTES)
}

/// The text of a file that one of the programs wrote, of at most [`MOST_OWN_BYTES`].
pub fn read_own_text(path: &Path) -> Result<String, GivenFileError> {
    text(&read_file(path, MOST_OWN_BYTES)?).map(str::to_owned)
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, GivenFileError> {
    let (file, metadata) = open(path)?;
    if metadata.len() > most {
        return Err(GivenFileError::TooLarge { most });
    }
    read_at_most(file, most)
}

/// The content of a text file of at most [`MOST_BYTES`].
pub fn read_text(path: &Path) -> Result<String, GivenFileError> {
    let bytes = read(path)?;
    text(&bytes).map(str::to_owned)
}

/// What standard input holds until its end, at most [`MOST_BYTES`].
pub fn read_standard_input() -> Result<Vec<u8>, GivenFileError> {
    read_at_most(io::stdin().lock(), MOST_BYTES)
}

/// A file of any size, opened to be read as a stream; with what is known of it.
pub fn open(path: &Path) -> Result<(File, Metadata), GivenFileError> {
    // Some devices act on being opened, so that they are not.
    check(std::fs::metadata(path)?.file_type())?;
    // A pipe that took the file's place meanwhile would wait for who writes to it.
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    let metadata = file.metadata()?;
    check(metadata.file_type())?;
    Ok((file, metadata))
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> Result<&str, GivenFileError> {
    std::str::from_utf8(bytes).map_err(|_| match is_utf_16(bytes) {
        true => GivenFileError::Utf16,
        false => GivenFileError::NotUtf8,
    })
}

fn check(kind: FileType) -> Result<(), GivenFileError> {
    let kind = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_char_device() => "a character device",
        kind if kind.is_block_device() => "a block device",
        kind if kind.is_socket() => "a socket",
        _ => "something else",
    };
    Err(GivenFileError::NotAFile { kind })
}

fn is_handed_over(path: &Path) -> bool {
    let by_name = ["/dev/stdin", "/dev/null"].iter().any(|name| path == Path::new(name));
    by_name || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

/// On a thread of its own: nothing bounds how long a pipe stays silent.
fn read_handed_over(path: &Path) -> Result<Vec<u8>, GivenFileError> {
    let (sender, receiver) = sync_channel(1);
    let path = path.to_owned();
    std::thread::spawn(move || {
        let read = File::open(path).map_err(GivenFileError::from).and_then(|file| read_at_most(file, MOST_BYTES));
        // Nobody listens any more when it took too long.
        let _ = sender.send(read);
    });
    receiver.recv_timeout(LONGEST_SILENCE).unwrap_or(Err(GivenFileError::Endless))
}

fn read_at_most(reader: impl Read, most: u64) -> Result<Vec<u8>, GivenFileError> {
    let mut bytes = Vec::new();
    reader.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(GivenFileError::TooLarge { most }) } else { Ok(bytes) }
}

fn size(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    #[test]
    fn only_files_are_read_and_only_so_much() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("text"), "a\n").unwrap();
        std::fs::write(path("latin"), [b'a', 0xe9]).unwrap();
        std::fs::write(path("wide"), [0xff, 0xfe, b'a', 0]).unwrap();
        File::create(path("most")).unwrap().set_len(MOST_BYTES).unwrap();
        File::create(path("large")).unwrap().set_len(MOST_BYTES + 1).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("link")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        for (file, expected) in [
            (path("text"), Ok(2)),
            (path("most"), Ok(4 << 20)),
            (path("large"), Err("it is larger than the 4 MiB that are read of such a file")),
            (path("latin"), Err("it is not UTF-8 text")),
            (path("wide"), Err("it is UTF-16 text; save it as UTF-8")),
            (path("link"), Err("it is a character device, not a file")),
            (path("pipe"), Err("it is a named pipe, not a file")),
            (path("socket"), Err("it is a socket, not a file")),
            (folder.path().to_owned(), Err("it is a folder, not a file")),
            ("/dev/null".into(), Ok(0)),
            (path("none"), Err("No such file or directory (os error 2)")),
        ] {
            let found = read_text(&file).map(|text| text.len()).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{}", file.display());
        }
    }

    #[test]
    fn what_the_shell_hands_over_is_read() {
        let (reader, writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        std::thread::spawn(move || io::Write::write_all(&mut { writer }, b"from a command"));
        assert_eq!(read_text(Path::new(&path)).unwrap(), "from a command");
        let (reader, writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        std::thread::spawn(move || {
            let mut writer = writer;
            while io::Write::write_all(&mut writer, &[b' '; 4096]).is_ok() {}
        });
        assert!(matches!(read_text(Path::new(&path)), Err(GivenFileError::TooLarge { .. })));
    }
}
