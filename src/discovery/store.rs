//! Where the service keeps its registry over restarts: one JSON file, mode 0600, written whole and renamed into place.

use std::fs;
use std::io::{BufReader, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::registry::Registry;
use diagnostics::given_file::{self, GivenFileError};
use report::Mendable;

/// What helps where no file can be kept.
const NAME_A_FILE: &str = "name a file in a folder that is there and can be written; the file itself need not be there";

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Store(PathBuf);

/// Finds out whether the file at `path` can keep a registry, before anybody is told of the service.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    let store = Store::at(path)?;
    store.write(&store.read()?)
}

impl Store {
    /// The file at `path`, which need not be there yet.
    pub(super) fn at(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(std::path::absolute(path)?))
    }

    /// What it has; an empty registry when there is no file.
    pub(super) fn read(&self) -> anyhow::Result<Registry> {
        let path = self.0.display();
        match given_file::open(&self.0) {
            // A device would be replaced by what is written.
            Ok((_, metadata)) if !metadata.is_file() => {
                Err(Mendable::usage(format!("`{path}` is no file that can be replaced"), NAME_A_FILE).into())
            }
            Ok((file, _)) => serde_json::from_reader(BufReader::new(file)).map_err(|error| {
                let hint = format!("name another file, or `rm '{path}'`: the tokens in it are lost then");
                Mendable::file(path, format!("is damaged: {error}"), hint).into()
            }),
            Err(GivenFileError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(Registry::default()),
            Err(GivenFileError::Io(error)) => Err(self.refused(error, "reading")),
            Err(error) => Err(Mendable::usage(format!("reading `{path}`: {error}"), NAME_A_FILE).into()),
        }
    }

    /// Puts `registry` in its place.
    pub(super) fn write(&self, registry: &Registry) -> anyhow::Result<()> {
        let write = || -> std::io::Result<()> {
            let folder = self.0.parent().ok_or(ErrorKind::IsADirectory)?;
            let mut temporary =
                tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
            temporary.write_all(&serde_json::to_vec(registry)?)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&self.0)?;
            Ok(())
        };
        write().map_err(|error| self.refused(error, "writing"))
    }

    /// A place where no file can be is named wrong; whatever else goes wrong keeps the system's words.
    fn refused(&self, error: std::io::Error, doing: &str) -> anyhow::Error {
        use ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
        let doing = format!("{doing} `{}`", self.0.display());
        match error.kind() {
            IsADirectory | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem => {
                Mendable::usage(format!("{doing}: {error}"), NAME_A_FILE).into()
            }
            _ => anyhow::Error::new(error).context(doing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::token::Token;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("state.json")).unwrap();
        assert_eq!(store.read().unwrap(), Registry::default());
        let mut registry = Registry::default();
        registry.add(Token::random(), 3).unwrap();
        store.write(&registry).unwrap();
        assert_eq!(store.read().unwrap(), registry);
        let mode = fs::metadata(&store.0).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, fs::read_dir(folder.path()).unwrap().count()), (0o600, 1));
        fs::write(&store.0, "{").unwrap();
        assert!(store.read().unwrap_err().to_string().contains("is damaged: "));
        let missing = Store::at(&folder.path().join("missing/state.json")).unwrap();
        assert!(missing.write(&registry).unwrap_err().to_string().starts_with("writing `"));
        for (path, exit_code) in [("state.json", 3), (".", 2), ("missing/x", 2), ("state.json/x", 2)] {
            let failure = report::Failure::from(check(&folder.path().join(path)).unwrap_err());
            assert_eq!(failure.exit_code(), exit_code, "{failure}");
        }
        check(&folder.path().join("new.json")).unwrap();
    }
}
