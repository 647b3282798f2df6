//! A container image of the tests, unpacked: its own programs run with its own libraries, on this machine's network, without Docker
//! and without root, in a user namespace. For tests of what a bundle's programs make of the bundle's configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::images::{files_of, image_archives, texts};

/// The files of one image, in a folder that goes with this.
pub(crate) struct UnpackedImage {
    root: TempDir,
}

impl UnpackedImage {
    /// The image of this name out of the tests' archives, which are built when they are missing.
    pub(crate) fn of(image: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let archives = std::fs::read_dir(image_archives()).expect("the archives' folder");
        let mut layers = archives.flatten().filter_map(|archive| layers_of(image, &archive.path()));
        for layer in layers.next().unwrap_or_else(|| panic!("no archive has `{image}`")) {
            tar::Archive::new(&layer[..]).unpack(root.path()).expect("a layer is unpacked");
        }
        // Programs read from it and write to it; a plain file does for those that do little of either.
        std::fs::write(root.path().join("dev/null"), "").expect("/dev/null");
        Self { root }
    }

    /// Where a path of the image lies on this machine.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    /// Runs a program of the image, as user number `user` of the image. What it writes belongs to who runs the test.
    /// The process is the program itself, so that ending one ends the other.
    pub(crate) fn command(&self, user: u32, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--user", &format!("--map-user={user}"), &format!("--map-group={user}")]);
        command.arg("--root").arg(self.root.path()).args(["--wd=/", program]);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        command
    }
}

/// The layers of `image` in an archive, the lowest first; none when it is in another one.
fn layers_of(image: &str, archive: &Path) -> Option<Vec<Vec<u8>>> {
    let mut files: BTreeMap<String, Vec<u8>> = files_of(archive);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let found = manifest.as_array()?.iter().find(|entry| texts(&entry["RepoTags"]) == [image])?;
    texts(&found["Layers"]).into_iter().map(|layer| files.remove(layer)).collect()
}
