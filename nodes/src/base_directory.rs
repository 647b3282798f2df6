//! Where a user's programs keep their files. <https://specifications.freedesktop.org/basedir-spec/latest/>

use std::path::PathBuf;

use anyhow::Context as _;

/// `$XDG_STATE_HOME`, else `~/.local/state`.
pub fn state_home() -> anyhow::Result<PathBuf> {
    xdg_home("XDG_STATE_HOME", ".local/state")
}

/// `$XDG_CACHE_HOME`, else `~/.cache`.
pub fn cache_home() -> anyhow::Result<PathBuf> {
    xdg_home("XDG_CACHE_HOME", ".cache")
}

fn xdg_home(variable: &str, below_home: &str) -> anyhow::Result<PathBuf> {
    match std::env::var_os(variable).map(PathBuf::from) {
        Some(path) if path.is_absolute() => Ok(path),
        _ => {
            let home = std::env::var_os("HOME").with_context(|| format!("neither `{variable}` nor `HOME` is set"))?;
            Ok(PathBuf::from(home).join(below_home))
        }
    }
}
