//! Paths as they stand in files of a cluster's directory: they name the same file after the directory was copied.

use std::path::{Path, PathBuf};

use crate::base_directory::home;

/// What a path below the user's own folder begins with.
const OWN_FOLDER: &str = "~";

/// Relative to the directory `root` when it is in it, `~/…` when it is the user's own; else as it is: a key that lies
/// elsewhere does not come along.
pub fn portable(root: &Path, path: &Path) -> PathBuf {
    portable_from(root, home().as_deref(), path)
}

/// The other way round.
pub fn resolved(root: &Path, path: &Path) -> PathBuf {
    resolved_at(root, home().as_deref(), path)
}

fn portable_from(root: &Path, home: Option<&Path>, path: &Path) -> PathBuf {
    if let Ok(inside) = path.strip_prefix(root) {
        return inside.to_owned();
    }
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(own) => Path::new(OWN_FOLDER).join(own),
        None => path.to_owned(),
    }
}

fn resolved_at(root: &Path, home: Option<&Path>, path: &Path) -> PathBuf {
    match (path.strip_prefix(OWN_FOLDER), home) {
        (Ok(own), Some(home)) => home.join(own),
        (Ok(_), None) => path.to_owned(),
        (Err(_), _) => root.join(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_directory_and_the_user() {
        let there = (Path::new("/home/a/state/x"), Some(Path::new("/home/a")));
        for (path, stands, elsewhere) in [
            ("/home/a/state/x/id_ed25519", "id_ed25519", "/copy/x/id_ed25519"),
            ("/home/a/.ssh/id_rsa", "~/.ssh/id_rsa", "/home/b/.ssh/id_rsa"),
            ("/keys/id", "/keys/id", "/keys/id"),
        ] {
            let kept = portable_from(there.0, there.1, Path::new(path));
            assert_eq!(kept, Path::new(stands));
            assert_eq!(resolved_at(there.0, there.1, &kept), Path::new(path));
            assert_eq!(resolved_at(Path::new("/copy/x"), Some(Path::new("/home/b")), &kept), Path::new(elsewhere));
        }
    }
}
