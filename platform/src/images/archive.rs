//! An archive of images as `docker save` writes it, plain or compressed with gzip.
//! <https://github.com/moby/docker-image-spec/blob/main/v1.3.md#combined-image-json--filesystem-changeset-format>

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;

use diagnostics::given_file::{self, GivenFileError};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// No manifest is longer; what is, is no manifest.
const MOST_MANIFEST_BYTES: u64 = 4 << 20;

/// An archive and the images in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    path: PathBuf,
    /// Ids (`sha256:…`) by `name:tag`.
    images: BTreeMap<String, String>,
}

/// Why a file is no archive of images.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be used as an archive of images: {reason}", path.display())]
pub struct ArchiveError {
    pub(super) path: PathBuf,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManifestEntry {
    config: String,
    repo_tags: Option<Vec<String>>,
}

impl Archive {
    /// Reads which images `path` holds.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let wrong = |reason: String| ArchiveError { path: path.to_owned(), reason };
        let manifest = manifest(path).map_err(|error| wrong(error.to_string()))?;
        let manifest = manifest.ok_or_else(|| wrong("it holds no `manifest.json`; `docker save` makes one".into()))?;
        let entries: Vec<ManifestEntry> =
            serde_json::from_slice(&manifest).map_err(|error| wrong(format!("its `manifest.json`: {error}")))?;
        let mut images = BTreeMap::new();
        for entry in entries {
            // `<digest>.json`, or `blobs/sha256/<digest>` from newer Dockers.
            let digest = entry.config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
            for tag in entry.repo_tags.unwrap_or_default() {
                images.insert(tag, format!("sha256:{digest}"));
            }
        }
        if images.is_empty() {
            return Err(wrong("no image in it has a name; `docker save NAME:TAG` keeps names".into()));
        }
        Ok(Self { path: path.to_owned(), images })
    }

    /// All archives in `folder`: files that end in `.tar`, `.tar.gz` or `.tgz`, sorted by name; every file that is none
    /// is an error.
    pub fn open_all(folder: &Path) -> Result<Vec<Self>, Vec<ArchiveError>> {
        let wrong = |reason: String| vec![ArchiveError { path: folder.to_owned(), reason }];
        let entries = std::fs::read_dir(folder).map_err(|error| wrong(error.to_string()))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<PathBuf>, _>>();
        let mut paths = paths.map_err(|error| wrong(error.to_string()))?;
        paths.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            [".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending))
        });
        paths.sort();
        if paths.is_empty() {
            return Err(wrong("it holds no file that ends in .tar, .tar.gz or .tgz".into()));
        }
        let (archives, errors): (Vec<_>, Vec<_>) = paths.iter().map(|path| Self::open(path)).partition(Result::is_ok);
        let errors: Vec<ArchiveError> = errors.into_iter().filter_map(Result::err).collect();
        if errors.is_empty() { Ok(archives.into_iter().filter_map(Result::ok).collect()) } else { Err(errors) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of its images.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    /// The id that `image` has when it is loaded from here.
    pub fn id_of(&self, image: &str) -> Option<&String> {
        self.images.get(&super::with_tag(image))
    }
}

fn manifest(path: &Path) -> Result<Option<Vec<u8>>, GivenFileError> {
    let (file, _) = given_file::open(path)?;
    let mut file = BufReader::new(file);
    let mut magic = [0; GZIP_MAGIC.len()];
    let read = file.read(&mut magic)?;
    file.rewind()?;
    let reader: Box<dyn Read> =
        if read == magic.len() && magic == GZIP_MAGIC { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    for entry in tar::Archive::new(reader).entries()? {
        let entry = entry?;
        if entry.path()?.as_os_str() == "manifest.json" {
            let mut content = Vec::new();
            entry.take(MOST_MANIFEST_BYTES).read_to_end(&mut content)?;
            return Ok(Some(content));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write as _;

    fn archive(folder: &Path, name: &str, manifest: Option<&str>, compressed: bool) -> PathBuf {
        let path = folder.join(name);
        let mut builder = tar::Builder::new(Vec::new());
        let content = manifest.unwrap_or_default();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, manifest.map_or("other", |_| "manifest.json"), content.as_bytes()).unwrap();
        let bytes = builder.into_inner().unwrap();
        let mut file = File::create(&path).unwrap();
        if compressed {
            let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            encoder.finish().unwrap();
        } else {
            file.write_all(&bytes).unwrap();
        }
        path
    }

    #[test]
    fn archives_name_their_images() {
        let folder = tempfile::tempdir().unwrap();
        let old = r#"[{"Config":"abc.json","RepoTags":["hello:1","hello:latest"],"Layers":[]}]"#;
        let new = r#"[{"Config":"blobs/sha256/def","RepoTags":["other/x:2"],"Layers":[]}]"#;
        for (name, manifest, compressed, image, id) in [
            ("a.tar", old, false, "hello", "sha256:abc"),
            ("b.tar.gz", old, true, "hello:1", "sha256:abc"),
            ("c.tgz", new, true, "other/x:2", "sha256:def"),
        ] {
            let archive = Archive::open(&archive(folder.path(), name, Some(manifest), compressed)).unwrap();
            assert_eq!(archive.id_of(image).map(String::as_str), Some(id), "{name}");
        }
        assert_eq!(Archive::open_all(folder.path()).unwrap().len(), 3);
    }

    #[test]
    fn other_files_are_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        for (name, manifest, expected) in [
            ("a.tar", None, "no `manifest.json`"),
            ("b.tar", Some("[]"), "no image in it has a name"),
            ("c.tar", Some(r#"[{"Config":"x.json","RepoTags":null}]"#), "no image in it has a name"),
            ("d.tar", Some("{"), "`manifest.json`"),
        ] {
            let error = Archive::open(&archive(folder.path(), name, manifest, false)).unwrap_err();
            assert!(error.to_string().contains(expected), "{name}: {error}");
        }
        assert_eq!(Archive::open_all(folder.path()).unwrap_err().len(), 4);
        assert!(Archive::open_all(&folder.path().join("missing")).is_err());
    }
}
