//! Where the service keeps its registry over restarts: one JSON file, mode 0600, written whole and renamed into place.

use std::fs;
use std::io::{BufReader, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::registry::Registry;
use diagnostics::given_file::{self, GivenFileError};

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    /// The file at `path`, which need not be there yet.
    pub(super) fn at(path: &Path) -> anyhow::Result<Self> {
        Ok(Self(std::path::absolute(path)?))
    }

    /// What it has; an empty registry when there is no file.
    pub(super) fn read(&self) -> anyhow::Result<Registry> {
        let reading = || format!("reading `{}`", self.0.display());
        match given_file::open(&self.0) {
            Ok((file, _)) => serde_json::from_reader(BufReader::new(file)).with_context(reading),
            Err(GivenFileError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(Registry::default()),
            Err(error) => Err(error).with_context(reading),
        }
    }

    /// Puts `registry` in its place.
    pub(super) fn write(&self, registry: &Registry) -> anyhow::Result<()> {
        let write = || -> anyhow::Result<()> {
            let folder = self.0.parent().context("it has no folder")?;
            let mut temporary =
                tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
            temporary.write_all(&serde_json::to_vec(registry)?)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&self.0)?;
            Ok(())
        };
        write().with_context(|| format!("writing `{}`", self.0.display()))
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
        assert!(store.read().unwrap_err().to_string().starts_with("reading `"));
        let missing = Store::at(&folder.path().join("missing/state.json")).unwrap();
        assert!(missing.write(&registry).unwrap_err().to_string().starts_with("writing `"));
    }
}
