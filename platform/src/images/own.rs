//! Images that we make ourselves. They are in no registry: they come with the program, as an archive that lies beside it.

use std::path::{Path, PathBuf};

use super::{Archive, ArchiveError};

/// `images/build` writes it.
const FILE: &str = "platform-controller.tar";
/// What their names begin with.
const REPOSITORIES: [&str; 1] = ["platform-controller:"];

/// Whether an image is one of ours.
pub(super) fn is_own(image: &str) -> bool {
    REPOSITORIES.iter().any(|repository| image.starts_with(repository))
}

/// The archive beside the program that runs; none when there is no such file.
pub(crate) fn beside_the_program() -> Result<Option<Archive>, ArchiveError> {
    let unknown = |error: std::io::Error| ArchiveError {
        path: FILE.into(),
        reason: format!("where this program lies cannot be told: {error}"),
    };
    let program = std::env::current_exe().map_err(unknown)?;
    // The program may be called by a link in a folder of programs.
    let program = program.canonicalize().unwrap_or(program);
    in_folder(program.parent().unwrap_or(Path::new("")))
}

fn in_folder(folder: &Path) -> Result<Option<Archive>, ArchiveError> {
    let path: PathBuf = folder.join(FILE);
    if path.exists() { Archive::open(&path).map(Some) } else { Ok(None) }
}

/// Why an image of ours that no archive holds cannot be had.
pub(super) fn where_from() -> String {
    format!(
        "it is in no registry: it comes with platformctl, as `{FILE}` beside the program, which `images/build` makes"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_archive_is_told_and_a_missing_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(in_folder(folder.path()).unwrap(), None);
        std::fs::write(folder.path().join(FILE), "x").unwrap();
        let told = in_folder(folder.path()).unwrap_err().to_string();
        assert!(told.contains(FILE), "{told}");
    }

    #[test]
    fn ours_are_told_from_others() {
        for (image, expected) in [
            ("platform-controller:0.1.0", true),
            ("platform-controllers:1", false),
            ("example.test/platform-controller:1", false),
            ("caddy:2.11.7", false),
        ] {
            assert_eq!(is_own(image), expected, "{image}");
        }
    }
}
