//! Files of a cluster's directory: read whole or not at all, written whole or not at all.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use diagnostics::given_file::{self, GivenFileError};
use nodes::clusters::SPEC_FILE;
use report::{Mendable, access};

use super::{ClusterDirectory, SPEC_COPY};

impl ClusterDirectory {
    /// Makes the directory, mode 0700.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        access(fs::DirBuilder::new().recursive(true).mode(0o700).create(self.root()), self.root(), "creating")
    }

    /// Writes `content` to `file` atomically, mode 0600.
    pub(crate) fn write(&self, file: &Path, content: &str) -> anyhow::Result<()> {
        let write = || -> std::io::Result<()> {
            let folder = file.parent().unwrap_or(self.root());
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let mut temporary =
                tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
            temporary.write_all(content.as_bytes())?;
            temporary.as_file().sync_all()?;
            if file.is_dir() {
                return Err(ErrorKind::IsADirectory.into());
            }
            temporary.persist(file).map_err(|error| error.error)?;
            Ok(())
        };
        access(write(), file, "writing")
    }

    /// Writes `value` as JSON.
    pub(crate) fn write_json(&self, file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.write(file, &text)
    }

    /// The JSON document in `file`; none when there is no such file. One that is damaged is an error that says what helps.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, file: &Path) -> anyhow::Result<Option<T>> {
        let Some(text) = self.read(file)? else { return Ok(None) };
        let read = serde_json::from_str(&text);
        Ok(Some(read.map_err(|error| self.damaged(file, &error.to_string()))?))
    }

    /// The text of `file`; none when there is no such file.
    pub(crate) fn read(&self, file: &Path) -> anyhow::Result<Option<String>> {
        match given_file::read_own_text(file) {
            Ok(text) => Ok(Some(text)),
            Err(GivenFileError::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(GivenFileError::Io(error)) => access(Err(error), file, "reading"),
            Err(other) => Err(self.damaged(file, &other.to_string()).into()),
        }
    }

    /// Removes `file`; one that is not there is removed.
    pub(super) fn remove_file(file: &Path) -> anyhow::Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => access(other, file, "removing"),
        }
    }

    /// Removes the directory when there is nothing in it but a lock, so that a copy can take its place.
    pub(crate) fn remove_unused(&self) -> anyhow::Result<()> {
        let entries = match fs::read_dir(self.root()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => access(entries, self.root(), "listing")?,
        };
        for entry in entries {
            if entry.with_context(|| format!("listing `{}`", self.root().display()))?.file_name() != super::lock::FILE {
                return Ok(());
            }
        }
        access(fs::remove_dir_all(self.root()), self.root(), "removing")
    }

    /// A file that we wrote and that cannot be read any more, and the way out.
    pub(super) fn damaged(&self, file: &Path, cause: &str) -> Mendable {
        let name = self.name();
        let path = file.display();
        let remedy = match file.strip_prefix(self.root()).ok().and_then(Path::to_str) {
            Some(SPEC_FILE | SPEC_COPY) => {
                let (spec, copy) = (self.path(SPEC_FILE), self.path(SPEC_COPY));
                format!(
                    "rm -f '{}' '{}', then `azure-coreos-cluster {name}` with all options of the first time: what exists \
                     is taken up, and its keys stay",
                    spec.display(),
                    copy.display()
                )
            }
            Some("ssh_config" | "known_hosts" | "id_ed25519.pub") => {
                format!("move it away, then `azure-coreos-cluster {name}` writes it anew")
            }
            _ => "put back a copy of it: machines that exist hold the other half of these keys".into(),
        };
        Mendable::file(path, format!("is damaged: {cause}"), remedy)
    }
}
