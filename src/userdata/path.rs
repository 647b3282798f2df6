//! Where files can be written, and where they would be lost.

use std::collections::BTreeMap;

use super::mistake::Mistake;
use super::purpose::Purpose;
pub(super) use cloudinit_rules::path::clean;
use diagnostics::quoted;

/// Parts of the image's verified, read-only file system; the others are links into `/usr`.
/// <https://www.flatcar.org/docs/latest/installing/customizing-the-image/customize-the-image/>
const READ_ONLY: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// Fedora CoreOS keeps it in `/var`.
const WRITABLE_ON_FEDORA_COREOS: &str = "/usr/local";
/// File systems of the kernel's, and those in memory: the machine mounts them over what Ignition wrote.
const HIDDEN: [&str; 7] = ["/run", "/tmp", "/proc", "/sys", "/dev", "/var/run", "/var/lock"];
/// Of those, coreos-cloudinit, which runs later, can write into the ones that are in memory.
const NEVER_FILES: [&str; 3] = ["/proc", "/sys", "/dev"];

/// `NAME_MAX`, in bytes. <https://man7.org/linux/man-pages/man7/path_resolution.7.html>
const NAME_BYTES: usize = 255;
/// `PATH_MAX` without the NUL at the end, in bytes.
const PATH_BYTES: usize = 4095;

/// Whether `path` is `folder` or below it. Both are clean.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every folder above a clean path, the nearest first, without the root.
pub(super) fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(folder, _)| folder), |folder| {
        folder.rsplit_once('/').map(|(above, _)| above)
    })
    .take_while(|folder| !folder.is_empty())
}

/// What keeps every file system from having a path; it is not quoted whole, as it is that long.
pub(super) fn length(path: &str) -> Option<Mistake> {
    if path.len() > PATH_BYTES {
        let what = format!("is a path of {} bytes, and {PATH_BYTES} are the most", path.len());
        return Some(Mistake::new(what, "write a shorter one"));
    }
    path.split('/').find_map(name_length)
}

/// The same of a name alone.
pub(super) fn name_length(name: &str) -> Option<Mistake> {
    let what = || format!("{} is a name of {} bytes, and {NAME_BYTES} are the most", quoted(name), name.len());
    (name.len() > NAME_BYTES).then(|| Mistake::new(what(), "write a shorter one"))
}

/// What keeps a unit with drop-ins from having them: the folder's name is the unit's and `.d`.
pub(super) fn drop_in_folder(unit: &str) -> Option<Mistake> {
    let most = NAME_BYTES - ".d".len();
    let what = || format!("{} has {} bytes, and a unit with drop-ins {most} at most", quoted(unit), unit.len());
    (most < unit.len() && unit.len() <= NAME_BYTES).then(|| Mistake::new(what(), "write a shorter name"))
}

/// What keeps a file at a clean path from being there for those who look for it.
pub(super) fn place(path: &str, purpose: Purpose) -> Option<Mistake> {
    let within = |folders: &[&str]| folders.iter().any(|folder| is_within(path, folder));
    if within(&READ_ONLY) {
        let on_fedora = is_within(path, WRITABLE_ON_FEDORA_COREOS);
        if on_fedora && purpose.image_is_fedora_coreos() {
            return None;
        }
        let what = format!("`{path}` is on the image's read-only file system");
        let mistake = Mistake::new(what, "write it below `/opt`, `/etc` or `/var`");
        return Some(Mistake { flatcar_alone: on_fedora && purpose.is_ignition(), ..mistake });
    }
    if purpose.is_ignition() && within(&HIDDEN) {
        let what = format!("`{path}` is hidden once the machine runs: another file system is mounted over it");
        let mistake = Mistake::new(what, "write it below `/etc`, `/opt` or `/var`, or by `/etc/tmpfiles.d`");
        return Some(mistake.passed_over());
    }
    if within(&NEVER_FILES) {
        let what = format!("`{path}` is on a file system of the kernel's, in which no file can be made");
        return Some(Mistake::new(what, "write a setting to `/etc/sysctl.d`, or run a command by a unit"));
    }
    None
}

