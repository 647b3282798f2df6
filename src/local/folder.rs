//! The emulator's folder among folders of the user's: a folder that holds other things is not taken, and only what the emulator
//! made is removed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;
use azure_local::directory::Directory;
use diagnostics::quoted;
use report::Mendable;

/// What is in the way of a folder that is named wrong.
const NAME_A_FOLDER: &str = "name an empty folder, or one that is not there, by AZURE_LOCAL_DIR";

/// So many names of other people's files stand in a message.
const NAMED: usize = 5;

/// The log, to be read.
pub fn open_log(directory: &Directory) -> anyhow::Result<fs::File> {
    let log = directory.log();
    match fs::File::open(&log) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("there is no log: no local emulator ran in `{}`", directory.root().display());
            Err(Mendable::usage(message, "azure-coreos-cluster local up; AZURE_LOCAL_DIR names another folder").into())
        }
        opened => opened.map_err(|error| refused(error, directory, &log, "opening")),
    }
}

/// Refuses a folder that is somebody else's: there is something in it, and nothing of an emulator.
pub(super) fn check_is_free(directory: &Directory) -> anyhow::Result<()> {
    if is_emulators(directory) || names(directory.root())?.is_empty() {
        return Ok(());
    }
    let message =
        format!("`{}` holds other things, and an emulator wants a folder of its own", directory.root().display());
    Err(Mendable::usage(message, NAME_A_FOLDER).into())
}

/// A file of the emulator's; none when it is not there. Whatever else is in the way is no sign that no emulator runs.
pub(super) fn read(directory: &Directory, file: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(error, directory, file, "reading")),
    }
}

/// Why something of the emulator's folder cannot be read or written, with what helps.
pub(super) fn refused(error: std::io::Error, directory: &Directory, path: &Path, doing: &str) -> anyhow::Error {
    let root = directory.root().display();
    let message = match error.kind() {
        ErrorKind::PermissionDenied => match foreign_owner(path) {
            Some((place, user)) => format!("permission denied: `{}` belongs to user {user}", place.display()),
            None => format!("{doing} `{}`: permission denied", path.display()),
        },
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => format!("`{root}` is no folder"),
        ErrorKind::NotFound => format!("`{root}` cannot be made"),
        ErrorKind::ReadOnlyFilesystem => format!("`{root}` is on a file system that cannot be written"),
        _ => return anyhow::Error::new(error).context(format!("{doing} `{}`", path.display())),
    };
    Mendable::usage(message, NAME_A_FOLDER).into()
}

/// What is nearest on the path that can be looked at, and whose it is; none when it is ours, or everybody's.
fn foreign_owner(path: &Path) -> Option<(&Path, u32)> {
    let found = path.ancestors().find_map(|place| fs::metadata(place).ok().map(|metadata| (place, metadata.uid())));
    found.filter(|(_, user)| *user != rustix::process::getuid().as_raw())
}

/// Removes what an emulator made, and the folder when nothing else is in it. What else is in it is returned by name; an error
/// when the folder is no emulator's.
pub fn remove(directory: &Directory) -> anyhow::Result<Vec<String>> {
    let root = directory.root();
    if names(root)?.is_empty() {
        return remove_folder(root).map(|()| Vec::new());
    }
    if !is_emulators(directory) {
        let message = format!(
            "`{}` is no emulator's folder: there is no `token`, `resources.jsonl` or `daemon.log` in it, so nothing was removed",
            root.display()
        );
        return Err(Mendable::usage(message, "AZURE_LOCAL_DIR names the folder").into());
    }
    let machines = directory.machines();
    if directory.disks().is_dir() && !is_link(&machines) {
        fs::remove_dir_all(&machines).with_context(|| format!("removing `{}`", machines.display()))?;
    }
    for file in directory.files() {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing `{}`", file.display()));
            }
            _ => {}
        }
    }
    let left = names(root)?;
    if left.is_empty() {
        remove_folder(root)?;
    }
    Ok(left)
}

/// Names for a message, the first few.
pub fn named(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| quoted(name)).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// One that never came up leaves its log alone.
fn is_emulators(directory: &Directory) -> bool {
    [directory.token(), directory.resources(), directory.log()].iter().any(|file| file.is_file())
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// What is in a folder, in order; nothing when it is not there.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => report::access(entries, folder, "listing")?,
    };
    let names: std::io::Result<Vec<String>> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let mut names = report::access(names, folder, "listing")?;
    names.sort();
    Ok(names)
}

fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir(folder) {
        // A link to a folder stays, as what it leads to was the user's choice.
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => Ok(()),
        removed => removed.with_context(|| format!("removing `{}`", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_told() {
        let home = tempfile::tempdir().unwrap();
        let (file, fine) = (home.path().join("file"), Directory::new(home.path()));
        fs::write(&file, "x").unwrap();
        assert_eq!(read(&fine, &fine.token()).unwrap(), None);
        fs::write(fine.token(), b"a\xff").unwrap();
        assert_eq!(read(&fine, &fine.token()).unwrap().as_deref(), Some("a\u{fffd}"));
        for root in [&file, Path::new("/dev/null")] {
            let directory = Directory::new(root);
            let failure = report::Failure::from(read(&directory, &directory.token()).unwrap_err());
            assert_eq!(failure.exit_code(), 2);
            assert!(failure.to_string().contains(&format!("`{}` is no folder", root.display())), "{failure}");
        }
        // Tests may run as root, who may read everything.
        let denied = |path: &Path| refused(ErrorKind::PermissionDenied.into(), &fine, path, "reading").to_string();
        assert_eq!(denied(&file), format!("reading `{}`: permission denied", file.display()));
        if std::os::unix::fs::chown(&file, Some(4711), None).is_ok() {
            assert_eq!(denied(&file), format!("permission denied: `{}` belongs to user 4711", file.display()));
        }
    }

    #[test]
    fn only_what_is_the_emulators_goes() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::new(home.path());
        check_is_free(&directory).unwrap();
        let theirs = ["notes.txt", "machines.txt", "a", "b", "c", "d"];
        for name in theirs {
            fs::write(home.path().join(name), "dear").unwrap();
        }
        assert!(check_is_free(&directory).unwrap_err().to_string().contains("holds other things"));
        assert!(remove(&directory).unwrap_err().to_string().contains("so nothing was removed"));
        for file in directory.files() {
            fs::write(file, "x").unwrap();
        }
        check_is_free(&directory).unwrap();
        // A folder of this name that no machine of ours was in.
        fs::create_dir(directory.machines()).unwrap();
        let left = remove(&directory).unwrap();
        assert_eq!(left, ["a", "b", "c", "d", "machines", "machines.txt", "notes.txt"]);
        assert_eq!(named(&left), "`a`, `b`, `c`, `d`, `machines` and 2 more");
        fs::write(directory.token(), "x").unwrap();
        fs::create_dir(directory.disks()).unwrap();
        for name in theirs {
            fs::remove_file(home.path().join(name)).unwrap();
        }
        assert!(remove(&directory).unwrap().is_empty() && !home.path().exists());
        assert!(remove(&directory).unwrap().is_empty(), "nothing was there");
    }
}
