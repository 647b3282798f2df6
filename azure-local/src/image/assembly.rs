//! The steps of a build: mmdebstrap makes a root file system, tar unpacks it, mkfs.ext4 turns it into a disk.
//!
//! Runs as root or as an ordinary user; then mmdebstrap uses a user namespace, and fakeroot remembers the owners.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{recipe, sources};
use crate::shell_word::shell_word;

/// Size of the root disk, the same as Azure's disks for Flatcar.
pub const DISK_SIZE_GIB: u32 = 30;
/// Where the hooks lie in the new root while it is built.
const HOOKS_FOLDER: &str = "/usr/lib/azure-local-build";

/// Lines of a failed program's output that its error shows.
const SHOWN_LINES: usize = 15;

/// Fills `folder` with `kernel`, `initramfs` and `disk.raw`.
pub(super) fn assemble(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let root_archive = folder.join("recipe.tar");
    let hooks_archive = folder.join("hooks.tar");
    let packed_root = folder.join("root.tar");
    let root = folder.join("root");
    fs::write(&root_archive, recipe::root_archive()?).context("writing the recipe")?;
    fs::write(&hooks_archive, recipe::hooks_archive()?).context("writing the recipe")?;

    progress("installing Debian packages into a new root");
    run(&mut bootstrap(&hooks_archive, &root_archive, &packed_root), progress).with_context(|| {
        let (release, variable) = (sources::RELEASE, sources::MIRROR_VARIABLE);
        format!("installing Debian {release} ({variable}=URL names a mirror that has it)")
    })?;

    progress("writing the root disk");
    let disk = folder.join("disk.raw");
    File::create(&disk)
        .and_then(|file| file.set_len(u64::from(DISK_SIZE_GIB) << 30))
        .with_context(|| format!("creating `{}`", disk.display()))?;
    fs::create_dir(&root).context("creating the folder for the root file system")?;
    run(as_owner_of_everything().arg(recipe::DISK_SCRIPT).arg("disk").args([folder]), progress)?;

    for leftover in [root_archive, hooks_archive, packed_root] {
        fs::remove_file(&leftover).with_context(|| format!("removing `{}`", leftover.display()))?;
    }
    Ok(())
}

fn bootstrap(hooks_archive: &Path, root_archive: &Path, packed_root: &Path) -> Command {
    let mut command = Command::new("mmdebstrap");
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
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = if is_root {
        Command::new("sh")
    } else {
        let mut command = Command::new("fakeroot");
        command.arg("sh");
        command
    };
    command.arg("-euc");
    command
}

/// Runs a program to its end; its output goes to `progress` and, when it fails, into the error.
fn run(command: &mut Command, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("running `{name}` (is it installed?)"))?;
    let mut last_lines = Vec::new();
    if let Some(output) = child.stderr.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(step) = line.strip_prefix("I: ") {
                progress(step);
            }
            if last_lines.len() == SHOWN_LINES {
                last_lines.remove(0);
            }
            last_lines.push(line);
        }
    }
    let status = child.wait().with_context(|| format!("waiting for `{name}`"))?;
    if !status.success() {
        bail!("`{name}` ended with {status}:\n{}", last_lines.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_shown_with_its_last_words() {
        let mut steps = Vec::new();
        let script = "echo 'I: starting' >&2; for i in $(seq 40); do echo line $i >&2; done; exit 3";
        let error = run(Command::new("sh").args(["-c", script]), &mut |step| steps.push(step.to_owned()))
            .expect_err("exit code 3");
        let message = error.to_string();
        assert_eq!(steps, ["starting"]);
        assert!(message.contains("exit status: 3") && message.ends_with("line 39\nline 40"), "{message}");
        assert!(!message.contains("line 25\n"), "{message}");
    }

    #[test]
    fn paths_survive_the_hooks_shell() {
        assert_eq!(shell_word(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