/// What is wrong with each file that stands below another file, by index. Paths are clean.
pub(super) fn below_files<'p>(files: &[&'p str]) -> BTreeMap<usize, &'p str> {
    let known: std::collections::HashSet<&str> = files.iter().copied().collect();
    let mut found = BTreeMap::new();
    for (index, path) in files.iter().enumerate() {
        if let Some(above) = folders(path).find(|folder| known.contains(folder)) {
            found.insert(index, above);
        }
    }
    found
}

/// The mistake of a file below another.
pub(super) fn below(above: &str, what_above: &str) -> Mistake {
    Mistake::new(format!("is below `{above}`, which is {what_above}"), "give one of them another path")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Dialect;

    #[test]
    fn paths_are_cleaned() {
        for (path, cleaned) in [
            ("/etc//a", "/etc/a"),
            ("/etc/a/", "/etc/a"),
            ("/etc/../etc/./a", "/etc/a"),
            ("/../../a", "/a"),
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/a b/ü", "/a b/ü"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
        assert_eq!(folders("/a/b/c").collect::<Vec<_>>(), ["/a/b", "/a"]);
        assert_eq!(folders("/a").count(), 0);
    }

    #[test]
    fn lengths() {
        let name = |bytes: usize| "n".repeat(bytes);
        let path = |bytes: usize| "/nnn".repeat(bytes / 4) + &"n".repeat(bytes % 4);
        for (path, right) in [
            (format!("/etc/{}", name(255)), true),
            (format!("/etc/{}", name(256)), false),
            (format!("/{}/x", name(256)), false),
            // Bytes are counted, not letters.
            (format!("/etc/{}", "ü".repeat(128)), false),
            (path(4095), true),
            (path(4096), false),
        ] {
            let found = length(&path);
            assert_eq!(found.is_none(), right, "{} bytes: {found:?}", path.len());
            assert!(found.is_none_or(|mistake| mistake.text().len() < 500));
        }
        for (bytes, right) in [(253, true), (254, false), (255, false), (256, true)] {
            assert_eq!(drop_in_folder(&name(bytes)).is_none(), right, "{bytes}");
        }
    }

    #[test]
    fn places() {
        let merged = |dialect, fedora_coreos| Purpose::Merged { dialect, fedora_coreos };
        let purposes = [
            Purpose::CloudConfigAlone,
            Purpose::IgnitionAlone { minor: 3 },
            merged(Dialect::CloudConfig, false),
            merged(Dialect::Ignition, false),
            merged(Dialect::Ignition, true),
        ];
        for (path, right) in [
            ("/etc/x", [true; 5]),
            ("/opt/bin/x", [true; 5]),
            ("/usrx", [true; 5]),
            ("/library/x", [true; 5]),
            ("/var/tmp/x", [true; 5]),
            ("/usr/x", [false; 5]),
            ("/usr/local/bin/x", [false, false, false, false, true]),
            ("/bin/x", [false; 5]),
            ("/sbin/x", [false; 5]),
            ("/lib/x", [false; 5]),
            ("/lib64/x", [false; 5]),
            ("/run/x", [true, false, true, false, false]),
            ("/tmp/x", [true, false, true, false, false]),
            ("/var/run/x", [true, false, true, false, false]),
            ("/proc/sys/x", [false; 5]),
            ("/sys/x", [false; 5]),
            ("/dev/x", [false; 5]),
        ] {
            for (purpose, right) in purposes.into_iter().zip(right) {
                let mistake = place(path, purpose);
                assert_eq!(mistake.is_none(), right, "{path} {purpose:?}: {mistake:?}");
                let by_lint = path == "/usr/local/bin/x" && purpose == Purpose::IgnitionAlone { minor: 3 };
                assert_eq!(
                    mistake.is_some_and(|mistake| mistake.flatcar_alone),
                    by_lint || (path == "/usr/local/bin/x" && purpose == merged(Dialect::Ignition, false)),
                    "{path} {purpose:?}"
                );
            }
        }
    }

    #[test]
    fn files_below_files() {
        let found = below_files(&["/a/b/c", "/a", "/ab", "/a/b/c/d"]);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(0, "/a"), (3, "/a/b/c")]);
    }
}
