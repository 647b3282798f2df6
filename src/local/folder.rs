//! The emulator's folder among folders of the user's: a folder that holds other things is not taken, and only what the emulator
//! made is removed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use azure_local::directory::Directory;
use diagnostics::quoted;
use report::Mendable;

/// So many names of other people's files stand in a message.
const NAMED: usize = 5;

/// Refuses a folder that is somebody else's: there is something in it, and nothing of an emulator.
pub(super) fn check_is_free(directory: &Directory) -> anyhow::Result<()> {
    if is_emulators(directory) || names(directory.root())?.is_empty() {
        return Ok(());
    }
    let message =
        format!("`{}` holds other things, and an emulator wants a folder of its own", directory.root().display());
    Err(Mendable::usage(message, "name an empty folder, or one that is not there, by AZURE_LOCAL_DIR").into())
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
