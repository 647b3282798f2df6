//! Paths in commands that a shell reads: QEMU's, those of mmdebstrap's special hooks, and those that users are told.

use std::path::Path;

/// The path as one word of a POSIX shell's.
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>
pub(crate) fn shell_word(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
