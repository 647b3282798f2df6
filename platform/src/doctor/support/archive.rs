//! The support archive as a file: a compressed tar, readable by its owner alone, complete or not there.

use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

/// A file within the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Without the folder that everything is in.
    pub path: String,
    pub content: String,
}

/// An archive that is being made; nothing of it is seen before [`Archive::finish`].
#[derive(Debug)]
pub(crate) struct Archive {
    file: NamedTempFile,
    target: std::path::PathBuf,
}

impl Archive {
    /// Makes sure that the file can be written, before anything is collected.
    pub(crate) fn create(target: &Path) -> anyhow::Result<Self> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Mode 0600 is how temporary files are made.
        let file = NamedTempFile::new_in(folder).with_context(|| format!("creating `{}`", target.display()))?;
        Ok(Self { file, target: target.to_owned() })
    }

    /// Writes everything below the folder `name`; returns the file's size in bytes.
    pub(crate) fn finish(self, name: &str, entries: &[Entry]) -> anyhow::Result<u64> {
        let writing = || format!("writing `{}`", self.target.display());
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut archive = tar::Builder::new(GzEncoder::new(&self.file, Compression::default()));
        for entry in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o600);
            header.set_mtime(seconds);
            header.set_size(entry.content.len() as u64);
            archive
                .append_data(&mut header, format!("{name}/{}", entry.path), entry.content.as_bytes())
                .with_context(writing)?;
        }
        let compressed = archive.into_inner().with_context(writing)?;
        compressed.finish().with_context(writing)?.flush().with_context(writing)?;
        self.file.as_file().sync_all().with_context(writing)?;
        let bytes = self.file.as_file().metadata().with_context(writing)?.len();
        self.file.persist(&self.target).with_context(writing)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_goes_in_comes_out_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("support.tar.gz");
        let entries = [
            Entry { path: "doctor.json".into(), content: "[]".into() },
            Entry { path: format!("nodes/{}/journal.txt", "n".repeat(120)), content: "a line\n".into() },
        ];
        let bytes = Archive::create(&target).unwrap().finish("c", &entries).unwrap();
        let metadata = std::fs::metadata(&target).unwrap();
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (bytes, 0o600));
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&target).unwrap()));
        let read = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            Entry { path: entry.path().unwrap().strip_prefix("c").unwrap().display().to_string(), content }
        });
        assert_eq!(read.collect::<Vec<_>>(), entries);
    }

    #[test]
    fn a_run_that_ends_early_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(Archive::create(&folder.path().join("x.tar.gz")).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Archive::create(&folder.path().join("missing/x.tar.gz")).is_err());
    }
}
