//! The journal file: one JSON record a line, appended on every change, rewritten at start. Survives `kill -9`; a last
//! line that was cut short is dropped.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::state::operation::Operation;
use crate::state::resource::Resource;
use crate::state::settings::Settings;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record<'a> {
    Resource(Cow<'a, Resource>),
    /// The custom data of a virtual machine, which is large and never changes: apart, so that it is written once.
    CustomData {
        key: Cow<'a, str>,
        text: Cow<'a, str>,
    },
    Removed(Cow<'a, str>),
    Operation(Cow<'a, Operation>),
    Settings(Cow<'a, Settings>),
}

/// The open journal.
pub(super) struct Store {
    path: PathBuf,
    file: File,
    /// Lines that are not written yet.
    pending: Vec<u8>,
    is_held: bool,
    /// Whether it has customData of machines that are gone.
    pub holds_secrets: bool,
    broken: Option<String>,
}

/// All records of the journal, oldest first; none when there is no file.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Record<'static>>> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut records = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(record) => records.push(record),
            Err(error) if index + 1 == lines.len() => {
                tracing::warn!(line = index + 1, %error, "the last record was cut short and is dropped");
            }
            Err(error) => {
                return Err(error).with_context(|| format!("reading line {} of `{}`", index + 1, path.display()));
            }
        }
    }
    Ok(records)
}

impl Store {
    /// Replaces the journal at `path` by one that holds just `records`, and opens it for appending.
    pub(super) fn compacted<'a>(path: &Path, records: impl Iterator<Item = Record<'a>>) -> anyhow::Result<Self> {
        let temporary = path.with_extension("jsonl.new");
        let context = || format!("writing `{}`", temporary.display());
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .with_context(context)?;
        let mut writer = BufWriter::new(file);
        for record in records {
            serde_json::to_writer(&mut writer, &record).with_context(context)?;
            writer.write_all(b"\n").with_context(context)?;
        }
        let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(context)?;
        file.sync_all().with_context(context)?;
        fs::rename(&temporary, path).with_context(|| format!("replacing `{}`", path.display()))?;
        let path = path.to_owned();
        Ok(Self { path, file, pending: Vec::new(), is_held: false, holds_secrets: false, broken: None })
    }

    /// This journal, written anew with just `records`.
    pub(super) fn replaced<'a>(&self, records: impl Iterator<Item = Record<'a>>) -> anyhow::Result<Self> {
        Self::compacted(&self.path, records)
    }

    /// Whether records are kept back now.
    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    /// Appends a record. After an error nothing more is written and [`Store::broken`] tells why.
    pub(super) fn append(&mut self, record: &Record<'_>) {
        match serde_json::to_writer(&mut self.pending, record) {
            Ok(()) => self.pending.push(b'\n'),
            Err(error) => self.fail(&error.into()),
        }
        if !self.is_held {
            self.release();
        }
    }

    /// Keeps records back until [`Store::release`], so that they are written together.
    pub(super) fn hold(&mut self) {
        self.is_held = true;
    }

    /// Writes what was kept back, in one piece.
    pub(super) fn release(&mut self) {
        self.is_held = false;
        let lines = std::mem::take(&mut self.pending);
        if self.broken.is_none()
            && let Err(error) = self.file.write_all(&lines)
        {
            self.fail(&error);
        }
    }

    fn fail(&mut self, error: &std::io::Error) {
        tracing::error!(%error, "the journal of resources cannot be written");
        self.broken = Some(error.to_string());
    }

    /// Why nothing can be written any more.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_dropped_and_any_other_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("resources.jsonl");
        let mut store = Store::compacted(&path, [Record::Removed("a".into())].into_iter()).expect("written");
        store.append(&Record::Removed("b".into()));
        assert_eq!(read(&path).expect("read").len(), 2);

        let mut text = fs::read_to_string(&path).expect("read");
        text.push_str("{\"removed\":\"c");
        fs::write(&path, &text).expect("written");
        assert_eq!(read(&path).expect("read").len(), 2);

        text.push_str("\n{\"removed\":\"d\"}\n");
        fs::write(&path, &text).expect("written");
        let error = read(&path).err().expect("an error").to_string();
        assert!(error.contains("line 3"), "{error}");
    }
}
