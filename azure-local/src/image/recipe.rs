//! The recipe of the machine image, embedded: every file of `azure-local/image/root/`, the hooks, the package list.

use std::io;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// A file that is laid into the image.
struct RecipeFile {
    /// Path inside the image, without a leading slash.
    path: &'static str,
    mode: u32,
    contents: &'static str,
}

const FILE: u32 = 0o644;
const PROGRAM: u32 = 0o755;

macro_rules! recipe_file {
    ($path:literal, $mode:expr) => {
        RecipeFile {
            path: $path,
            mode: $mode,
            contents: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/image/root/", $path)),
        }
    };
}

const ROOT_FILES: &[RecipeFile] = &[
    recipe_file!("etc/chrony/chrony.conf", FILE),
    recipe_file!("etc/fstab", FILE),
    recipe_file!("etc/modules-load.d/azure-local.conf", FILE),
    recipe_file!("etc/resolv.conf", FILE),
    recipe_file!("etc/selinux/config", FILE),
    recipe_file!("etc/ssh/sshd_config", FILE),
    recipe_file!("etc/sudoers.d/core", FILE),
    recipe_file!("etc/sysctl.d/60-azure-local.conf", FILE),
    recipe_file!("usr/lib/azure-local/agent", PROGRAM),
    recipe_file!("usr/lib/dracut/modules.d/91azure-local/emergency.service", FILE),
    recipe_file!("usr/lib/dracut/modules.d/91azure-local/module-setup.sh", PROGRAM),
    recipe_file!("usr/lib/dracut/modules.d/91azure-local/report-failure", PROGRAM),
    recipe_file!("usr/lib/dracut/modules.d/91azure-local/setfiles", PROGRAM),
    recipe_file!("usr/lib/flatcar/etcd-wrapper", PROGRAM),
    recipe_file!("usr/lib/modprobe.d/azure-local.conf", FILE),
    recipe_file!("usr/lib/systemd/system-preset/90-azure-local.preset", FILE),
    recipe_file!("usr/lib/systemd/system/azure-local-agent.service", FILE),
    recipe_file!("usr/lib/systemd/system/containerd.service.d/10-azure-local.conf", FILE),
    recipe_file!("usr/lib/systemd/system/coreos-metadata.service", FILE),
    recipe_file!("usr/lib/systemd/system/etcd-member.service", FILE),
    recipe_file!("usr/lib/systemd/system/ssh.service.d/10-azure-local.conf", FILE),
    recipe_file!("usr/lib/systemd/system/sshd-keygen.service", FILE),
    recipe_file!("usr/lib/systemd/system/systemd-logind.service.d/10-azure-local.conf", FILE),
    recipe_file!("usr/lib/systemd/system/systemd-networkd-wait-online.service.d/10-azure-local.conf", FILE),
    recipe_file!("usr/lib/systemd/system/systemd-udev-trigger.service.d/10-azure-local.conf", FILE),
    recipe_file!("usr/lib/udev/rules.d/66-azure-storage.rules", FILE),
    recipe_file!("usr/lib/udev/rules.d/70-azure-local-power-switch.rules", FILE),
];

/// Runs in the new root before packages are configured.
pub(super) const ESSENTIAL_HOOK: &str = include_str!("../../image/build/essential.sh");

/// Runs in the new root when everything is there.
pub(super) const CUSTOMIZE_HOOK: &str = include_str!("../../image/build/customize.sh");

/// Turns the root file system into a disk. In one shell, because the owners that fakeroot remembers live as long as one
/// run of it. Device nodes are left out: they come from devtmpfs.
pub(super) const DISK_SCRIPT: &str = include_str!("../../image/build/disk.sh");

/// Part of the fingerprint: changes whenever the steps of `assembly` give another image out of the same files.
const STEPS_VERSION: &str = "1";

const PACKAGES: &str = include_str!("../../image/build/packages");

/// The Debian packages to install.
pub(super) fn packages() -> Vec<&'static str> {
    PACKAGES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Names this recipe: 16 hexadecimal digits that change with any byte of it.
pub(super) fn fingerprint() -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    };
    for text in [super::sources::RELEASE, ESSENTIAL_HOOK, CUSTOMIZE_HOOK, PACKAGES, DISK_SCRIPT, STEPS_VERSION] {
        add(text.as_bytes());
    }
    for file in ROOT_FILES {
        add(file.path.as_bytes());
        add(&file.mode.to_be_bytes());
        add(file.contents.as_bytes());
    }
    hex::encode(&hash.finalize()[..8])
}

/// The files of `root/` as a tar archive, owned by root, with modes that do not depend on how this program was checked
/// out.
pub(super) fn root_archive() -> Result<Vec<u8>> {
    archive(ROOT_FILES.iter().map(|file| (file.path, file.mode, file.contents))).context("packing the image's files")
}

/// The hooks as a tar archive, unpacked at `HOOKS_FOLDER` of the new root while it is built.
pub(super) fn hooks_archive() -> Result<Vec<u8>> {
    archive(
        [("essential.sh", ESSENTIAL_HOOK), ("customize.sh", CUSTOMIZE_HOOK)]
            .map(|(name, contents)| (name, PROGRAM, contents)),
    )
    .context("packing the image's hooks")
}

fn archive<'a>(files: impl IntoIterator<Item = (&'a str, u32, &'a str)>) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(contents.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        builder.append_data(&mut header, path, contents.as_bytes())?;
    }
    builder.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_recipe_is_embedded_with_its_mode() {
        use std::os::unix::fs::PermissionsExt;

        fn files(folder: &Path, found: &mut BTreeSet<(String, bool)>, root: &Path) {
            for entry in std::fs::read_dir(folder).expect("the recipe's folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    files(&path, found, root);
                } else {
                    let executable = path.metadata().expect("metadata").permissions().mode() & 0o111 != 0;
                    let inside = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
                    found.insert((inside, executable));
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/root");
        let mut on_disk = BTreeSet::new();
        files(&root, &mut on_disk, &root);
        let embedded = ROOT_FILES.iter().map(|file| (file.path.to_owned(), file.mode == PROGRAM)).collect();
        assert_eq!(on_disk, embedded);
    }

    #[test]
    fn the_archive_holds_every_file() {
        let bytes = root_archive().expect("an archive");
        let mut archive = tar::Archive::new(bytes.as_slice());
        let names: BTreeSet<String> = archive
            .entries()
            .expect("entries")
            .map(|entry| entry.expect("an entry").path().expect("a path").to_string_lossy().into_owned())
            .collect();
        assert_eq!(names.len(), ROOT_FILES.len());
        assert!(names.contains("usr/lib/flatcar/etcd-wrapper"));
    }

    #[test]
    fn packages_are_names_without_comments() {
        let packages = packages();
        assert!(packages.contains(&"ignition"));
        assert!(packages.iter().all(|name| !name.contains([' ', '#', ','])));
    }
}
