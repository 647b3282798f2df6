//! Where a user's programs keep their files. <https://specifications.freedesktop.org/basedir-spec/latest/>

use std::ffi::OsString;
use std::path::PathBuf;

use report::Mendable;

/// `$XDG_STATE_HOME`, else `~/.local/state`.
pub fn state_home() -> anyhow::Result<PathBuf> {
    Ok(xdg_home(std::env::var_os, "XDG_STATE_HOME", ".local/state")?)
}

/// `$XDG_CACHE_HOME`, else `~/.cache`.
pub fn cache_home() -> anyhow::Result<PathBuf> {
    Ok(xdg_home(std::env::var_os, "XDG_CACHE_HOME", ".cache")?)
}

/// The user's own folder.
pub fn home() -> Option<PathBuf> {
    absolute(std::env::var_os, "HOME")
}

/// What is empty or relative counts as not set, as the specification asks.
fn absolute(variable: impl Fn(&'static str) -> Option<OsString>, name: &'static str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn xdg_home(
    variable: impl Fn(&'static str) -> Option<OsString> + Copy,
    name: &'static str,
    below_home: &str,
) -> Result<PathBuf, Mendable> {
    if let Some(path) = absolute(variable, name) {
        return Ok(path);
    }
    match absolute(variable, "HOME") {
        Some(home) => Ok(home.join(below_home)),
        None => Err(Mendable::usage(
            format!("neither `{name}` nor `HOME` is set to an absolute path, so there is no place for files of yours"),
            format!("export HOME=DIR or {name}=DIR; clusters' directories alone can be named with --state-dir DIR"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn homes_are_absolute_or_a_matter_of_usage() {
        for (state, home, expected) in [
            (Some("/state"), None, Some("/state")),
            (Some("/state"), Some("/home/a"), Some("/state")),
            (Some("state"), Some("/home/a"), Some("/home/a/.local/state")),
            (None, Some("/home/a"), Some("/home/a/.local/state")),
            (Some(""), Some(""), None),
            (None, Some("home"), None),
            (None, None, None),
        ] {
            let variable = |name: &str| if name == "HOME" { home } else { state }.map(OsString::from);
            let found = xdg_home(variable, "XDG_STATE_HOME", ".local/state");
            assert_eq!(found.as_deref().ok(), expected.map(Path::new), "{state:?} {home:?}");
            if let Err(error) = found {
                assert!(error.message.contains("`XDG_STATE_HOME` nor `HOME`") && error.hint.contains("export HOME="));
            }
        }
    }
}
