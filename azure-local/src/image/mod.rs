//! The machine image: turns the recipe in `azure-local/image/` into a kernel, an initramfs and a root disk; or takes a Flatcar disk
//! of the user's ([`given`]).
//!
//! `azure-coreos-cluster local image build` builds it, the daemon finds it. A build is known by the fingerprint of its
//! recipe, so that a changed recipe never meets an old image.

mod assembly;
mod build_error;
mod disk_file;
pub mod given;
mod given_error;
mod host;
mod partition_table;
mod program;
mod recipe;
mod sources;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

pub use assembly::DISK_SIZE_GIB;
pub use build_error::BuildError;
use given::GivenImage;
pub use given_error::GivenImageError;
pub use program::{EndOnDrop, RunningProgram};

/// What machines start from. As JSON it is noted beside each disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MachineImage {
    /// Made from this program's recipe.
    Built(Image),
    /// A Flatcar disk of the user's.
    Given(GivenImage),
}

impl From<Image> for MachineImage {
    fn from(image: Image) -> Self {
        Self::Built(image)
    }
}

impl From<GivenImage> for MachineImage {
    fn from(image: GivenImage) -> Self {
        Self::Given(image)
    }
}

/// What QEMU starts a machine from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The Linux kernel, started directly.
    pub kernel: PathBuf,
    /// The initramfs that holds Ignition.
    pub initramfs: PathBuf,
    /// The root file system (ext4, label `ROOT`, no partition table) as a raw sparse file; never written to.
    pub disk: PathBuf,
}

impl Image {
    fn in_folder(folder: &Path) -> Self {
        Self { kernel: folder.join("kernel"), initramfs: folder.join("initramfs"), disk: folder.join("disk.raw") }
    }
}

/// The image of this program's recipe, if it has been built in `cache_directory`.
pub fn find(cache_directory: &Path) -> Option<Image> {
    // A build becomes visible under this name in one step, so the folder alone says that it is complete.
    let folder = cache_directory.join(recipe::fingerprint());
    folder.is_dir().then(|| Image::in_folder(&folder))
}

/// Builds the image in `cache_directory` unless it is there; blocks for a minute or more. `progress` is told what is
/// being done, a line at a time; `running` ends what is being done. Builds that run at the same time wait for each other; what a
/// killed build left behind is removed.
pub fn build(
    cache_directory: &Path,
    running: &RunningProgram,
    progress: &mut dyn FnMut(&str),
) -> Result<Image, BuildError> {
    fs::create_dir_all(cache_directory).map_err(BuildError::cache("creating", cache_directory))?;
    let lock_path = cache_directory.join("build.lock");
    let lock = File::create(&lock_path).map_err(BuildError::cache("creating", &lock_path))?;
    if lock.try_lock().is_err() {
        progress("waiting for another build of the image to end");
        lock.lock().map_err(BuildError::cache("locking", &lock_path))?;
    }
    if let Some(image) = find(cache_directory) {
        return Ok(image);
    }
    remove_unfinished(cache_directory)?;
    host::check().map_err(BuildError::PackagesMissing)?;

    let finished = cache_directory.join(recipe::fingerprint());
    let building = cache_directory.join(format!("{}{UNFINISHED}", recipe::fingerprint()));
    fs::create_dir(&building).map_err(BuildError::cache("creating", &building))?;
    let built = assembly::assemble(&building, &lock, running, progress)
        .and_then(|()| fs::rename(&building, &finished).with_context(|| format!("renaming `{}`", building.display())));
    if built.is_err() {
        // The error that is already there says more than one about the leftovers would.
        let _ = fs::remove_dir_all(&building);
    }
    built?;
    Ok(Image::in_folder(&finished))
}

/// Ends the name of a folder in which a build has not come to its end.
const UNFINISHED: &str = ".unfinished";

fn remove_unfinished(cache_directory: &Path) -> Result<(), BuildError> {
    let listing = || BuildError::cache("listing", cache_directory);
    for entry in fs::read_dir(cache_directory).map_err(listing())? {
        let path = entry.map_err(listing())?.path();
        if path.to_string_lossy().ends_with(UNFINISHED) {
            fs::remove_dir_all(&path).map_err(BuildError::cache("removing", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_only_when_its_build_was_finished() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(find(cache.path()), None);

        fs::create_dir(cache.path().join(format!("{}{UNFINISHED}", recipe::fingerprint()))).expect("create");
        assert_eq!(find(cache.path()), None);

        let folder = cache.path().join(recipe::fingerprint());
        fs::create_dir(&folder).expect("create");
        let image = find(cache.path()).expect("the image");
        assert_eq!(image.kernel, folder.join("kernel"));
        assert_eq!(
            build(cache.path(), &RunningProgram::default(), &mut |line| panic!("nothing to do, but: {line}"))
                .expect("the image that is there"),
            image
        );
    }

    #[test]
    fn what_a_killed_build_left_is_removed() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let left = cache.path().join(format!("0123{UNFINISHED}"));
        fs::create_dir_all(left.join("root/etc")).expect("create");
        fs::create_dir(cache.path().join("4567")).expect("create");
        remove_unfinished(cache.path()).expect("removed");
        assert!(!left.exists());
        assert!(cache.path().join("4567").exists());
    }
}
