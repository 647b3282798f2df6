//! What a build of the image needs of the machine that it runs on.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::sources::KEYRING;

/// Programs by the Debian package that has them.
const PROGRAMS: [(&str, &str); 3] = [("mmdebstrap", "mmdebstrap"), ("mkfs.ext4", "e2fsprogs"), ("tar", "tar")];
/// What an ordinary user needs besides.
const PROGRAMS_OF_USERS: [(&str, &str); 2] = [("fakeroot", "fakeroot"), ("newuidmap", "uidmap")];

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where programs are looked for: an ordinary user's `PATH` does not lead to mkfs.ext4 on Debian.
pub(super) fn search_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

/// All packages that are missing, as an error: the last of them would be missed after minutes only.
pub(super) fn check() -> Result<(), Vec<&'static str>> {
    let missing = missing(&search_path(), is_root(), Path::new(KEYRING));
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

fn missing(path: &OsStr, is_root: bool, keyring: &Path) -> Vec<&'static str> {
    let is_absent = |program: &str| !std::env::split_paths(path).any(|folder| folder.join(program).is_file());
    let of_users = PROGRAMS_OF_USERS.iter().filter(|_| !is_root);
    let programs = PROGRAMS.iter().chain(of_users).filter(|(program, _)| is_absent(program));
    let keys = (!keyring.is_file()).then_some("debian-archive-keyring");
    programs.map(|(_, package)| *package).chain(keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_missing_is_told_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let keyring = folder.path().join("keyring.gpg");
        for (present, is_root, expected) in [
            (&[][..], true, &["mmdebstrap", "e2fsprogs", "tar", "debian-archive-keyring"][..]),
            (&["tar", "keyring.gpg"], false, &["mmdebstrap", "e2fsprogs", "fakeroot", "uidmap"]),
            (&["mmdebstrap", "mkfs.ext4"], true, &[]),
            (&[], false, &["fakeroot", "uidmap"]),
            (&["fakeroot", "newuidmap"], false, &[]),
        ] {
            for name in present {
                fs::write(folder.path().join(name), "").expect("a file");
            }
            assert_eq!(missing(folder.path().as_os_str(), is_root, &keyring), expected, "{present:?}");
        }
    }
}
