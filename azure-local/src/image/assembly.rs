//! The steps of a build: mmdebstrap makes a root file system, tar unpacks it, mkfs.ext4 turns it into a disk.
//!
//! Runs as root or as an ordinary user; then mmdebstrap uses a user namespace, and fakeroot remembers the owners.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::program::RunningProgram;
use super::{host, recipe, sources};
use crate::shell_word::shell_word;

/// Size of the root disk, the same as Azure's disks for Flatcar.
pub const DISK_SIZE_GIB: u32 = 30;
/// Where the hooks lie in the new root while it is built.
const HOOKS_FOLDER: &str = "/usr/lib/azure-local-build";

/// Fills `folder` with `kernel`, `initramfs` and `disk.raw`; `lock` is held by each program that does so.
pub(super) fn assemble(
    folder: &Path,
    lock: &File,
    running: &RunningProgram,
    progress: &mut dyn FnMut(&str),
) -> Result<()> {
    let root_archive = folder.join("recipe.tar");
    let hooks_archive = folder.join("hooks.tar");
    let packed_root = folder.join("root.tar");
    let root = folder.join("root");
    fs::write(&root_archive, recipe::root_archive()?).context("writing the recipe")?;
    fs::write(&hooks_archive, recipe::hooks_archive()?).context("writing the recipe")?;

    progress("installing Debian packages into a new root");
    let mut bootstrap = bootstrap(&hooks_archive, &root_archive, &packed_root);
    running.run(&mut bootstrap, lock, progress).with_context(|| {
        let (release, variable) = (sources::RELEASE, sources::MIRROR_VARIABLE);
        format!("installing Debian {release} ({variable}=URL names a mirror that has it)")
    })?;

    progress("writing the root disk");
    let disk = folder.join("disk.raw");
    File::create(&disk)
        .and_then(|file| file.set_len(u64::from(DISK_SIZE_GIB) << 30))
        .with_context(|| format!("creating `{}`", disk.display()))?;
    fs::create_dir(&root).context("creating the folder for the root file system")?;
    running
        .run(as_owner_of_everything().arg(recipe::DISK_SCRIPT).arg("disk").arg(folder), lock, progress)
        .with_context(|| format!("writing `{}`", disk.display()))?;
    // The script's own chmod does not last: fakeroot leaves the owner's right to write.
    fs::set_permissions(&disk, fs::Permissions::from_mode(0o444))
        .with_context(|| format!("protecting `{}`", disk.display()))?;

    for leftover in [root_archive, hooks_archive, packed_root] {
        fs::remove_file(&leftover).with_context(|| format!("removing `{}`", leftover.display()))?;
    }
    Ok(())
}

fn bootstrap(hooks_archive: &Path, root_archive: &Path, packed_root: &Path) -> Command {
    let mut command = Command::new("mmdebstrap");
    // The new root takes a gibibyte, and Debian's /tmp lies in memory since trixie. The build's own folder would not do: a
    // user namespace has no way into a home of mode 0700.
    if std::env::var_os("TMPDIR").is_none() {
        command.env("TMPDIR", "/var/tmp");
    }
    command
        // Kernel packages would otherwise make an initramfs of their own.
        .env("INITRD", "No")
        .env("LC_ALL", "C")
        .args(["--variant=minbase", "--format=tar"])
        // Its last step would empty /etc/machine-id, whose content decides whether presets are applied.
        .arg("--skip=cleanup/reproducible")
        .args([
            "--aptopt=APT::Install-Recommends \"false\"",
            "--aptopt=Acquire::Languages \"none\"",
            "--dpkgopt=force-confold",
            "--dpkgopt=force-unsafe-io",
        ])
        .args(["man", "doc", "info", "locale"].map(|kind| format!("--dpkgopt=path-exclude=/usr/share/{kind}/*")))
        .args(sources::options())
        .arg(format!("--include={}", recipe::packages().join(",")))
        .arg(format!("--essential-hook=mkdir \"$1{HOOKS_FOLDER}\""))
        .arg(format!("--essential-hook=tar-in {} {HOOKS_FOLDER}", shell_word(hooks_archive)))
        .arg(format!("--essential-hook=chroot \"$1\" sh {HOOKS_FOLDER}/essential.sh"))
        .arg(format!("--customize-hook=tar-in {} /", shell_word(root_archive)))
        .arg(format!("--customize-hook=chroot \"$1\" sh {HOOKS_FOLDER}/customize.sh"))
        .arg(format!("--customize-hook=rm -r \"$1{HOOKS_FOLDER}\""))
        .arg(sources::RELEASE)
        .arg(packed_root)
        .args(sources::mirrors());
    command
}

/// A shell in which files can belong to any user.
fn as_owner_of_everything() -> Command {
    let mut command = if host::is_root() {
        Command::new("sh")
    } else {
        let mut command = Command::new("fakeroot");
        command.arg("sh");
        command
    };
    command.env("PATH", host::search_path()).arg("-euc");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_hooks_shell() {
        assert_eq!(shell_word(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
